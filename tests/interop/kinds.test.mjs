// Every kind of message between libeim (the eim command) and the published easemob-websdk, both ways, field by field:
// what the SDK hears of a message of ours is what it hears of one of its own. 4.8.1 in a mini program and in a page, and
// 4.21.1 in a page.
import { after, before, describe, test } from 'node:test';
import assert from 'node:assert/strict';
import { end, online, run, sdk, startSandbox } from './harness.mjs';

let box;
before(async () => { box = await startSandbox('--multi-device'); });
after(end);

const FILE = { url: 'https://files.example/a/b?em-redirect=true', secret: 's3cret', filename: 'n\u00e4me.bin', file_length: 1234 };
const field = (object) => Object.entries(object).flatMap(([name, value]) =>
  ['--field', `${name}=${typeof value === 'object' ? JSON.stringify(value) : value}`]);

// sdk: for message.create; eim: options of `eim send`; event: the SDK's handler; ours: what libeim has as the body
const KINDS = {
  txt: { event: 'onTextMessage', sdk: { msg: 'ol\u00e1 \u{1F600} "q"' }, eim: ['ol\u00e1 \u{1F600} "q"'], ours: { msg: 'ol\u00e1 \u{1F600} "q"' } },
  cmd: { event: 'onCmdMessage', sdk: { action: 'typing' }, eim: ['--cmd', 'typing'], ours: { action: 'typing' } },
  custom: { event: 'onCustomMessage', sdk: { customEvent: 'gift', customExts: { n: '7', emoji: '\u{1F600}' } },
    eim: ['--custom', 'gift', ...field({ customExts: { n: '7', emoji: '\u{1F600}' } })],
    ours: { customEvent: 'gift', customExts: { n: '7', emoji: '\u{1F600}' } } },
  loc: { event: 'onLocationMessage', sdk: { lat: 31.25, lng: 121.5, addr: 'The Bund', buildingName: '18' },
    eim: ['--location', '31.25,121.5,The Bund', ...field({ buildingName: '18' })],
    ours: { lat: 31.25, lng: 121.5, addr: 'The Bund', buildingName: '18' } },
  // Of an image that is somewhere already, 4.8.1 sends nothing but its address and size.
  img: { event: 'onImageMessage', sdk: { url: FILE.url, width: 8, height: 9 },
    eim: ['--type', 'img', ...field({ url: FILE.url, width: 8, height: 9 })], ours: { url: FILE.url, width: 8, height: 9 } },
  audio: { event: 'onAudioMessage', sdk: { body: { ...FILE, length: 3 } },
    eim: ['--type', 'audio', ...field({ ...FILE, length: 3 })], ours: { ...FILE, length: 3 } },
  video: { event: 'onVideoMessage', sdk: { body: { ...FILE, length: 3 } },
    eim: ['--type', 'video', ...field({ ...FILE, length: 3 })], ours: { ...FILE, length: 3 } },
  file: { event: 'onFileMessage', sdk: { body: FILE }, eim: ['--type', 'file', ...field(FILE)], ours: { ...FILE } },
};

// Of the sender, the moment and the copy; and what depends on how the sender's SDK filled the thumbnail.
const same = (message) => {
  const { id, from, time, ...rest } = message;
  for (const name of ['thumb', 'thumb_secret']) delete rest[name];
  return rest;
};

for (const [where, way] of Object.entries({ '4.8.1': {}, '4.8.1 in a page': { host: 'web' },
  '4.21.1 in a page': { host: 'web', package: 'easemob-websdk-4211' } })) {
  describe(`every kind of message, ${where}`, () => {
    let a, b, c, one, third, other; // two of the SDK, and libeim listening
    before(async () => {
      const t = { after() {} }; // they end with all the others
      [a, b, c] = [await box.user(), await box.user(), await box.user()];
      [one, third, other] = await Promise.all([sdk(t, box, way), sdk(t, box, way), online(t, box, b, ['listen'])]);
      await Promise.all([one.login(a), third.login(c)]);
    });

    for (const [type, kind] of Object.entries(KINDS)) {
      test(`${type}, both ways`, async (t) => {
        const ext = { n: 1, s: 'x' };
        // SDK to libeim
        const sent = await one.ok('send', { type, to: b, ext, ...kind.sdk });
        const got = await other.message();
        assert.equal(got.type, type);
        assert.equal(got.id, sent.serverMsgId);
        assert.deepEqual([got.from, got.to, got.chatType, got.time], [a, b, 'singleChat', sent.message.time]);
        assert.deepEqual(got.ext, ext);
        for (const [name, value] of Object.entries(kind.ours)) assert.deepEqual(got.body[name], value, `SDK to libeim: ${name}`);
        // libeim to the SDK, beside SDK to SDK
        const mine = await run(t, box, c, ['send', '--to', a, '--ext', JSON.stringify(ext), ...kind.eim]);
        assert.equal(mine.status, 0, mine.errors);
        const heard = await one.event(kind.event);
        await third.ok('send', { type, to: a, ext, ...kind.sdk });
        const reference = await one.event(kind.event);
        assert.deepEqual(same(heard), same(reference), `libeim to SDK, against SDK to SDK`);
        assert.deepEqual([heard.from, heard.type], [c, type]);
      });
    }
  });
}

test('recall and read receipt of the SDK, as libeim tells them', async (t) => {
  const [a, b] = [await box.user(), await box.user()];
  const one = await sdk(t, box), other = await online(t, box, b, ['chat', '--to', a]);
  await one.login(a);
  const { serverMsgId } = await one.send(b, 'to be withdrawn');
  await other.message();
  await one.ok('recall', { to: b, mid: serverMsgId });
  assert.equal((await other.event('onRecallMessage')).mid, serverMsgId);
  const receipt = await other.send('read this');
  const heard = await one.event('onTextMessage');
  await one.ok('read', { to: b, id: heard.id });
  const read = await other.event('onReadMessage');
  assert.deepEqual([read.mid, read.from], [receipt.mid, a]);
});
