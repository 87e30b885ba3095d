// A bot of libeim's Java package. Run by scripts/test-java.sh, which has the jar: EIM_JAVA_CLASSPATH.
import { java } from './harness.mjs';
import { FILE, botsBeside } from './bots.mjs';

// What Message.fromJson makes them of.
const OURS = {
  txt: { msg: 'ol\u00e1 \u{1F600}' }, cmd: { action: 'typing' }, custom: { customEvent: 'gift', customExts: { n: '7' } },
  loc: { lat: 31.25, lng: 121.5, addr: 'The Bund', buildingName: '18' }, img: { url: FILE.url, width: 8, height: 9 },
  audio: { ...FILE, length: 3 }, video: { ...FILE, length: 3 }, file: FILE,
};

botsBeside({
  name: 'Java',
  start: java,
  send: (bot, to, type, ext) => bot.call('send', { message: { type, to, ext, ...OURS[type] } }),
  sendText: (bot, to, msg) => bot.call('send', { message: { type: 'txt', to, msg } }),
  channelRead: (bot, to) => bot.call('mark_channel_read', { to }),
  recall: (bot, id, to) => bot.call('recall', { id, to }),
}, { concurrency: 2 });
