// What a bot of libeim, in whichever language, and the published easemob-websdk 4.8.1 are to each other.
import { after, before, describe, test } from 'node:test';
import assert from 'node:assert/strict';
import { end, sdk, startSandbox } from './harness.mjs';

export const FILE = { url: 'https://files.example/a/b', secret: 's3cret', filename: 'n\u00e4me.bin', file_length: 1234 };
// sdk: for message.create; fields: what both sides have to see. What makes them in our language: ours of those below.
const KINDS = {
  txt: { event: 'onTextMessage', sdk: { msg: 'ol\u00e1 \u{1F600}' }, fields: { msg: 'ol\u00e1 \u{1F600}' } },
  cmd: { event: 'onCmdMessage', sdk: { action: 'typing' }, fields: { action: 'typing' } },
  custom: { event: 'onCustomMessage', sdk: { customEvent: 'gift', customExts: { n: '7' } },
    fields: { customEvent: 'gift', customExts: { n: '7' } } },
  loc: { event: 'onLocationMessage', sdk: { lat: 31.25, lng: 121.5, addr: 'The Bund', buildingName: '18' },
    fields: { lat: 31.25, lng: 121.5, addr: 'The Bund' } },
  img: { event: 'onImageMessage', sdk: { url: FILE.url, width: 8, height: 9 }, fields: { width: 8, height: 9 } },
  audio: { event: 'onAudioMessage', sdk: { body: { ...FILE, length: 3 } },
    fields: { filename: FILE.filename, secret: FILE.secret, length: 3 } },
  video: { event: 'onVideoMessage', sdk: { body: { ...FILE, length: 3 } },
    fields: { filename: FILE.filename, secret: FILE.secret, length: 3 } },
  file: { event: 'onFileMessage', sdk: { body: FILE }, fields: { filename: FILE.filename, secret: FILE.secret, file_length: 1234 } },
};
const has = (object, fields) => {
  for (const [name, value] of Object.entries(fields)) assert.deepEqual(object[name], value, name);
};

// language: { name, start, send(bot, to, type, ext), sendText(bot, to, text), channelRead(bot, to), recall(bot, id, to) }
export const botsBeside = (language, { concurrency }) => describe(`a ${language.name} bot and easemob-websdk`, { concurrency }, () => {
  let box;
  before(async () => { box = await startSandbox('--multi-device'); });
  after(end);

  test('the bot answers the SDK, a hundred times and in order', async (t) => {
    const [a, b] = [await box.user(), await box.user()];
    const [one] = await Promise.all([sdk(t, box), language.start(t, box, b)]);
    await one.login(a);
    for (let i = 0; i < 100; i++) await one.send(b, `echo ${i} \u{1F600} \u4f60\u597d`, { i, deep: { list: [i] } });
    for (let i = 0; i < 100; i++) {
      const heard = await one.event('onTextMessage');
      assert.equal(heard.msg, `${i} \u{1F600} \u4f60\u597d`);
      assert.deepEqual(heard.ext, { i, deep: { list: [i] } });
      assert.deepEqual([heard.from, heard.to, heard.chatType], [b, a, 'singleChat']);
    }
  });

  test('every kind, both ways', async (t) => {
    const [a, b] = [await box.user(), await box.user()];
    const [one, bot] = await Promise.all([sdk(t, box), language.start(t, box, b)]);
    await one.login(a);
    for (const [type, kind] of Object.entries(KINDS)) {
      const sent = await one.ok('send', { type, to: b, ext: { type }, ...kind.sdk });
      const got = (await bot.event('message')).message;
      has(got, { type, id: sent.serverMsgId, from: a, to: b, ext: { type }, ...kind.fields });
      const id = await language.send(bot, a, type, { type });
      const heard = await one.event(kind.event);
      has(heard, { id, type, from: b, to: a, ext: { type }, ...kind.fields });
    }
  });

  test('receipts and recall, both ways', async (t) => {
    const [a, b] = [await box.user(), await box.user()];
    const [one, bot] = await Promise.all([sdk(t, box, { delivery: true }), language.start(t, box, b, { delivery: true })]);
    await one.login(a);
    const { serverMsgId } = await one.send(b, 'read this');
    await bot.event('message');
    assert.equal((await one.event('onDeliveredMessage')).mid, serverMsgId);
    await bot.call('mark_read', { message: serverMsgId });
    assert.equal((await one.event('onReadMessage')).mid, serverMsgId);
    await language.channelRead(bot, a);
    assert.equal((await one.event('onChannelMessage')).from, b);
    const id = await language.sendText(bot, a, 'and this');
    assert.equal((await one.event('onTextMessage')).id, id);
    assert.equal((await bot.event('receipt DELIVERED')).id, id);
    await one.ok('read', { to: b, id });
    assert.deepEqual((({ id, sender }) => [id, sender])(await bot.event('receipt READ')), [id, a]);
    await language.recall(bot, id, a);
    assert.equal((await one.event('onRecallMessage')).mid, id);
    await one.ok('recall', { to: b, mid: serverMsgId });
    assert.equal((await bot.event('receipt RECALLED')).id, serverMsgId);
  });

  test('the bot hears of its end as the SDK does', async (t) => {
    const b = await box.user();
    const [one, bot] = await Promise.all([sdk(t, box), language.start(t, box, b)]);
    await one.login(b);
    await box.admin('/kick', { user: b });
    assert.equal((await bot.event('disconnected')).code, 217);
    assert.equal((await one.event('onError')).type, 217);
    assert.equal(await bot.exit(), 0);
  });
});
