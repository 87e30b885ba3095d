// A bot of libeim's Python package.
import { python } from './harness.mjs';
import { FILE, botsBeside } from './bots.mjs';

// Class and arguments.
const OURS = {
  txt: ['Text', { text: 'ol\u00e1 \u{1F600}' }], cmd: ['Command', { action: 'typing' }],
  custom: ['Custom', { event: 'gift', values: { n: '7' } }],
  loc: ['Location', { lat: 31.25, lng: 121.5, address: 'The Bund', building: '18' }],
  img: ['Image', { url: FILE.url, width: 8, height: 9 }], audio: ['Voice', { ...FILE, length: 3 }],
  video: ['Video', { ...FILE, length: 3 }], file: ['File', FILE],
};

botsBeside({
  name: 'Python',
  start: python,
  send: (bot, to, type, ext) => bot.call('send', { kind: OURS[type][0], args: { to, ext, ...OURS[type][1] } }),
  sendText: (bot, to, text) => bot.call('send', { kind: 'Text', args: { to, text } }),
  channelRead: (bot, to) => bot.call('mark_channel_read', { args: { to } }),
  recall: (bot, id, to) => bot.call('recall', { args: { message_id: id, to } }),
}, { concurrency: 3 });
