// The published SDKs over every way they carry messages (docs/protocol.md 4): SockJS (4.8.1 in a page), base64 text
// (4.8.1 in an Alipay host), binary from a page (4.21.1). Each with libeim and with the SDK over binary as the other side.
import { after, before, describe, test } from 'node:test';
import assert from 'node:assert/strict';
import { end, online, run, sdk, startSandbox, until } from './harness.mjs';

let box;
before(async () => { box = await startSandbox('--report-logs'); });
after(end);

const WAYS = {
  'SockJS, 4.8.1 in a page': { host: 'web' },
  'base64, 4.8.1 in Alipay': { host: 'my' },
  'binary, 4.21.1 in a page': { host: 'web', package: 'easemob-websdk-4211' },
};
const FILE = { url: 'https://files.example/a/b?em-redirect=true', secret: 's3cret', filename: 'n\u00e4me.bin', file_length: 1234 };
const KINDS = [
  ['txt', 'onTextMessage', { msg: 'hello \u{1F600} 你好' }],
  ['cmd', 'onCmdMessage', { action: 'typing' }],
  ['custom', 'onCustomMessage', { customEvent: 'gift', customExts: { n: '7', emoji: '\u{1F600}' } }],
  ['loc', 'onLocationMessage', { lat: 31.25, lng: 121.5, addr: 'The Bund', buildingName: '18' }],
  ['audio', 'onAudioMessage', { body: { ...FILE, length: 3 } }],
  ['video', 'onVideoMessage', { body: { ...FILE, length: 3 } }],
  ['file', 'onFileMessage', { body: FILE }],
];
// Of the moment, and what the receiving SDK's version adds by itself.
const OWN = ['id', 'from', 'to', 'time', 'thumb', 'thumb_secret', 'accessToken'];
const content = (message) => Object.fromEntries(Object.entries(message).filter(([name]) => !OWN.includes(name)));

for (const [name, way] of Object.entries(WAYS)) {
  const is4211 = way.package !== undefined;
  describe(name, () => {
    test('login by password and by token; refusals', async (t) => {
      const user = await box.user(), one = await sdk(t, box, way);
      assert.ok((await one.login(user)).accessToken);
      assert.equal(await box.sessions(user), 1);
      await one.ok('close');
      await one.event('onDisconnected');
      await until(async () => await box.sessions(user) === 0, 'the session ends');
      const two = await sdk(t, box, way);
      await two.login(user, { accessToken: await box.token(user) });
      const three = await sdk(t, box, way);
      assert.equal((await three.call('open', { user, pwd: 'nope' })).error.type, 1);
      const four = await sdk(t, box, way), refused = await four.call('open', { user, accessToken: 'YWMtforeign' });
      const error = is4211 ? refused.error : await four.event('onError'); // 4.8.1 resolves before it connects
      assert.equal(error.type, 28);
      assert.ok(!four.has('onConnected'));
    });

    test('every kind, both ways: what arrives is what arrives over the binary socket', async (t) => {
      const [a, b, c] = [await box.user(), await box.user(), await box.user()];
      const [one, two, reference] = await Promise.all([sdk(t, box, way), sdk(t, box), sdk(t, box)]);
      await Promise.all([one.login(a), two.login(b), reference.login(c)]);
      const ext = { n: 7, s: 'x', o: { a: [1] } };
      for (const [type, event, more] of KINDS) {
        const sent = await one.ok('send', { type, to: b, ext, ...more });
        const heard = await two.event(event);
        assert.equal(heard.id, sent.serverMsgId);
        await reference.ok('send', { type, to: b, ext, ...more });
        const expected = await two.event(event);
        for (const member of Object.keys(content(expected))) {
          assert.deepEqual(heard[member], expected[member], `${type} up: ${member}`);
        }
        const back = await two.ok('send', { type, to: a, ext, ...more });
        const got = await one.event(event);
        assert.equal(got.id, back.serverMsgId);
        await two.ok('send', { type, to: c, ext, ...more });
        const beside = await reference.event(event);
        for (const member of Object.keys(content(beside))) {
          assert.deepEqual(got[member], beside[member], `${type} down: ${member}`);
        }
      }
    });

    test('libeim on the other side, and receipts', async (t) => {
      const [a, b] = [await box.user(), await box.user()];
      const one = await sdk(t, box, { ...way, delivery: true });
      await one.login(a);
      const other = await online(t, box, b, ['listen']);
      const sent = await one.send(b, 'to libeim \u{1F600}', { n: 1 });
      const got = await other.message();
      assert.equal(got.id, sent.serverMsgId);
      assert.equal(got.text, 'to libeim \u{1F600}');
      assert.deepEqual(got.ext, { n: 1 });
      const c = await box.user();
      const mine = await run(t, box, c, ['send', '--to', a, 'from libeim 你好']);
      assert.equal(mine.status, 0, mine.errors);
      const heard = await one.event('onTextMessage');
      assert.equal(heard.msg, 'from libeim 你好');
      const two = await sdk(t, box), d = await box.user();
      await two.login(d);
      const receipt = await two.send(a, 'read me');
      const read = await one.event('onTextMessage');
      assert.equal((await two.event('onDeliveredMessage')).mid, receipt.serverMsgId);
      await one.ok('read', { to: d, id: read.id });
      assert.equal((await two.event('onReadMessage')).mid, receipt.serverMsgId);
    });

    test('kicked and forced out', async (t) => {
      for (const [operation, type] of [[3, 216], [4, 217]]) {
        const user = await box.user(), one = await sdk(t, box, way);
        await one.login(user);
        await box.admin('/kick', { user, operation });
        assert.equal((await one.event('onError')).type, type);
        await one.event('onDisconnected');
        assert.equal(await box.sessions(user), 0);
      }
    });

    test('reconnect after the line was cut; what came in between arrives', async (t) => {
      const [a, b] = [await box.user(), await box.user()];
      const one = await sdk(t, box, way);
      await one.login(a);
      await box.admin('/cut', { user: a });
      await box.admin('/push', { user: a, from: b, text: 'in between' });
      await one.event('onConnected');
      assert.equal((await one.event('onTextMessage')).msg, 'in between');
    });
  });
}
