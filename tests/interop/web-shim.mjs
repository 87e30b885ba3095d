// A browser page for the main bundle of easemob-websdk: jsdom, whose XMLHttpRequest keeps the rules of browsers for requests
// to another origin and whose WebSocket is a real one. `url` is the address of the page.
import { createRequire } from 'node:module';
import fs from 'node:fs';
import { JSDOM, VirtualConsole } from 'jsdom';

export function loadWeb(name, url = 'http://page.example/') {
  const virtualConsole = new VirtualConsole(); // console of the page; uncaught errors of it are ours to tell
  virtualConsole.on('jsdomError', ({ detail, message }) => {
    if (detail instanceof Error || /Uncaught/.test(message)) process.stderr.write(`${detail?.stack || message}\n`);
  });
  const page = new JSDOM('<!doctype html><body></body>', { url, runScripts: 'outside-only', pretendToBeVisual: true,
    virtualConsole });
  const { window } = page;
  window.URL.createObjectURL = () => 'blob:none'; // jsdom has none; only shown, never read
  const file = createRequire(import.meta.url).resolve(`${name}/Easemob-chat.js`);
  window.eval(fs.readFileSync(file, 'utf8'));
  const loaded = window.websdk;
  if (!loaded) throw new Error('the bundle left nothing in the page');
  return { sdk: loaded.default || loaded, page: { window, file: (bytes, name) => new window.File([bytes], name) } };
}
