// Log uploads: the published SDK and libeim, with the same switches, to the same endpoint of the sandbox.
import { after, before, test } from 'node:test';
import assert from 'node:assert/strict';
import { end, run, sdk, startSandbox, until } from './harness.mjs';

let box;
before(async () => {
  box = await startSandbox('--report-logs');
});
after(end);

const logs = (user) => box.admin(`/logs?user=${user}`);

test('easemob-websdk 4.8.1 uploads its log when it closes', async (t) => {
  const name = await box.user();
  const one = await sdk(t, box, { enableReportLogs: true, hosts: { 'https://rs.easemob.com': box.apiUrl } });
  const before = (await box.admin('/counters')).dns;
  await one.login(name);
  assert.equal((await box.admin('/counters')).dns, before + 1); // without DNS mode the list is asked for the switch
  await one.ok('close');
  await until(async () => (await logs(name)).text.includes('call close'), 'the upload of the SDK');
  const { resource, text } = await logs(name);
  assert.match(resource, /^webim_wx_/);
  for (const line of text.split('\n').filter(Boolean)) assert.match(line, /^\d+\/\d+\/\d+, \d+:\d\d:\d\d/);
});

test('easemob-websdk 4.8.1 without the option, or against a list that says no, uploads nothing', async (t) => {
  const [a, b] = [await box.user(), await box.user()];
  const one = await sdk(t, box, { hosts: { 'https://rs.easemob.com': box.apiUrl } });
  await one.login(a);
  await one.ok('close');
  await box.admin('/report', { on: false });
  const two = await sdk(t, box, { enableReportLogs: true, hosts: { 'https://rs.easemob.com': box.apiUrl } });
  await two.login(b);
  await two.ok('close');
  await until(async () => !(await box.sessions(b)), 'the end of the session');
  await box.admin('/report', { on: true });
  assert.deepEqual([(await logs(a)).text, (await logs(b)).text], ['', '']);
});

test('libeim uploads its log when it closes, by the same two switches', async (t) => {
  const [a, b, c] = [await box.user(), await box.user(), await box.user()];
  const dns = ['--set', `dnsUrls=${box.dnsUrl}`], on = ['--set', 'enableReportLogs=true'];
  const before = (await box.admin('/counters')).dns;
  assert.equal((await run(t, box, a, ['login', '--for', '0', ...dns, ...on])).status, 0);
  assert.equal((await box.admin('/counters')).dns, before + 1);
  const { resource, text, uploads } = await logs(a);
  assert.equal(uploads, 1);
  assert.match(resource, /^webim_/);
  assert.match(text, /-> ONLINE\n/);
  assert.match(text, /ONLINE -> OFFLINE\n$/);
  for (const line of text.trimEnd().split('\n')) {
    assert.match(line, /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z (DEBUG|INFO|WARN|ERROR) \w+\[1\]: ./);
  }
  assert.equal((await run(t, box, b, ['login', '--for', '0', ...dns])).status, 0);
  await box.admin('/report', { on: false });
  assert.equal((await run(t, box, c, ['login', '--for', '0', ...dns, ...on])).status, 0);
  await box.admin('/report', { on: true });
  assert.deepEqual([(await logs(b)).text, (await logs(c)).text], ['', '']);
});

test('a refused upload is tried again before eim ends', async (t) => {
  const name = await box.user();
  await box.admin('/fail', { what: 'logs', n: 2, how: 'http', status: 503, text: '{}' });
  const args = ['login', '--for', '0', '--set', `dnsUrls=${box.dnsUrl}`, '--set', 'enableReportLogs=true'];
  assert.equal((await run(t, box, name, args)).status, 0);
  const { text, uploads } = await logs(name);
  assert.equal(uploads, 1);
  assert.match(text, /ONLINE -> OFFLINE\n$/);
});
