// LZ4 on the message socket (docs/protocol.md 18): easemob-websdk 4.21.1 in a page, which offers it by itself, against the
// sandbox in each direction, with libeim on the other side and `compression` on. Without a codec that is theirs, not a
// single frame behind the login would be understood.
import { after, describe, test } from 'node:test';
import assert from 'node:assert/strict';
import { end, online, run, sdk, startSandbox } from './harness.mjs';

after(end);
const SDK = { host: 'web', package: 'easemob-websdk-4211' };
const DIRECTIONS = { both: [true, true], up: [true, false], down: [false, true], none: [false, false] };
const letters = (seed, length) => Array.from({ length }, (_, i) => String.fromCharCode(97 + (i * i * seed) % 23)).join('');

describe('LZ4 of 4.21.1', () => {
  for (const [how, [up, down]] of Object.entries(DIRECTIONS)) {
    test(`direction ${how}`, async (t) => {
      const box = await startSandbox('--compression', how, '--multi-device');
      const [a, b] = [await box.user(), await box.user()];
      const one = await sdk(t, box, SDK);
      const other = await online(t, box, b, ['chat', '--to', a, '--set', 'compression=true']);
      await one.login(a);
      const sessions = await box.admin('/sessions');
      assert.equal(sessions.length, 2);
      for (const session of sessions) assert.deepEqual([session.lz4Up, session.lz4Down], [up, down], session.user);
      for (let i = 1; i <= 30; i++) { // beyond the window of 64 KiB, both ways
        const text = i % 3 ? `message ${i}` : letters(i, 4800);
        const sent = await one.send(b, text);
        const heard = await other.message();
        assert.deepEqual([heard.id, heard.text], [sent.serverMsgId, text]);
        const back = i % 3 === 1 ? letters(i + 1, 4800) : `answer ${i}`;
        await other.send(back);
        assert.equal((await one.event('onTextMessage')).msg, back);
      }
      await box.stop();
    });
  }

  test('what waited while it was away comes in pages', async (t) => {
    const box = await startSandbox();
    const [a, b] = [await box.user(), await box.user()];
    for (let i = 0; i < 25; i++) {
      const sent = await run(t, box, b, ['send', '--to', a, '--set', 'compression=true', `kept ${i}`]);
      assert.equal(sent.status, 0, sent.errors);
    }
    const one = await sdk(t, box, SDK);
    await one.login(a);
    for (let i = 0; i < 25; i++) assert.equal((await one.event('onTextMessage')).msg, `kept ${i}`);
    await box.stop();
  });
});
