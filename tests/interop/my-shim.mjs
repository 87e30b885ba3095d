// An Alipay mini-program host for Node: the `my` object, after its public API. Unlike WeChat's it has one socket, whose
// events are global, and its sockets are given text: there the SDK talks base64.
import { makeWx } from './wx-shim.mjs';

export function makeMy(options) {
  const wx = makeWx(options), storage = new Map();
  const handlers = { Open: new Set(), Message: new Set(), Close: new Set(), Error: new Set() };
  const emit = (name, value) => handlers[name].forEach((handler) => handler(value));
  let task;
  const my = {
    canIUse: wx.canIUse,
    getSystemInfo: wx.getSystemInfo,
    getSystemInfoSync: wx.getSystemInfoSync,
    getNetworkType: wx.getNetworkType,
    onNetworkStatusChange() {},
    offNetworkStatusChange() {},
    onAppShow() {},
    onAppHide() {},
    getStorageSync: ({ key }) => ({ data: storage.get(key) ?? null }),
    setStorageSync: ({ key, data }) => void storage.set(key, data),
    setStorage: ({ key, data, success }) => {
      storage.set(key, data);
      success?.({});
    },
    removeStorageSync: ({ key }) => void storage.delete(key),
    request: ({ headers, success, ...rest }) => wx.request({ ...rest, header: headers,
      success: ({ data, statusCode, header }) => success?.({ data, status: statusCode, headers: header }) }),
    connectSocket(call) {
      const own = wx.connectSocket(call);
      task = own;
      const mine = (name) => (value) => own === task && emit(name, value); // a socket that was replaced is silent
      own.onOpen(mine('Open'));
      own.onMessage(({ data }) => mine('Message')(typeof data === 'string' ? { data, isBuffer: false }
        : { data: new Uint8Array(data).buffer, isBuffer: true }));
      own.onClose(mine('Close'));
      own.onError(mine('Error'));
    },
    sendSocketMessage(call) {
      if (typeof call.data !== 'string') throw new Error('this host sends text'); // so no test passes by binary
      task.send(call);
    },
    closeSocket: (call) => task?.close(call),
  };
  for (const name of Object.keys(handlers)) {
    my[`onSocket${name}`] = (handler) => void handlers[name].add(handler);
    my[`offSocket${name}`] = (handler) => void (handler ? handlers[name].delete(handler) : handlers[name].clear());
  }
  return my;
}
