// The published easemob-websdk 4.8.1 against eim-sandbox: what the real client accepts is what the sandbox is
// measured by. EIM_SANDBOX names the program (default: the newest one under build/).
import test, { before, after } from 'node:test';
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import fs from 'node:fs';
import path from 'node:path';
import readline from 'node:readline';
import { fileURLToPath } from 'node:url';

const here = path.dirname(fileURLToPath(import.meta.url));
const DEADLINE = 15000;
const children = new Set();

function program() {
  if (process.env.EIM_SANDBOX) return process.env.EIM_SANDBOX;
  const build = path.join(here, '../../build');
  const found = [build, ...fs.readdirSync(build).map((name) => path.join(build, name))]
    .map((folder) => path.join(folder, 'sandbox/eim-sandbox')).filter((file) => fs.existsSync(file))
    .sort((a, b) => fs.statSync(b).mtimeMs - fs.statSync(a).mtimeMs);
  assert.ok(found.length, 'eim-sandbox is not built; set EIM_SANDBOX');
  return found[0];
}

class Lines {
  constructor(child, name) {
    this.child = child;
    this.name = name;
    this.seen = [];
    this.waiters = new Set();
    children.add(child);
    child.on('exit', () => children.delete(child));
    readline.createInterface({ input: child.stdout }).on('line', (line) => {
      this.seen.push(JSON.parse(line));
      this.waiters.forEach((look) => look());
    });
  }
  // The first line that matches, from now or before; it is taken out.
  take(matches, what) {
    return new Promise((resolve, reject) => {
      const timer = setTimeout(() => {
        this.waiters.delete(look);
        reject(new Error(`${this.name}: no ${what}; seen ${JSON.stringify(this.seen).slice(0, 2000)}`));
      }, DEADLINE);
      const look = () => {
        const index = this.seen.findIndex(matches);
        if (index < 0) return;
        clearTimeout(timer);
        this.waiters.delete(look);
        resolve(this.seen.splice(index, 1)[0]);
      };
      this.waiters.add(look);
      look();
    });
  }
}

async function startSandbox(...args) {
  const child = spawn(program(), args, { stdio: ['ignore', 'pipe', 'inherit'] });
  const lines = new Lines(child, 'sandbox');
  const info = await lines.take(() => true, 'ready line');
  const admin = async (call, body) => {
    const answer = await fetch(info.adminUrl + call, body && { method: 'POST', body: JSON.stringify(body) });
    const json = await answer.json();
    assert.equal(answer.status, 200, JSON.stringify(json));
    return json;
  };
  const app = await rest(info, 'POST', '/token', {
    grant_type: 'client_credentials', client_id: 'YXA6c2FuZGJveC1jbGllbnQtaWQ', client_secret: 'YXA6c2FuZGJveC1jbGllbnQtc2VjcmV0' });
  return { ...info, child, admin, rest: (method, call, body) => rest(info, method, call, body, app.body.access_token) };
}

async function rest(info, method, call, body, token) {
  if (info.caFile) return { body: {} }; // fetch knows no other CA; the SDK does the talking there
  const answer = await fetch(`${info.apiUrl}/${info.appKey.replace('#', '/')}${call}`, {
    method, body: body && JSON.stringify(body),
    headers: { 'content-type': 'application/json', ...(token ? { authorization: `Bearer ${token}` } : {}) } });
  return { status: answer.status, body: await answer.json() };
}

let tags = 0;
class Peer extends Lines {
  constructor(name) {
    super(spawn(process.execPath, [path.join(here, 'peer.mjs')], { stdio: ['pipe', 'pipe', 'inherit'] }), name);
  }
  async call(cmd, more = {}) {
    const tag = ++tags;
    this.child.stdin.write(JSON.stringify({ cmd, tag, ...more }) + '\n');
    return this.take((line) => line.tag === tag, `result of ${cmd}`);
  }
  async ok(cmd, more) {
    const answer = await this.call(cmd, more);
    assert.equal(answer.error, undefined, `${cmd}: ${JSON.stringify(answer.error)}`);
    return answer.ok;
  }
  async event(name) {
    return (await this.take((line) => line.event === name, name)).arg;
  }
  has(name) {
    return this.seen.some((line) => line.event === name);
  }
  async login(user, more = {}) {
    const answer = await this.ok('open', { user, pwd: 'pw', ...more });
    await this.event('onConnected');
    return answer;
  }
  async end() {
    if (this.child.exitCode !== null) return;
    this.child.stdin.end();
    await once(this.child, 'exit');
  }
}

async function peer(t, box, name, more = {}) {
  const one = new Peer(name);
  t.after(() => one.end());
  await one.ok('new', { appKey: box.appKey, apiUrl: box.apiUrl, url: box.url, caFile: box.caFile || undefined, ...more });
  return one;
}

let box, users = 0;
async function user() {
  const name = `user${++users}`;
  await box.admin('/users', { user: name, password: 'pw' });
  return name;
}

before(async () => {
  box = await startSandbox();
});
after(() => Promise.all([...children].map((child) => { // by SIGTERM, so that no CA file stays
  child.kill();
  return once(child, 'exit');
})));

test('register, and its refusals', async (t) => {
  const one = await peer(t, box, 'one');
  const made = await one.ok('register', { username: 'Dave', password: 'x', nickname: 'D' });
  assert.equal(made.entities[0].username, 'dave');
  const refusal = async (username, password, status, error, text) => {
    const { error: why } = await one.call('register', { username, password });
    assert.equal(why.statusCode, status);
    assert.equal(why.data.error, error);
    assert.match(why.data.error_description, text);
  };
  await refusal('dave', 'x', 400, 'duplicate_unique_property_exists', /username be unique, value of dave exists/);
  await refusal('no spaces', 'x', 400, 'illegal_argument', /username \[no spaces\] is not legal/);
  await refusal('x'.repeat(65), 'x', 400, 'illegal_argument', /USERNAME_TOO_LONG/);
  await refusal('erin', '', 400, 'illegal_argument', /password or pin must provided/);
});

test('register where registration is closed', async (t) => {
  const closed = await startSandbox('--open-registration', 'no');
  t.after(() => closed.child.kill());
  const one = await peer(t, closed, 'one');
  const { error } = await one.call('register', { username: 'dave', password: 'x' });
  assert.equal(error.statusCode, 401);
  assert.match(error.data.error_description, /Open registration doesn't allow/);
});

test('login by password and by token', async (t) => {
  const name = await user(), one = await peer(t, box, 'one');
  const { accessToken, duration } = await one.login(name);
  assert.equal(duration, 5184000);
  await one.ok('close');
  await one.event('onDisconnected');
  const two = await peer(t, box, 'two');
  await two.ok('open', { user: name, accessToken });
  await two.event('onConnected');
});

test('wrong password, unknown user, wrong token', async (t) => {
  const name = await user(), one = await peer(t, box, 'one');
  const wrong = await one.call('open', { user: name, pwd: 'nope' });
  assert.equal(wrong.error.type, 1);
  assert.equal(wrong.error.data.data.error_description, 'invalid password');
  const unknown = await one.call('open', { user: 'nobody-here', pwd: 'x' });
  assert.equal(unknown.error.type, 1);
  assert.equal(unknown.error.data.statusCode, 404);
  const two = await peer(t, box, 'two');
  await two.ok('open', { user: name, accessToken: 'YWMtforeign' }); // 4.8.1 resolves before it connects
  assert.equal((await two.event('onError')).type, 28);
  assert.equal((await two.event('onDisconnected')).type, 28);
  assert.ok(!two.has('onConnected'));
});

test('an expired token and a banned account are refused', async (t) => {
  const name = await user(), one = await peer(t, box, 'one');
  const { access_token: accessToken } = await box.admin('/token', { user: name, ttl: 1000 });
  await box.admin('/expire', { user: name });
  await one.ok('open', { user: name, accessToken });
  assert.equal((await one.event('onError')).type, 56);
  const fresh = await box.admin('/token', { user: name });
  await box.admin('/users', { user: name, active: false });
  const two = await peer(t, box, 'two');
  await two.ok('open', { user: name, accessToken: fresh.access_token });
  assert.equal((await two.event('onError')).type, 57);
});

test('text both ways, with emoji and 5 kB; other kinds', async (t) => {
  const [a, b] = [await user(), await user()];
  const [one, two] = [await peer(t, box, 'one'), await peer(t, box, 'two')];
  await one.login(a);
  await two.login(b);
  const long = 'x'.repeat(4980) + '\u{1F600}';
  for (const [from, to, name, msg] of [[one, two, b, 'hello \u{1F600} 你好'], [two, one, a, 'back'], [one, two, b, long]]) {
    const sent = await from.ok('send', { type: 'txt', to: name, msg, ext: { n: 7, s: 'x', o: { a: [1] } } });
    const got = await to.event('onTextMessage');
    assert.equal(got.msg, msg);
    assert.equal(got.id, sent.serverMsgId);
    assert.equal(got.time, sent.message.time);
    assert.deepEqual(got.ext, { n: 7, s: 'x', o: { a: [1] } });
  }
  const { error } = await one.call('send', { type: 'txt', to: b, msg: 'x'.repeat(6000) });
  assert.equal(error.type, 511);
  await one.ok('send', { type: 'cmd', to: b, action: 'refresh' });
  assert.equal((await two.event('onCmdMessage')).action, 'refresh');
  await one.ok('send', { type: 'custom', to: b, customEvent: 'gift', customExts: { id: '9' } });
  assert.deepEqual((await two.event('onCustomMessage')).customExts, { id: '9' });
  await one.ok('send', { type: 'loc', to: b, addr: 'No 1', buildingName: 'Tower', lat: 39.5, lng: 116.25 });
  assert.equal((await two.event('onLocationMessage')).lat, 39.5);
  await one.ok('send', { type: 'img', to: b, url: 'http://127.0.0.1/a.png', width: 4, height: 3,
    body: { url: 'http://127.0.0.1/a.png', secret: 's', filename: 'a.png', file_length: 9, type: 'image/png' } });
  assert.equal((await two.event('onImageMessage')).width, 4);
});

test('receipts and recall', async (t) => {
  const [a, b] = [await user(), await user()];
  const [one, two] = [await peer(t, box, 'one'), await peer(t, box, 'two', { options: { delivery: true } })];
  await one.login(a);
  await two.login(b);
  const sent = await one.ok('send', { type: 'txt', to: b, msg: 'read me' });
  const got = await two.event('onTextMessage');
  assert.equal((await one.event('onDeliveredMessage')).mid, sent.serverMsgId);
  await two.ok('read', { to: a, id: got.id });
  assert.equal((await one.event('onReadMessage')).mid, sent.serverMsgId);
  await one.ok('recall', { to: b, mid: sent.serverMsgId });
  assert.equal((await two.event('onRecallMessage')).mid, sent.serverMsgId);
});

test('messages wait for somebody who is away, over several pages and queues', async (t) => {
  const [a, b, c] = [await user(), await user(), await user()];
  const one = await peer(t, box, 'one');
  await one.login(a);
  for (let i = 0; i < 23; i++) await one.ok('send', { type: 'txt', to: b, msg: `m${i}` });
  await box.admin('/push', { user: b, from: c, text: 'from c' });
  const two = await peer(t, box, 'two');
  await two.login(b);
  const texts = [];
  for (let i = 0; i < 24; i++) texts.push((await two.event('onTextMessage')).msg);
  assert.deepEqual(texts.filter((text) => text !== 'from c'), Array.from({ length: 23 }, (_, i) => `m${i}`));
  assert.ok(texts.includes('from c'));
  for (;;) { // all of it acknowledged
    const waiting = (await box.admin('/users')).find((entry) => entry.user === b).waiting;
    if (!waiting) break;
  }
});

test('kicks: 206 with the text of the other device, 207, 216, 217', async (t) => {
  const kicked = async (type, act) => {
    const name = await user(), one = await peer(t, box, `kick ${type}`);
    await one.login(name);
    await act(name);
    const error = await one.event('onError');
    assert.equal(error.type, type);
    assert.equal((await one.event('onDisconnected')).type, type);
    return { error, name };
  };
  const { error } = await kicked(206, async (name) => {
    const other = await peer(t, box, 'other', { options: { isFixedDeviceId: false } });
    await other.login(name, { customExt: 'from the tablet' });
  });
  assert.deepEqual(error.data, { loginInfoCustomExt: 'from the tablet' });
  const removed = await kicked(207, async (name) => assert.equal((await box.rest('DELETE', `/users/${name}`)).status, 200));
  const again = await peer(t, box, 'again');
  assert.equal((await again.call('open', { user: removed.name, pwd: 'pw' })).error.data.statusCode, 404);
  await kicked(216, async (name) => {
    assert.equal((await box.rest('PUT', `/users/${name}/password`, { newpassword: 'new' })).status, 200);
  });
  await kicked(217, async (name) => assert.equal((await box.rest('GET', `/users/${name}/disconnect`)).status, 200));
});

test('several devices of one user', async (t) => {
  const many = await startSandbox('--multi-device', '--user', 'alice:pw', '--user', 'bob:pw');
  t.after(() => many.child.kill());
  const own = { options: { isFixedDeviceId: false } };
  const [one, two, bob] = [await peer(t, many, 'one', own), await peer(t, many, 'two', own), await peer(t, many, 'bob')];
  await one.login('alice');
  await two.login('alice');
  await bob.login('bob');
  await one.ok('send', { type: 'txt', to: 'bob', msg: 'from one' });
  assert.equal((await bob.event('onTextMessage')).msg, 'from one');
  assert.match((await two.event('onTextMessage')).from, /^alice/); // the copy for the other device
  await bob.ok('send', { type: 'txt', to: 'alice', msg: 'to both' });
  assert.equal((await one.event('onTextMessage')).msg, 'to both');
  assert.equal((await two.event('onTextMessage')).msg, 'to both');
});

test('server.json points to the sandbox, and the SDK logs in through it', async (t) => {
  const answer = await (await fetch(`${box.dnsUrl}?app_key=any%23key`)).json();
  const port = new URL(box.apiUrl).port;
  for (const list of ['rest', 'msync-wx', 'msync-ws']) {
    assert.deepEqual(answer[list].hosts.map(({ protocol, domain, port: p }) => [protocol, domain, p]), [['http', '127.0.0.1', port]]);
  }
  const name = await user();
  const one = await peer(t, box, 'one', { // the mini bundle drops the port of REST hosts, so it is put back
    options: { isHttpDNS: true, https: false },
    hosts: { 'https://rs.easemob.com': box.apiUrl, 'http://127.0.0.1': box.apiUrl } });
  await one.login(name);
});

test('token expiry: the two warnings, and renewal', async (t) => {
  const name = await user(), one = await peer(t, box, 'one');
  const { access_token: accessToken } = await box.admin('/token', { user: name, ttl: 2 });
  await one.ok('open', { user: name, accessToken });
  await one.event('onConnected');
  await one.event('onTokenWillExpire');
  await one.event('onTokenExpired');
  await one.event('onDisconnected');
  const two = await peer(t, box, 'two');
  await two.login(name);
  const fresh = await box.admin('/token', { user: name, ttl: 1000 });
  const renewed = await two.ok('renew', { token: fresh.access_token });
  assert.equal(renewed.status, true);
  assert.ok(Math.abs(renewed.expire - Date.now() - 1000000) < 60000);
});

test('reconnect after the line was cut', async (t) => {
  const name = await user(), one = await peer(t, box, 'one');
  await one.login(name);
  assert.equal((await box.admin('/cut', { user: name })).count, 1);
  await one.event('onConnected');
  await box.admin('/push', { user: name, from: 'friend', text: 'still here' });
  assert.equal((await one.event('onTextMessage')).msg, 'still here');
});

test('the heartbeat is answered', async (t) => {
  const name = await user(), one = await peer(t, box, 'one');
  const before_ = (await box.admin('/counters')).unread;
  await one.login(name);
  for (;;) { // UNREAD right after the login is the same frame as a heartbeat
    const { unread, ping } = await box.admin('/counters');
    if (unread > before_ && ping > 1) break;
  }
  // An answer from a clock beyond the end of the token ends the session: docs/protocol.md 9.
  await box.admin('/clock', { ms: 0 });
  assert.ok(!one.has('onError'));
});

test('over TLS', async (t) => {
  const safe = await startSandbox('--tls', '--user', 'alice:pw', '--user', 'bob:pw');
  t.after(() => safe.child.kill());
  assert.match(safe.url, /^wss:/);
  const [one, two] = [await peer(t, safe, 'one'), await peer(t, safe, 'two')];
  await one.login('alice');
  await two.login('bob');
  await one.ok('send', { type: 'txt', to: 'bob', msg: 'sealed' });
  assert.equal((await two.event('onTextMessage')).msg, 'sealed');
});
