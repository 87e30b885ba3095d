// libeim (the eim command) and the published easemob-websdk talk to each other through eim-sandbox, and are compared:
// what the SDK reports is what libeim reports. 4.8.1 unless a test names 4.21.1; both are the mini-program bundle.
import { after, before, describe, test } from 'node:test';
import assert from 'node:assert/strict';
import { eim, end, online, run, sdk, startSandbox, until } from './harness.mjs';

let box, several, safe;
before(async () => {
  [box, several, safe] = await Promise.all([startSandbox(), startSandbox('--multi-device'), startSandbox('--tls')]);
});
after(end);

const EXT = { text: 'caf\u00e9 \u{1F600} "quoted" \\', empty: '', zero: 0, small: -7, big: 9007199254740991,
  least: -9007199254740991, fraction: 1.5, tiny: 1e-7, yes: true, no: false, nothing: null,
  object: { a: { b: [1, 'two', null, false] } }, none: {},
  list: [1, 'two', { three: 3 }, null, [], 2.5], '\u4f60\u597d \u{1F600}': 'a key' };
const TEXTS = ['hello', 'emoji \u{1F600}\u{1F468}\u200d\u{1F469}\u200d\u{1F467} 你好 ‏שלום', 
  '"quotes" \\ back\\slashes {"json":[1]} <b>&amp;</b>\\', 'tab\tbell\u0007',
  'x'.repeat(4990) + '\u{1F600}', '\u4f60'.repeat(1600)];

async function exchange(one, a, other, b) {
  for (const [i, text] of TEXTS.entries()) {
    const receipt = await other.send(text);
    const heard = await one.event('onTextMessage');
    assert.equal(heard.msg, text);
    assert.equal(heard.id, receipt.mid);
    assert.deepEqual([heard.from, heard.to, heard.chatType, heard.type], [b, a, 'singleChat', 'txt']);
    const sent = await one.send(b, text, { i });
    const got = await other.message();
    assert.equal(got.text, text);
    assert.equal(got.id, sent.serverMsgId);
    assert.equal(got.time, sent.message.time);
    assert.deepEqual([got.from, got.to, got.chatType, got.type], [a, b, 'singleChat', 'txt']);
    assert.deepEqual(got.ext, { i });
  }
}

describe('libeim and easemob-websdk', { concurrency: 3 }, () => {
  test('text both ways, emoji and 5 kB included', async (t) => {
    const [a, b] = [await box.user(), await box.user()];
    const one = await sdk(t, box);
    await one.login(a);
    await exchange(one, a, await online(t, box, b, ['chat', '--to', a]), b);
  });

  test('the size limit is the same, and so is what it is called', async (t) => {
    const [a, b] = [await box.user(), await box.user()];
    const one = await sdk(t, box);
    await one.login(a);
    const { error } = await one.call('send', { type: 'txt', to: b, msg: 'x'.repeat(5200) });
    assert.equal(error.type, 511);
    const sent = await run(t, box, b, ['send', '--to', a, 'x'.repeat(5200)]);
    assert.equal(sent.status, 1);
    assert.equal(sent.error.code, 510); // MESSAGE_SIZE_LIMIT in the numbers of the native SDKs: docs/errors.md
    assert.equal(sent.error.name, 'MESSAGE_SIZE_LIMIT');
    assert.ok(!one.has('onTextMessage'));
  });

  test('ext: every kind of JSON value, field by field', async (t) => {
    const [a, b, c] = [await box.user(), await box.user(), await box.user()];
    const [one, third, other] = await Promise.all([sdk(t, box), sdk(t, box), online(t, box, b, ['chat', '--to', a])]);
    await Promise.all([one.login(a), third.login(c)]);
    await one.send(b, 'to libeim', EXT);
    await one.send(c, 'to the SDK', EXT);
    const reference = (await third.event('onTextMessage')).ext;
    const got = (await other.message()).ext;
    await run(t, box, c, ['send', '--to', a, '--ext', JSON.stringify(EXT), 'from libeim']); // as another device of c
    const heard = (await one.event('onTextMessage')).ext;
    for (const [key, value] of Object.entries(EXT)) {
      assert.deepEqual(reference[key], value, `SDK to SDK: ${key}`);
      assert.deepEqual(got[key], value, `SDK to libeim: ${key}`);
      assert.deepEqual(heard[key], value, `libeim to SDK: ${key}`);
    }
    assert.deepEqual(Object.keys(got).sort(), Object.keys(EXT).sort());
    assert.deepEqual(Object.keys(heard).sort(), Object.keys(EXT).sort());
  });

  test('registered by one, logged in by the other', async (t) => {
    const one = await sdk(t, box);
    const mine = await run(t, box, 'made-by-eim', ['register', 'made-by-eim']);
    assert.equal(mine.status, 0);
    await one.login('made-by-eim');
    await one.ok('register', { username: 'made-by-sdk', password: 'pw' });
    const there = await run(t, box, 'made-by-sdk', ['login', '--for', '0']);
    assert.equal(there.status, 0);
    // Refusals: the SDK hands over the server's answer, libeim tells the same in its detail.
    for (const [name, code] of [['made-by-sdk', 203], ['no spaces', 205]]) {
      const { error: theirs } = await one.call('register', { username: name, password: 'pw' });
      const ours = await run(t, box, name, ['register', name]);
      assert.equal(ours.status, 1);
      assert.equal(ours.error.code, code);
      assert.deepEqual([ours.error.detail.httpStatus, ours.error.detail.error, ours.error.detail.description],
        [theirs.statusCode, theirs.data.error, theirs.data.error_description]);
    }
    const { error: long } = await one.call('register', { username: 'x'.repeat(65), password: 'pw' });
    assert.match(long.data.error_description, /USERNAME_TOO_LONG/);
    const mine65 = await run(t, box, 'x'.repeat(65), ['register', 'x'.repeat(65)]); // it does not even ask
    assert.equal(mine65.status, 1);
    assert.match(mine65.errors, /105 USER_NAME_TOO_LONG/);
  });

  test('login by password and by token, close', async (t) => {
    const name = await box.user(), one = await sdk(t, box);
    const { accessToken } = await one.login(name);
    await one.ok('close');
    assert.equal(await one.event('onDisconnected'), null);
    await until(async () => await box.sessions(name) === 0, 'the SDK is gone');
    // The token the SDK was given is good for libeim, and one issued by the app's server for both.
    const other = await online(t, box, name, ['login'], { EIM_ACCESS_TOKEN: accessToken });
    assert.equal(await other.stop('SIGTERM'), 0);
    assert.equal((await other.event('onDisconnected')).reason, null);
    await until(async () => await box.sessions(name) === 0, 'libeim is gone');
    const token = await box.token(name);
    const ours = await run(t, box, name, ['login', '--for', '0'], { EIM_ACCESS_TOKEN: token });
    assert.equal(ours.status, 0);
    const two = await sdk(t, box);
    await two.login(name, { accessToken: token });
  });

  test('wrong password, unknown user, wrong and expired token, banned user', async (t) => {
    const name = await box.user(), one = await sdk(t, box);
    for (const [user, code] of [[name, 202], ['nobody-here', 204]]) {
      const { error: theirs } = await one.call('open', { user, pwd: 'wrong' });
      const ours = await run(t, box, user, ['login'], { EIM_PASSWORD: 'wrong' });
      assert.equal(theirs.type, 1); // one number for all
      assert.equal(ours.status, 1);
      assert.equal(ours.error.code, code);
      const their = theirs.data.data ?? theirs.data;
      assert.equal(ours.error.detail.httpStatus, theirs.data.statusCode ?? theirs.data.type);
      assert.equal(ours.error.detail.description, their.error_description);
      assert.ok(!ours.events.some((line) => line.event === 'onConnected'));
    }
    const expired = await box.token(name);
    await box.admin('/expire', { user: name });
    const banned = await box.user(), good = await box.token(banned);
    await box.admin('/users', { user: banned, active: false });
    // The SDK's numbers on the left, docs/errors.md has the pairs.
    const cases = [[name, 'YWMtforeign', 28, 104], [name, expired, 56, 108], [banned, good, 57, 305]];
    for (const [user, token, theirs, ours] of cases) {
      const other = await sdk(t, box);
      await other.ok('open', { user, accessToken: token });
      assert.equal((await other.event('onError')).type, theirs);
      const mine = await run(t, box, user, ['login'], { EIM_ACCESS_TOKEN: token });
      assert.equal(mine.status, 1);
      assert.equal(mine.error.code, ours);
    }
  });

  test('messages wait for whoever is away', async (t) => {
    const [a, b] = [await box.user(), await box.user()];
    const texts = Array.from({ length: 13 }, (_, i) => `m${i} \u{1F600}`); // more than a page
    const one = await sdk(t, box);
    await one.login(a);
    for (const text of texts) await one.send(b, text, { text });
    const other = await online(t, box, b, ['chat', '--to', a]);
    for (const text of texts) {
      const got = await other.message();
      assert.deepEqual([got.text, got.ext.text], [text, text]);
    }
    await one.ok('close');
    await one.event('onDisconnected');
    for (const text of texts) await other.send(text);
    await one.login(a);
    for (const text of texts) assert.equal((await one.event('onTextMessage')).msg, text);
  });

  test('delivery receipts', async (t) => {
    const [a, b] = [await box.user(), await box.user()];
    const one = await sdk(t, box, { delivery: true });
    await one.login(a);
    const other = await online(t, box, b, ['chat', '--to', a, '--set', 'delivery=true']);
    const receipt = await other.send('did it arrive?');
    const delivered = await other.event('onDeliveredMessage');
    assert.deepEqual([delivered.mid, delivered.from, delivered.to], [receipt.mid, a, b]);
    const sent = await one.send(b, 'and this?');
    assert.equal((await one.event('onDeliveredMessage')).mid, sent.serverMsgId);
    const got = await one.event('onTextMessage');
    await one.ok('read', { to: b, id: got.id });
    assert.equal((await other.event('onReadMessage')).mid, receipt.mid);
    await one.ok('recall', { to: b, mid: sent.serverMsgId });
    assert.equal((await other.event('onRecallMessage')).mid, sent.serverMsgId);
  });

  test('206: each pushes the other out and tells it who it was', async (t) => {
    const name = await box.user(), one = await sdk(t, box);
    await one.login(name);
    const other = await online(t, box, name, ['login', '--login-ext', 'from the terminal \u{1F600}']);
    const error = await one.event('onError');
    assert.equal(error.type, 206);
    assert.deepEqual(error.data, { loginInfoCustomExt: 'from the terminal \u{1F600}' });
    assert.equal((await one.event('onDisconnected')).type, 206);
    const two = await sdk(t, box);
    await two.login(name, { customExt: 'from the phone \u{1F600}' });
    const { reason } = await other.event('onDisconnected');
    assert.equal(reason.code, 206);
    assert.equal(reason.detail.loginInfoCustomExt, 'from the phone \u{1F600}');
    assert.equal(await other.exit(), 4);
    assert.ok(!other.has('onReconnecting') && !other.has('onDisconnected'));
    await until(async () => await box.sessions(name) === 1, 'one session is left');
  });

  for (const [type, what, act] of [
    [206, 'replaced', (name) => several.admin('/kick', { user: name, operation: 2, reason: 'the tablet' })],
    [207, 'removed', (name) => several.rest('DELETE', `/users/${name}`)],
    [216, 'password changed', (name) => several.rest('PUT', `/users/${name}/password`, { newpassword: 'new' })],
    [217, 'kicked', (name) => several.rest('GET', `/users/${name}/disconnect`)]]) {
    test(`${type} (${what}) on both at once: one reason`, async (t) => {
      const name = await several.user(), one = await sdk(t, several);
      await one.login(name);
      const other = await online(t, several, name);
      assert.equal(await several.sessions(name), 2);
      const answer = await act(name);
      assert.equal(answer.status ?? 200, 200);
      const [error, gone, told, { reason }] = await Promise.all([one.event('onError'), one.event('onDisconnected'),
        other.event('onError'), other.event('onDisconnected')]);
      assert.equal(error.type, type);
      assert.equal(gone.type, type);
      assert.equal(reason.code, error.type);
      assert.equal(told.error.code, error.type);
      assert.equal(reason.detail.loginInfoCustomExt, error.data?.loginInfoCustomExt);
      assert.equal(await other.exit(), 4);
      for (const peer of [one, other]) assert.ok(!peer.has('onReconnecting') && !peer.has('onDisconnected'), peer.name);
      await until(async () => await several.sessions(name) === 0, 'no session is left');
    });
  }

  test('a token that ends: both warn, then end', async (t) => {
    const name = await several.user(), one = await sdk(t, several);
    const [first, second] = [await several.token(name, 5), await several.token(name, 5)];
    await one.login(name, { accessToken: first });
    const other = await online(t, several, name, ['login', '--set', 'tokenWarningFraction=0.5'],
      { EIM_ACCESS_TOKEN: second });
    const warned = await Promise.all([one.event('onTokenWillExpire'), other.event('onTokenWillExpire')]);
    assert.ok(warned[1].remainingMs > 0 && warned[1].remainingMs <= 5000);
    assert.ok(!other.has('onTokenExpired') && !other.has('onDisconnected'));
    await Promise.all([one.event('onTokenExpired'), other.event('onTokenExpired')]);
    assert.equal(await one.event('onDisconnected'), null); // docs/protocol.md 9: the SDK gives no reason here
    assert.equal((await other.event('onDisconnected')).reason.code, 108);
    assert.equal(await other.exit(), 1);
    assert.ok(!other.has('onTokenWillExpire') && !other.has('onReconnecting'));
  });

  test('both lines are cut: both come back, nothing is lost', async (t) => {
    const [a, b] = [await box.user(), await box.user()], one = await sdk(t, box);
    await one.login(a);
    const other = await online(t, box, b, ['chat', '--to', a, '--set', 'reconnectBaseMs=200']);
    await Promise.all([a, b].map((user) => box.admin('/cut', { user })));
    // Meanwhile: kept for them.
    await Promise.all([a, b].map((user) => box.admin('/push', { user, from: 'friend', text: 'meanwhile' })));
    const [, waits] = await Promise.all([one.event('onReconnecting'), other.event('onReconnecting')]);
    assert.equal(waits.attempt, 1);
    assert.ok(waits.nextRetryMs <= 200);
    await Promise.all([one.event('onConnected'), other.event('onConnected')]);
    assert.equal((await one.event('onTextMessage')).msg, 'meanwhile');
    assert.equal((await other.message()).text, 'meanwhile');
    await other.send('here again');
    assert.equal((await one.event('onTextMessage')).msg, 'here again');
    await one.send(b, 'me too');
    assert.equal((await other.message()).text, 'me too');
    assert.ok(!one.has('onDisconnected') && !other.has('onDisconnected'));
  });

  test('the heartbeat of both, and a line that is half open', async (t) => {
    const quiet = await startSandbox('--multi-device'), name = await quiet.user();
    t.after(() => quiet.stop());
    const unread = async () => (await quiet.admin('/counters')).unread;
    const one = await sdk(t, quiet, { heartBeatWait: 1000 });
    await one.login(name);
    await until(async () => await unread() >= 1, 'the first UNREAD');
    const first = await unread();
    await one.ok('clock', { ms: 31000 }); // it beats after 30 s without a frame: docs/protocol.md 8
    await until(async () => await unread() > first, 'the heartbeat of the SDK');
    const friend = await quiet.user();
    const other = await online(t, quiet, friend, ['login', '--set', 'heartBeatWait=1000', '--set', 'heartbeatTimeout=1000',
      '--set', 'reconnectBaseMs=100', '--set', 'autoReconnectNumMax=-1']);
    const second = await unread(); // its own first one included
    await until(async () => await unread() >= second + 2, 'heartbeats of libeim');
    assert.ok(!other.has('onReconnecting'));
    await Promise.all([name, friend].map((user) => quiet.admin('/freeze', { user })));
    await one.ok('clock', { ms: 31000 });
    await other.event('onReconnecting'); // the SDK never notices
    await Promise.all([name, friend].map((user) => quiet.admin('/freeze', { user, on: false })));
    await other.event('onConnected');
    await quiet.admin('/push', { user: friend, from: name, text: 'alive' });
    assert.ok(!one.has('onReconnecting') && !one.has('onDisconnected'));
  });

  test('over TLS', async (t) => {
    assert.match(safe.url, /^wss:/);
    const [a, b] = [await safe.user(), await safe.user()], one = await sdk(t, safe);
    await one.login(a);
    await exchange(one, a, await online(t, safe, b, ['chat', '--to', a]), b);
    const stranger = await run(t, { ...safe, caFile: null }, b, ['login', '--timeout', '5']);
    assert.equal(stranger.status, 3);
  });

  describe('easemob-websdk 4.21.1', { concurrency: 3 }, () => {
    const newer = (t, where) => sdk(t, where, { package: 'easemob-websdk-4211' });

    test('text both ways, ext', async (t) => {
      const [a, b] = [await box.user(), await box.user()], one = await newer(t, box);
      await one.login(a);
      const other = await online(t, box, b, ['chat', '--to', a]);
      await exchange(one, a, other, b);
      await one.send(b, 'ext', EXT);
      const got = (await other.message()).ext;
      for (const [key, value] of Object.entries(EXT)) assert.deepEqual(got[key], value, key);
    });

    test('kicks, both ways and both at once', async (t) => {
      const name = await box.user(), one = await newer(t, box);
      await one.login(name);
      const other = await online(t, box, name, ['login', '--login-ext', 'from the terminal']);
      const error = await one.event('onError');
      assert.equal(error.type, 206);
      assert.equal(error.data.loginInfoCustomExt, 'from the terminal');
      const two = await newer(t, box);
      await two.login(name, { customExt: 'from the phone' });
      const { reason } = await other.event('onDisconnected');
      assert.equal(reason.code, 206);
      assert.equal(reason.detail.loginInfoCustomExt, 'from the phone');
      const pair = await several.user(), three = await newer(t, several);
      await three.login(pair);
      const last = await online(t, several, pair);
      await several.admin('/kick', { user: pair, operation: 4 });
      assert.equal((await three.event('onError')).type, 217);
      assert.equal((await last.event('onDisconnected')).reason.code, 217);
    });
  });
});
