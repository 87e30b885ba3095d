// The twin of bench.c: easemob-websdk 4.8.1, its mini-program bundle, in Node. The same commands on stdin, the
// same lines of JSON on stdout, the same environment. Run with --expose-gc, so that garbage is not counted as
// memory of clients.
import { createRequire } from 'node:module';
import fs from 'node:fs';
import readline from 'node:readline';
import { makeWx } from './wx-shim.mjs';

const env = process.env;
const say = (object) => process.stdout.write(JSON.stringify(object) + '\n');
const now = () => Number(process.hrtime.bigint());
const cpu = () => {
  const { user, system } = process.cpuUsage();
  return user + system;
};
function die(what, error) {
  process.stderr.write(`sdk.mjs: ${what}: ${error?.message || JSON.stringify(error)}\n`);
  process.exit(1);
}

// It prints a line for everything, mostly an empty one: not what is to be measured.
for (const name of ['log', 'info', 'warn', 'error', 'debug']) console[name] = () => {};
// The SDK beats every 30 s whatever heartBeatWait says. To see beats in seconds, its clock runs faster.
if (env.EIM_BENCH_HEARTBEAT) {
  const began = Date.now(), factor = 30500 / Number(env.EIM_BENCH_HEARTBEAT), real = Date.now;
  Date.now = () => began + (real() - began) * factor;
}
globalThis.self ??= globalThis;
if (!('navigator' in globalThis)) globalThis.navigator = undefined;
globalThis.wx = makeWx({ ca: env.EIM_BENCH_CA ? fs.readFileSync(env.EIM_BENCH_CA, 'utf8') : undefined });
const loaded = createRequire(import.meta.url)('easemob-websdk/miniProgram/Easemob-chat.js');
const sdk = loaded.default || loaded;
sdk.logger?.setConsoleLogVisibility?.(false);

const connections = [];
const LOGINS_AT_ONCE = 64;
let online = 0, wanted = 0, opening = 0;
let expected = 0, received = 0, firstCpu = 0, firstWall = 0;

let echo = 0, acked = 0;

function onTextMessage(message) {
  if (++received === 1) {
    firstCpu = cpu();
    firstWall = now();
  }
  if (echo) answer(message);
  if (echo || received !== expected) return;
  const us = cpu();
  say({ event: 'received', count: received, us, since_first_us: us - firstCpu, wall_us: (now() - firstWall) / 1000 });
}

async function answer({ from, msg }) {
  await connections[0].send(sdk.message.create({ type: 'txt', chatType: 'singleChat', to: from, msg }));
  if (++acked === echo) say({ event: 'echoed', us: cpu() - firstCpu, wall_us: (now() - firstWall) / 1000 });
}

function more() {
  while (connections.length < wanted && opening < LOGINS_AT_ONCE) {
    opening++;
    const connection = new sdk.connection({
      appKey: env.EIM_BENCH_APP_KEY, apiUrl: env.EIM_BENCH_API, url: env.EIM_BENCH_URL, isHttpDNS: false,
      isFixedDeviceId: false, ...(env.EIM_BENCH_HEARTBEAT ? { heartBeatWait: Number(env.EIM_BENCH_HEARTBEAT) } : {}) });
    const number = connections.push(connection) - 1 + Number(env.EIM_BENCH_FIRST || 0);
    connection.addEventHandler('bench', {
      onConnected() {
        opening--;
        if (++online === wanted) say({ event: 'online', count: online, ns: now() - Number(env.EIM_BENCH_T0 || 0) });
        more();
      },
      onDisconnected: (error) => die('disconnected', error),
      onError: (error) => die('error', error),
      onTextMessage,
    });
    connection.open({ user: env.EIM_BENCH_USERS + number, pwd: env.EIM_BENCH_PASSWORD })
      .catch((error) => die('open', error));
  }
}

async function send(count, to) {
  const taken = [];
  for (let i = 0; i < count; i++) {
    const message = sdk.message.create({ type: 'txt', chatType: 'singleChat', to, msg: 'How long does this take?' });
    const began = now();
    await connections[0].send(message);
    taken.push(now() - began);
  }
  taken.sort((a, b) => a - b);
  say({ event: 'latency', count, median_ns: taken[count >> 1], p99_ns: taken[Math.floor(count * 0.99)] });
}

const commands = {
  clients(count) {
    wanted = Number(count);
    more();
  },
  expect(count) {
    received = 0;
    expected = Number(count);
    echo = 0;
    say({ event: 'expect' });
  },
  echo(count) {
    received = acked = 0;
    echo = Number(count);
    say({ event: 'echo' });
  },
  send: (count, to) => send(Number(count), to).catch((error) => die('send', error)),
  cpu: () => say({ event: 'cpu', us: cpu() }),
  gc() {
    globalThis.gc?.();
    say({ event: 'gc' });
  },
  quit: () => process.exit(0),
};
process.on('uncaughtException', (error) => die('exception', error));
process.on('unhandledRejection', (error) => die('rejection', error));
const lines = readline.createInterface({ input: process.stdin });
lines.on('line', (line) => {
  const [word, ...rest] = line.trim().split(' ');
  if (!commands[word]) die('what is', { message: line });
  commands[word](...rest);
});
lines.on('close', () => process.exit(0));
