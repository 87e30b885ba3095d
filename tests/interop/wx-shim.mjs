// A WeChat mini-program host for Node: just the `wx` object that the miniProgram bundle of easemob-websdk
// touches, after the public WeChat API. Import it before the bundle is loaded.
import http from 'node:http';
import https from 'node:https';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { WebSocket } from 'ws';

const BODY_LIMIT = 8 * 1024 * 1024;

// hosts: {"http://rs.easemob.com": "http://127.0.0.1:1234"} redirects by origin, exactly.
// ca: PEM text that is trusted besides nothing else. storage: Map shared by the caller.
export function makeWx({ hosts = {}, ca, storage = new Map() } = {}) {
  const tls = ca ? { ca } : {};
  const sockets = new Set();

  function target(url) {
    const parsed = new URL(url);
    const mapped = hosts[parsed.origin];
    return mapped ? mapped + parsed.pathname + parsed.search : parsed.href;
  }

  function request(options) {
    const method = (options.method || 'GET').toUpperCase();
    const headers = {};
    for (const [name, value] of Object.entries(options.header || {})) {
      if (value !== undefined) headers[name] = String(value);
    }
    let url, body;
    try {
      url = target(options.url);
      if (method === 'GET' && options.data && typeof options.data === 'object') {
        const more = Object.entries(options.data).filter(([, value]) => value !== undefined)
          .map(([name, value]) => `${encodeURIComponent(name)}=${encodeURIComponent(value)}`).join('&');
        if (more) url += (url.includes('?') ? '&' : '?') + more;
      } else if (method !== 'GET' && options.data !== undefined) {
        // As WeChat does: an object becomes a form when the header says so, else JSON.
        const type = Object.entries(options.header || {}).find(([name]) => name.toLowerCase() === 'content-type')?.[1] || '';
        body = typeof options.data === 'string' ? options.data
          : type.startsWith('application/x-www-form-urlencoded')
            ? Object.entries(options.data).map((pair) => pair.map(encodeURIComponent).join('=')).join('&')
            : JSON.stringify(options.data);
        headers['content-length'] = Buffer.byteLength(body);
        if (!type) headers['content-type'] = 'application/json'; // WeChat's default
      }
    } catch (error) {
      queueMicrotask(() => fail(error));
      return { abort() {} };
    }
    let ended = false;
    function end(name, value) {
      if (ended) return;
      ended = true;
      options[name]?.(value);
      options.complete?.(value);
    }
    function fail(error) {
      end('fail', { errMsg: `request:fail ${error.code || error.message}` });
    }
    const call = (url.startsWith('https:') ? https : http).request(url,
      { method, headers, timeout: options.timeout || 60000, ...(url.startsWith('https:') ? tls : {}) },
      (response) => {
        const chunks = [];
        let size = 0;
        response.on('data', (chunk) => {
          size += chunk.length;
          if (size > BODY_LIMIT) call.destroy(new Error('too large'));
          else chunks.push(chunk);
        });
        response.on('error', fail);
        response.on('end', () => {
          let data = Buffer.concat(chunks).toString('utf8');
          if ((options.dataType || 'json') === 'json') {
            try {
              data = JSON.parse(data);
            } catch { /* WeChat hands the text over when it is no JSON */ }
          }
          end('success', { data, statusCode: response.statusCode, header: response.headers, errMsg: 'request:ok' });
        });
      });
    call.on('timeout', () => call.destroy(new Error('timeout')));
    call.on('error', fail);
    call.end(body);
    return { abort: () => call.destroy(new Error('abort')) };
  }

  function connectSocket(options) {
    const handlers = { open: [], message: [], close: [], error: [] };
    const emit = (name, value) => handlers[name].forEach((handler) => handler(value));
    const socket = new WebSocket(options.url, { headers: options.header || {}, ...tls });
    socket.binaryType = 'arraybuffer';
    sockets.add(socket);
    const task = {
      CONNECTING: 0, OPEN: 1, CLOSING: 2, CLOSED: 3,
      get readyState() { return socket.readyState; },
      onOpen: (handler) => handlers.open.push(handler),
      onMessage: (handler) => handlers.message.push(handler),
      onClose: (handler) => handlers.close.push(handler),
      onError: (handler) => handlers.error.push(handler),
      send(call) {
        if (socket.readyState !== WebSocket.OPEN) {
          const error = { errMsg: 'SocketTast.send:fail SocketTask.readyState is not OPEN' }; // sic, as in WeChat
          call.fail?.(error);
          call.complete?.(error);
          return;
        }
        socket.send(call.data);
        call.success?.({ errMsg: 'sendSocketMessage:ok' });
        call.complete?.({ errMsg: 'sendSocketMessage:ok' });
      },
      close(call = {}) {
        if (socket.readyState === WebSocket.CONNECTING) socket.terminate();
        else socket.close(call.code || 1000, call.reason);
        call.success?.({ errMsg: 'closeSocket:ok' });
        call.complete?.({ errMsg: 'closeSocket:ok' });
      },
    };
    socket.on('open', () => emit('open', { header: {} }));
    socket.on('message', (data, binary) => emit('message', { data: binary ? data : Buffer.from(data).toString('utf8') }));
    socket.on('close', (code, reason) => {
      sockets.delete(socket);
      emit('close', { code, reason: reason.toString('utf8') });
    });
    socket.on('error', (error) => emit('error', { errMsg: error.message }));
    queueMicrotask(() => options.success?.({ errMsg: 'connectSocket:ok' }));
    return task;
  }

  // Files: those of the user's folder go up as a form, what comes down is a temporary file.
  const folder = fs.mkdtempSync(path.join(os.tmpdir(), 'eim-wx-'));
  process.on('exit', () => fs.rmSync(folder, { recursive: true, force: true }));
  let downloads = 0;
  const settle = (options, act) => Promise.resolve().then(act).then((value) => options.success?.(value),
    (error) => options.fail?.({ errMsg: `fail ${error.code || error.message}` })).finally(() => options.complete?.());
  const fileSystem = {
    readFileSync: (file) => fs.readFileSync(file),
    writeFile: (options) => void settle(options, () => fs.writeFileSync(options.filePath, Buffer.from(options.data))),
    readFile: (options) => void settle(options, () => ({ data: new Uint8Array(fs.readFileSync(options.filePath)).buffer })),
  };
  const uploadFile = (options) => void settle(options, async () => {
    const form = new FormData(), header = { ...options.header };
    for (const name of Object.keys(header)) if (name.toLowerCase() === 'content-type') delete header[name]; // it has a boundary
    form.append(options.name, new Blob([fs.readFileSync(options.filePath)]), path.basename(options.filePath));
    const answer = await fetch(target(options.url), { method: 'POST', body: form, headers: header });
    return { data: await answer.text(), statusCode: answer.status, errMsg: 'uploadFile:ok' };
  });
  const downloadFile = (options) => void settle(options, async () => {
    const answer = await fetch(target(options.url), { headers: options.header || {} });
    const tempFilePath = path.join(folder, `download-${++downloads}`);
    fs.writeFileSync(tempFilePath, Buffer.from(await answer.arrayBuffer()));
    return { tempFilePath, statusCode: answer.status, errMsg: 'downloadFile:ok' };
  });

  const info = { platform: 'devtools', model: 'node', system: 'Node', version: '8.0.0', SDKVersion: '3.0.0', brand: 'node' };
  return {
    canIUse: () => true,
    getSystemInfo: (options = {}) => {
      options.success?.(info);
      options.complete?.(info);
    },
    getSystemInfoSync: () => info,
    getNetworkType: (options = {}) => options.success?.({ networkType: 'wifi' }),
    onNetworkStatusChange() {},
    onAppShow() {},
    onAppHide() {},
    getStorageSync: (key) => storage.get(key) ?? '',
    setStorageSync: (key, value) => void storage.set(key, value),
    setStorage: ({ key, data, success }) => {
      storage.set(key, data);
      success?.({ errMsg: 'setStorage:ok' });
    },
    removeStorageSync: (key) => void storage.delete(key),
    env: { USER_DATA_PATH: folder },
    getFileSystemManager: () => fileSystem,
    uploadFile,
    downloadFile,
    request,
    connectSocket,
    closeAllSockets: () => sockets.forEach((socket) => socket.terminate()),
  };
}
