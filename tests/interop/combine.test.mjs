// Combined (forwarded) messages between easemob-websdk, in a mini program and in pages, and libeim (the Python package): each side makes one of
// messages that arrived, the other reads its file, and every message in it is what it was, field by field.
import { after, before, describe, test } from 'node:test';
import assert from 'node:assert/strict';
import { end, python, sdk, startSandbox } from './harness.mjs';

let box;
before(async () => { box = await startSandbox('--multi-device'); });
after(end);

const FILE = { url: 'https://files.example/a/b', secret: 's3cret', filename: 'n\u00e4me.bin', file_length: 1234 };
const KINDS = {
  txt: [{ msg: 'ol\u00e1 \u{1F600} \u4f60\u597d' }, 'onTextMessage'],
  img: [{ url: FILE.url, width: 8, height: 9 }, 'onImageMessage'],
  audio: [{ body: { ...FILE, length: 3 } }, 'onAudioMessage'],
  video: [{ body: { ...FILE, length: 3 } }, 'onVideoMessage'],
  file: [{ body: FILE }, 'onFileMessage'],
  loc: [{ lat: 31.25, lng: 121.5, addr: 'The Bund', buildingName: '18' }, 'onLocationMessage'],
  custom: [{ customEvent: 'gift', customExts: { n: '7' } }, 'onCustomMessage'],
  cmd: [{ action: 'typing' }, 'onCmdMessage'],
};
const WORDS = { title: 'Chat', summary: 'a: ol\u00e1', compatibleText: '[chat]' };
const pick = (object, like) => Object.fromEntries(Object.keys(like).map((name) => [name, object[name]]));
// What stands in a file and is not a matter of the moment or of the reader's version.
const inside = ({ onlineState, thumb, thumb_secret, accessToken, priority, broadcast, ...rest }) => rest;

for (const [name, options] of Object.entries({ '4.8.1': {}, '4.8.1 in a page': { host: 'web' },
  '4.21.1 in a page': { host: 'web', package: 'easemob-websdk-4211' } })) {
  describe(`combined messages, ${name}`, () => {
    test('of the SDK, read by libeim', async (t) => {
      const [a, b, c] = [await box.user(), await box.user(), await box.user()];
      const [one, bot, third] = await Promise.all([sdk(t, box, options), python(t, box, b), python(t, box, c)]);
      await one.login(a);
      const ids = [], ext = { n: 7, s: 'x', o: { a: [1] } };
      for (const [type, [more]] of Object.entries(KINDS)) {
        ids.push((await one.ok('send', { type, to: c, ext, ...more })).serverMsgId);
        await third.event('message');
      }
      // The SDK forwards what it received.
      const own = [];
      for (const [type, [more, event]] of Object.entries(KINDS)) {
        const args = { img: { url: FILE.url, width: 8, height: 9 }, txt: { text: more.msg },
          loc: { lat: 31.25, lng: 121.5, address: 'The Bund', building: '18' }, cmd: more,
          custom: { event: 'gift', values: { n: '7' } }, file: FILE }[type] ?? { ...FILE, length: 3 };
        const kind = { img: 'Image', txt: 'Text', loc: 'Location', cmd: 'Command', custom: 'Custom', file: 'File',
          audio: 'Voice', video: 'Video' }[type];
        await third.call('send', { kind, args: { to: a, ext, ...args } });
        own.push(await one.event(event));
      }
      const sent = await one.ok('send', { type: 'combine', to: b, messageList: own, ...WORDS });
      const got = (await bot.event('message')).message;
      assert.deepEqual(pick(got, { ...WORDS, combineLevel: 0, type: 0, id: 0 }),
        { ...WORDS, combineLevel: 1, type: 'combine', id: sent.serverMsgId });
      const read = await bot.call('download_combined', { message: got.id });
      assert.equal(read.length, own.length);
      for (const [i, message] of read.entries()) {
        const was = own[i];
        for (const field of ['id', 'type', 'chatType', 'from', 'to', 'time', 'ext', 'msg', 'action', 'customEvent', 'customExts',
          'lat', 'lng', 'addr', 'buildingName', 'width', 'height', 'filename', 'file_length', ...(was.length ? ['length'] : [])])
          if (was[field] !== undefined && was[field] !== '') assert.deepEqual(message[field], was[field], `${was.type}: ${field}`);
        if (was.url) assert.equal(new URL(message.url).pathname, new URL(was.url).pathname);
      }
      // One in the other.
      const inner = { ...sent.message };
      await one.ok('send', { type: 'combine', to: b, messageList: [inner], ...WORDS });
      const outer = (await bot.event('message')).message;
      assert.equal(outer.combineLevel, 2);
      const [nested] = await bot.call('download_combined', { message: outer.id });
      assert.deepEqual(pick(nested, { ...WORDS, combineLevel: 0, type: 0 }), { ...WORDS, combineLevel: 1, type: 'combine' });
      assert.deepEqual(await bot.call('download_combined', { message: nested.id }), read);
    });

    test('of libeim, read by the SDK as one of its own', async (t) => {
      const [a, b] = [await box.user(), await box.user()];
      const [one, two, bot] = await Promise.all([sdk(t, box, options), sdk(t, box, options), python(t, box, b)]);
      const c = await box.user();
      await Promise.all([one.login(a), two.login(c)]);
      const ext = { n: 7, s: 'x', o: { a: [1] } }, ids = [];
      for (const [type, [more]] of Object.entries(KINDS)) {
        await one.ok('send', { type, to: b, ext, ...more });
        ids.push((await bot.event('message')).message.id);
      }
      const id = await bot.call('send', { kind: 'Combine', messages: ids,
        args: { to: a, title: WORDS.title, summary: WORDS.summary, compatible_text: WORDS.compatibleText } });
      const heard = await one.event('onCombineMessage');
      assert.deepEqual(pick(heard, { ...WORDS, combineLevel: 0, id: 0, from: 0, to: 0 }),
        { ...WORDS, combineLevel: 1, id, from: b, to: a });
      const read = await one.ok('combined', { url: heard.url, secret: heard.secret });
      assert.deepEqual(read.map((message) => message.id), ids);
      assert.deepEqual(read.map((message) => message.type), Object.keys(KINDS));
      // Beside the file that the SDK makes of the same messages.
      await one.ok('send', { type: 'combine', to: c, messageList: read, ...WORDS });
      const reference = await two.event('onCombineMessage');
      assert.deepEqual(pick(heard, { ...WORDS, combineLevel: 0, chatType: 0 }),
        pick(reference, { ...WORDS, combineLevel: 0, chatType: 0 }));
      const again = await two.ok('combined', { url: reference.url, secret: reference.secret });
      assert.deepEqual(read.map(inside), again.map(inside));
      for (const message of read) {
        assert.deepEqual([message.from, message.to, message.ext], [a, b, ext]);
        assert.ok(Math.abs(message.time - Date.now()) < 60000);
      }
    });
  });
}
