// Files that easemob-websdk sends from a page, in one piece and in parts (docs/protocol.md 3.6), with the sandbox's store
// behind and libeim (the Python package) at the other end; and files of libeim, read by the SDK's own links.
import { after, before, describe, test } from 'node:test';
import assert from 'node:assert/strict';
import crypto from 'node:crypto';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { end, python, sdk, startSandbox } from './harness.mjs';

let box;
const folder = fs.mkdtempSync(path.join(os.tmpdir(), 'eim-uploads-'));
before(async () => { box = await startSandbox('--multi-device'); });
after(() => {
  end();
  fs.rmSync(folder, { recursive: true, force: true });
});

const SMALL = crypto.randomBytes(20000), LARGE = crypto.randomBytes(9000000);
const calls = async (method, part) => (await box.admin('/log')).filter((entry) =>
  entry.method === method && entry.path?.includes(part)).length;

for (const [name, options] of Object.entries({ '4.8.1': { host: 'web' },
  '4.21.1': { host: 'web', package: 'easemob-websdk-4211' } })) {
  describe(`files, ${name}`, () => {
    for (const [size, bytes, parts] of [['small', SMALL, 0], ['large', LARGE, 2]]) {
      test(`a ${size} one from the SDK to libeim`, async (t) => {
        const [a, b] = [await box.user(), await box.user()];
        const [one, bot] = await Promise.all([sdk(t, box, options), python(t, box, b)]);
        await one.login(a);
        for (const [type, file, more] of [['img', 'ein bild.png', { width: 8, height: 9 }], ['file', 'a.bin', {}],
          ['audio', 'a.amr', { length: 3 }], ['video', 'film.mp4', { length: 4 }]].slice(0, parts ? 1 : 4)) {
          const before = await calls('PUT', '/part-upload/');
          const sent = await one.ok('upload', { type, to: b, name: file, bytes: bytes.toString('base64'), filename: file, ...more });
          assert.equal(await calls('PUT', '/part-upload/') - before, parts);
          for (let i = 1; i < sent.progress.length; i++) assert.ok(sent.progress[i] >= sent.progress[i - 1], 'progress');
          const got = (await bot.event('message')).message;
          assert.deepEqual([got.id, got.type, got.file_length], [sent.serverMsgId, type, bytes.length]);
          assert.ok(got.secret);
          const target = path.join(folder, `${name} ${size} ${file}`);
          assert.equal(await bot.call('download', { args: { url: got.url, path: target, secret: got.secret } }), bytes.length);
          assert.ok(fs.readFileSync(target).equals(bytes), 'the same bytes');
        }
      });

      test(`a ${size} one from libeim to the SDK`, async (t) => {
        const [a, b] = [await box.user(), await box.user()];
        const [one, bot] = await Promise.all([sdk(t, box, options), python(t, box, b)]);
        await one.login(a);
        const source = path.join(folder, `from ${name} ${size}.png`);
        fs.writeFileSync(source, bytes);
        const id = await bot.call('send', { kind: 'Image', args: { to: a, path: source, width: 8, height: 9 } });
        const heard = await one.event('onImageMessage');
        assert.deepEqual([heard.id, heard.file_length], [id, bytes.length]);
        const answer = await fetch(heard.url); // the link that the SDK made of it, as an <img> would
        assert.equal(answer.status, 200);
        assert.ok(Buffer.from(await answer.arrayBuffer()).equals(bytes), 'the same bytes');
      });
    }
  });
}
