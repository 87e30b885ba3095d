// The published easemob-websdk 4.8.1 as a command-line peer. One JSON object a line:
// commands come in on stdin, results and events go out on stdout.
//
//   {"cmd":"new","appKey":"sandbox#demo","apiUrl":"http://127.0.0.1:1","url":"ws://127.0.0.1:1/websocket"}
//       also: any option of the SDK in "options", "caFile", "hosts" (see wx-shim.mjs), "package" (another version of it),
//       "host": wx (default), my (Alipay: base64 text) or web (the main bundle in a page; no caFile, hosts or clock there)
//   {"cmd":"register","username":"alice","password":"x","nickname":"A"}
//   {"cmd":"open","user":"alice","pwd":"x"}   or "accessToken"; "customExt" is what a kicked device is told
//   {"cmd":"send","type":"txt","to":"bob","msg":"hi"}   txt, cmd, custom, loc, img (ready url) and any member of the SDK's
//       message.create, e.g. chatType, ext, action, customEvent, customExts, lat, lng, addr, url, body
//   {"cmd":"read","to":"bob","id":"…"}   {"cmd":"recall","to":"bob","mid":"…"}
//   {"cmd":"call","method":"createGroup","args":[{…}]}   any other method of the connection
//   {"cmd":"combined","url":"…","secret":"…"}   what is in a combined message
//   {"cmd":"upload","type":"img","to":"bob","name":"a.png","bytes":"…base64…"}   sends a file of the page (host web)
//   {"cmd":"edit","id":"…","message":{…}}   a sent message becomes this one (4.21.1)
//   {"cmd":"renew","token":"…"}   {"cmd":"close"}   {"cmd":"quit"}
//   {"cmd":"clock","ms":31000}   its wall clock jumps
//
// Out: {"result":"open","ok":…} or {"result":"open","error":…}, with the "tag" of the command if it had one;
// {"event":"onTextMessage","arg":…} for every handler.
import { createRequire } from 'node:module';
import fs from 'node:fs';
import readline from 'node:readline';
import { makeMy } from './my-shim.mjs';
import { makeWx } from './wx-shim.mjs';

const EVENTS = ['onConnected', 'onDisconnected', 'onError', 'onTokenWillExpire', 'onTokenExpired', 'onTextMessage',
  'onCmdMessage', 'onCustomMessage', 'onLocationMessage', 'onImageMessage', 'onAudioMessage', 'onVideoMessage',
  'onFileMessage', 'onReadMessage', 'onDeliveredMessage', 'onChannelMessage', 'onRecallMessage', 'onReceivedMessage',
  'onGroupEvent', 'onChatroomEvent', 'onContactInvited', 'onContactAgreed', 'onContactRefuse', 'onContactDeleted',
  'onContactAdded', 'onPresenceStatusChange', 'onReactionChange', 'onChatThreadChange', 'onMessagePinEvent',
  'onMultiDeviceEvent', 'onModifiedMessage',
  'onReconnecting', 'onOffline', 'onOnline', 'onStatisticMessage', 'onCombineMessage'];

const out = (object) => process.stdout.write(JSON.stringify(object) + '\n');
let sdk, connection, page, ahead = 0;

const now = Date.now;
Date.now = () => now() + ahead;
globalThis.Date = new Proxy(Date, { construct: (real, given) => new real(...(given.length ? given : [Date.now()])) });

function plain(value) {
  if (Object.prototype.toString.call(value) === '[object Error]') return { ...value, name: value.name, message: value.message };
  return value === undefined ? null : value;
}

function loadMini(command) {
  globalThis.self ??= globalThis; // the bundle is webpack output for either kind of host
  if (!('navigator' in globalThis)) globalThis.navigator = undefined; // it reads the name without asking
  const ca = command.caFile ? fs.readFileSync(command.caFile, 'utf8') : undefined;
  if (command.host === 'my') globalThis.my = makeMy({ hosts: command.hosts, ca });
  else globalThis.wx = makeWx({ hosts: command.hosts, ca });
  const loaded = createRequire(import.meta.url)(`${command.package || 'easemob-websdk'}/miniProgram/Easemob-chat.js`);
  return loaded.default || loaded;
}

async function start(command) {
  if (command.host === 'web') ({ sdk, page } = (await import('./web-shim.mjs')).loadWeb(command.package || 'easemob-websdk'));
  else sdk = loadMini(command);
  sdk.logger?.setConsoleLogVisibility?.(false);
  connection = new sdk.connection({
    appKey: command.appKey, apiUrl: command.apiUrl, url: command.url, isHttpDNS: false, ...command.options });
  const handlers = {};
  for (const name of EVENTS) handlers[name] = (arg) => out({ event: name, arg: plain(arg) });
  connection.addEventHandler('peer', handlers);
  // Errors before a login reach only the old listener; the rest of it would repeat the handlers above.
  connection.listen({ onError: (error) => out({ event: 'listen.onError', arg: plain(error) }) });
}

const commands = {
  new: async (command) => start(command),
  register: ({ username, password, nickname }) => connection.registerUser({ username, password, nickname }),
  open: ({ user, pwd, accessToken, customExt }) => {
    if (customExt !== undefined) connection.setLoginInfoCustomExt(customExt);
    return connection.open({ user, ...(accessToken === undefined ? { pwd } : { accessToken }) }); // 4.21.1 looks for the key
  },
  send: ({ cmd, tag, ...message }) => connection.send(sdk.message.create({ chatType: 'singleChat', ...message })),
  read: ({ cmd, tag, ...receipt }) => connection.send(sdk.message.create({ type: 'read', chatType: 'singleChat', ...receipt })),
  call: ({ method, args }) => connection[method](...(args || [])),
  recall: ({ to, mid }) => connection.recallMessage({ mid, to, chatType: 'singleChat' }),
  combined: ({ url, secret }) => connection.downloadAndParseCombineMessage({ url, secret }),
  upload: ({ cmd, tag, name, bytes, ...message }) => {
    const data = page.file(Buffer.from(bytes, 'base64'), name);
    const file = { data, filename: name, filetype: name.split('.').pop(), url: page.window.URL.createObjectURL(data) };
    const told = [];
    return connection.send(sdk.message.create({ chatType: 'singleChat', ...message, file,
      onFileUploadProgress: (event) => told.push(event.loaded),
      onFileUploadError: (error) => out({ event: 'onFileUploadError', arg: plain(error) }) }))
      .then((answer) => ({ ...answer, progress: told }));
  },
  edit: ({ id, message }) => connection.modifyMessage({ messageId: id,
    modifiedMessage: sdk.message.create({ chatType: 'singleChat', ...message }) }),
  renew: ({ token }) => connection.renewToken(token),
  close: async () => connection.close(),
  clock: async ({ ms }) => void (ahead += ms),
  quit: async () => process.exit(0),
};

process.on('uncaughtException', (error) => out({ event: 'exception', arg: plain(error) }));
process.on('unhandledRejection', (error) => out({ event: 'rejection', arg: plain(error) }));

const lines = readline.createInterface({ input: process.stdin });
lines.on('close', () => process.exit(0));
lines.on('line', async (line) => {
  if (!line.trim()) return;
  let command;
  try {
    command = JSON.parse(line);
    if (!commands[command.cmd]) throw new Error(`unknown command ${command.cmd}`);
  } catch (error) {
    out({ result: 'parse', error: plain(error) });
    return;
  }
  const reply = { result: command.cmd, ...(command.tag === undefined ? {} : { tag: command.tag }) };
  try {
    out({ ...reply, ok: plain(await commands[command.cmd](command)) });
  } catch (error) {
    out({ ...reply, error: plain(error) });
  }
});
