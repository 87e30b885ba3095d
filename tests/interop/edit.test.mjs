// Edits between easemob-websdk 4.21.1 and libeim (the Python package): what one side makes of its message, the other is
// told, as the SDK is told it by another SDK; and the refusal of an app that has not bought them.
import { after, before, describe, test } from 'node:test';
import assert from 'node:assert/strict';
import { end, python, sdk, startSandbox } from './harness.mjs';

const SDK = { host: 'web', package: 'easemob-websdk-4211' };
let box;
before(async () => { box = await startSandbox('--multi-device', '--allow-edit'); });
after(end);

// sdk: for message.create, before and after; kind, args: of Python
const KINDS = {
  txt: { sdk: [{ msg: 'befor' }, { msg: 'before \u{1F600}' }], kind: 'Text', args: ({ msg }) => ({ text: msg }) },
  custom: { sdk: [{ customEvent: 'e', customExts: { n: '1' } }, { customEvent: 'e', customExts: { n: '2' } }], kind: 'Custom',
    args: ({ customEvent, customExts }) => ({ event: customEvent, values: customExts }) },
};
const EVENTS = { txt: 'onTextMessage', custom: 'onCustomMessage' };
const content = ({ type, chatType, from, to, ext, msg, customEvent, customExts }) =>
  ({ type, chatType, from, to, ext, msg, customEvent, customExts });

describe('edits, 4.21.1', () => {
  for (const [type, { sdk: [first, second], kind, args }] of Object.entries(KINDS)) {
    test(`${type}, of the SDK`, async (t) => {
      const [a, b] = [await box.user(), await box.user()];
      const [one, bot] = await Promise.all([sdk(t, box, SDK), python(t, box, b)]);
      await one.login(a);
      const ext = { n: 1 };
      const { serverMsgId: id } = await one.ok('send', { type, to: b, ext, ...first });
      await bot.event('message');
      for (let count = 1; count <= 2; count++) {
        const answer = await one.ok('edit', { id, message: { type, to: b, ext, ...second } });
        if (type === 'txt') assert.equal(answer.message.id, id); // of a text alone the SDK gives the whole message
        const { data } = await bot.event('notice message_edit');
        assert.deepEqual([data.id, data.from, data.to, data.chatType, data.ext], [id, a, b, 'singleChat', ext]);
        for (const [field, value] of Object.entries(second)) assert.deepEqual(data.body[field], value, field);
        assert.deepEqual([data.modifiedInfo.operatorId, data.modifiedInfo.operationCount], [a, count]);
        assert.deepEqual(answer.modifiedInfo.operationCount, count);
      }
    });

    test(`${type}, of libeim, as the SDK hears one of its own`, async (t) => {
      const [a, b, c] = [await box.user(), await box.user(), await box.user()];
      const [one, two, bot] = await Promise.all([sdk(t, box, SDK), sdk(t, box, SDK), python(t, box, b)]);
      await Promise.all([one.login(a), two.login(c)]);
      const ext = { n: 1 };
      const id = await bot.call('send', { kind, args: { to: a, ext, ...args(first) } });
      await one.event(EVENTS[type]);
      const answer = await bot.call('edit', { edits: id, kind, args: { to: a, ext, ...args(second) } });
      assert.deepEqual([answer.notice.edit_msg.operator, answer.notice.edit_msg.count], [b, 1]);
      const heard = await one.event('onModifiedMessage');
      const { serverMsgId } = await two.ok('send', { type, to: a, ext, ...first });
      await one.event(EVENTS[type]);
      await two.ok('edit', { id: serverMsgId, message: { type, to: a, ext, ...second } });
      const reference = await one.event('onModifiedMessage');
      assert.deepEqual([heard.id, reference.id], [id, serverMsgId]);
      assert.deepEqual({ ...content(heard), from: '' }, { ...content(reference), from: '' });
      assert.deepEqual(Object.keys(heard.modifiedInfo), Object.keys(reference.modifiedInfo));
      assert.deepEqual([heard.modifiedInfo.operatorId, heard.modifiedInfo.operationCount], [b, 1]);
    });
  }

  test('only by the sender, ten times, and not where it is not bought', async (t) => {
    const [a, b] = [await box.user(), await box.user()];
    const [one, bot] = await Promise.all([sdk(t, box, SDK), python(t, box, b)]);
    await one.login(a);
    const text = { type: 'txt', to: b, msg: 'x' };
    const { serverMsgId: id } = await one.ok('send', text);
    await bot.event('message');
    const refused = (edits) => assert.rejects(bot.call('edit', { edits, kind: 'Text', args: { to: a, text: 'y' } }));
    await refused(id); // not his
    await refused('1'); // of nobody
    for (let i = 0; i < 10; i++) await one.ok('edit', { id, message: text });
    assert.equal((await one.call('edit', { id, message: text })).error.type, 50);
    const other = await startSandbox();
    const user = await other.user();
    const third = await sdk(t, other, SDK);
    await third.login(user);
    const sent = await third.ok('send', { ...text, to: user });
    assert.equal((await third.call('edit', { id: sent.serverMsgId, message: { ...text, to: user } })).error.type, 505);
    await other.stop();
  });
});
