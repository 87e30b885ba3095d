// Children of the tests: the sandbox, the published SDK (peer.mjs) and eim, each a process that speaks JSON lines.
// EIM_BUILD_DIR names the build whose programs are used (default: the newest under build/).
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import readline from 'node:readline';
import { fileURLToPath } from 'node:url';

const here = path.dirname(fileURLToPath(import.meta.url));
const DEADLINE = 20000;
const children = new Set();
const state = fs.mkdtempSync(path.join(os.tmpdir(), 'eim-interop-'));
const clean = Object.fromEntries(Object.entries(process.env).filter(([name]) => !name.startsWith('EIM_')));

export function end() {
  children.forEach((child) => child.kill('SIGKILL'));
  fs.rmSync(state, { recursive: true, force: true });
}

function program(name) {
  const own = process.env.EIM_BUILD_DIR, build = path.join(here, '../../build');
  const folders = own ? [own] : fs.readdirSync(build).map((entry) => path.join(build, entry));
  const found = folders.map((folder) => path.join(folder, name)).filter((file) => fs.existsSync(file))
    .sort((a, b) => fs.statSync(b).mtimeMs - fs.statSync(a).mtimeMs);
  assert.ok(found.length, `${name} is not built; set EIM_BUILD_DIR`);
  return found[0];
}

function within(promise, what) {
  let timer;
  const late = new Promise((_, reject) => {
    timer = setTimeout(() => reject(new Error(`not within ${DEADLINE} ms: ${what()}`)), DEADLINE);
  });
  return Promise.race([promise, late]).finally(() => clearTimeout(timer));
}

// Asks again and again until the answer is true; each answer of the sandbox is what it waits for.
export async function until(ask, what) {
  const limit = Date.now() + DEADLINE;
  while (!(await ask())) if (Date.now() > limit) throw new Error(`not within ${DEADLINE} ms: ${what}`);
}

class Child {
  constructor(name, file, args, options = {}) {
    this.name = name;
    this.seen = [];
    this.waiters = new Set();
    this.child = spawn(file, args, { stdio: ['pipe', 'pipe', 'pipe'], ...options });
    this.errors = '';
    this.child.stderr.setEncoding('utf8').on('data', (text) => { this.errors = (this.errors + text).slice(-4000); });
    this.child.stdin.on('error', () => {}); // it ended before it read
    children.add(this.child);
    this.ended = new Promise((resolve) => this.child.on('close', (code) => {
      children.delete(this.child);
      resolve(code);
    }));
    readline.createInterface({ input: this.child.stdout }).on('line', (line) => {
      this.seen.push(JSON.parse(line));
      this.waiters.forEach((look) => look());
    });
  }
  // The first line that matches, from now or before; it is taken out.
  take(matches, what) {
    let look;
    const found = new Promise((resolve) => {
      look = () => {
        const index = this.seen.findIndex(matches);
        if (index >= 0) resolve(this.seen.splice(index, 1)[0]);
        if (index >= 0) this.waiters.delete(look);
      };
      this.waiters.add(look);
      look();
    });
    return within(found, () => `${this.name}: ${what}; seen ${JSON.stringify(this.seen).slice(0, 2000)} ${this.errors}`)
      .finally(() => this.waiters.delete(look));
  }
  has(name) {
    return this.seen.some((line) => line.event === name);
  }
  exit() {
    return within(this.ended, () => `${this.name}: its end; seen ${JSON.stringify(this.seen).slice(0, 2000)}`);
  }
  async stop(signal) {
    this.child.kill(signal);
    return this.exit();
  }
}

// ------------------------------------------------------------------ the sandbox

export async function startSandbox(...args) {
  const child = new Child('sandbox', program('sandbox/eim-sandbox'), args, { env: clean });
  const info = await child.take(() => true, 'ready line');
  const call = async (url, method, body, token) => {
    const answer = await fetch(url, { method, body: body && JSON.stringify(body),
      headers: { 'content-type': 'application/json', ...(token ? { authorization: `Bearer ${token}` } : {}) } });
    return { status: answer.status, body: await answer.json() };
  };
  const admin = async (path_, body) => {
    const answer = await call(info.adminUrl + path_, body ? 'POST' : 'GET', body);
    assert.equal(answer.status, 200, JSON.stringify(answer.body));
    return answer.body;
  };
  const api = (path_) => `${info.apiUrl}/${info.appKey.replace('#', '/')}${path_}`;
  const app = info.caFile ? undefined : await call(api('/token'), 'POST', { grant_type: 'client_credentials', // fetch knows
    client_id: 'YXA6c2FuZGJveC1jbGllbnQtaWQ', client_secret: 'YXA6c2FuZGJveC1jbGllbnQtc2VjcmV0' }); // no other CA
  let users = 0;
  return {
    ...info, admin,
    // As a server of the app does, with the token of the app.
    rest: (method, path_, body) => call(api(path_), method, body, app.body.access_token),
    async user() {
      const name = `user${++users}`;
      await admin('/users', { user: name, password: 'pw' });
      return name;
    },
    token: async (user, ttl = 1000) => (await admin('/token', { user, ttl })).access_token,
    sessions: async (user) => (await admin('/sessions')).filter((entry) => entry.user === user).length,
    stop: () => child.stop('SIGTERM'),
  };
}

// ------------------------------------------------------------------ the published SDK

let tags = 0;
class Sdk extends Child {
  constructor(name) {
    super(name, process.execPath, [path.join(here, 'peer.mjs')]);
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
  async login(user, more = {}) {
    const answer = await this.ok('open', { user, ...(more.accessToken ? {} : { pwd: 'pw' }), ...more });
    await this.event('onConnected');
    return answer;
  }
  send(to, msg, ext) {
    return this.ok('send', { type: 'txt', to, msg, ...(ext ? { ext } : {}) });
  }
}

// A connection object of the SDK; more: its options, or "package" for another version of it, "host" for
// another place it runs in, "hosts" (peer.mjs).
export async function sdk(t, box, more = {}) {
  const { package: from, host, hosts, ...options } = more;
  const one = new Sdk([from || 'sdk', host].filter(Boolean).join(' '));
  const url = host === 'web' && !from ? box.sockjsUrl : box.url; // 4.8.1 on a page speaks SockJS
  t.after(() => one.stop('SIGKILL'));
  await one.ok('new', { appKey: box.appKey, apiUrl: box.apiUrl, url, caFile: box.caFile || undefined, package: from,
    host, hosts, options });
  return one;
}

// ------------------------------------------------------------------ libeim

let machines = 0;
class Eim extends Child {
  async event(name) {
    return this.take((line) => line.event === name, name);
  }
  async message() {
    return (await this.event('onMessage')).message;
  }
  // Of `eim chat`: one line, one message. Gives the receipt.
  async send(text) {
    this.child.stdin.write(text + '\n');
    return this.event('onReceivedMessage');
  }
}

// eim as it is in a terminal, each on a machine of its own: eim(t, box, 'alice', ['chat', '--to', 'bob'], {EIM_…})
export function eim(t, box, user, args, env = {}) {
  const secret = env.EIM_ACCESS_TOKEN ? {} : { EIM_PASSWORD: 'pw' };
  const one = new Eim(`eim ${args[0]} ${user}`, program('cli/eim'), [...args], { env: { ...clean, EIM_APP_KEY: box.appKey,
    EIM_API_URL: box.apiUrl, EIM_URL: box.url, ...(box.caFile ? { EIM_CA_FILE: box.caFile } : {}), EIM_JSON: '1',
    EIM_USER: user, XDG_STATE_HOME: path.join(state, String(++machines)), ...secret, ...env } });
  t.after(() => one.stop('SIGKILL'));
  return one;
}

// The same, once it is online.
export async function online(t, box, user, args = ['login'], env = {}) {
  const one = eim(t, box, user, args, env);
  await one.event('onConnected');
  return one;
}

// To the end: exit status and the one event that tells the fate of what was asked for.
export async function run(t, box, user, args, env = {}) {
  const one = eim(t, box, user, args, env);
  const status = await one.exit();
  return { status, events: one.seen, errors: one.errors, error: one.seen.find((line) => line.event === 'onError')?.error };
}

// ------------------------------------------------------------------ libeim's packages for Python and Java

class Bot extends Child {
  async event(name) {
    return this.take((line) => line.event === name, name);
  }
  // One command at a time. A refusal is an error here.
  async call(call, more = {}) {
    this.child.stdin.write(JSON.stringify({ call, ...more }) + '\n');
    const answer = await this.take((line) => 'result' in line || 'error' in line, `result of ${call}`);
    assert.equal(answer.error, undefined, `${call}: ${JSON.stringify(answer.error)}`);
    return answer.result;
  }
}

// python_bot.py, online as this user; EIM_PYTHON is an interpreter that has the package.
export async function python(t, box, user, more = {}) {
  assert.ok(process.env.EIM_PYTHON, 'EIM_PYTHON names no interpreter: scripts/interop_test.sh sets it');
  const options = JSON.stringify({ app_key: box.appKey, api_url: box.apiUrl, url: box.url, ...more });
  const one = new Bot(`python ${user}`, process.env.EIM_PYTHON, ['-W', 'error', path.join(here, 'python_bot.py'), options, user],
    { env: { ...clean, EIM_PASSWORD: 'pw' } });
  t.after(() => one.stop('SIGKILL'));
  await one.event('online');
  return one;
}

// JavaBot.java, online as this user; EIM_JAVA_CLASSPATH has the jar and what it needs.
export async function java(t, box, user, more = {}) {
  assert.ok(process.env.EIM_JAVA_CLASSPATH, 'EIM_JAVA_CLASSPATH names no jar: scripts/test-java.sh sets it');
  const options = JSON.stringify({ appKey: box.appKey, apiUrl: box.apiUrl, url: box.url, ...more });
  const one = new Bot(`java ${user}`, 'java', ['-Dfile.encoding=UTF-8', '-cp', process.env.EIM_JAVA_CLASSPATH,
    path.join(here, 'JavaBot.java'), options, user], { env: { ...clean, EIM_PASSWORD: 'pw' } });
  t.after(() => one.stop('SIGKILL'));
  await one.event('online');
  return one;
}
