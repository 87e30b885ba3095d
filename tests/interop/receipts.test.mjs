// How messages are sent (to those online only, to some, with a priority, asking for receipts), and every receipt: each from
// easemob-websdk to libeim (the Python package) and from libeim to the SDK, where what the SDK hears of ours is, field by
// field, what it hears of one of its own. 4.8.1 in a mini program, in one with base64 text and in a page; 4.21.1 in a page.
import { after, before, describe, test } from 'node:test';
import assert from 'node:assert/strict';
import { end, python, sdk, startSandbox } from './harness.mjs';

let box;
before(async () => { box = await startSandbox('--multi-device'); });
after(end);

const [SINGLE, GROUP, ROOM] = [1, 2, 3]; // eim.ChatType
// Of the sender and the moment.
const rest = ({ id, mid, from, time, groupReadCount, ...fields }) => fields;

for (const [where, way] of Object.entries({ '4.8.1': {}, '4.8.1, base64': { host: 'my' }, '4.8.1 in a page': { host: 'web' },
  '4.21.1 in a page': { host: 'web', package: 'easemob-websdk-4211' } })) {
  describe(`how it is sent, and receipts, ${where}`, () => {
    let a, b, c, group, room, one, third, bot; // `one` and `third` are the SDK, the bot is b
    before(async () => {
      const t = { after() {} }; // they end with all the others
      [a, b, c] = [await box.user(), await box.user(), await box.user()];
      [group, room] = [`g${a}`, `r${a}`];
      await box.admin('/groups', { id: group, members: [a, b, c] });
      await box.admin('/groups', { id: room, room: true, members: [a, b, c] });
      [one, third, bot] = await Promise.all([sdk(t, box, way), sdk(t, box, way), python(t, box, b)]);
      await Promise.all([one.login(a), third.login(c)]);
    });
    // One of the SDK to the bot, or the other way round; its id. The other SDK takes its copy of what goes to all.
    async function toBot(more = {}) {
      const { serverMsgId } = await one.ok('send', { type: 'txt', to: b, msg: 'x', ...more });
      const { message } = await bot.event('message');
      assert.equal(message.id, serverMsgId);
      if (more.chatType && !more.receiverList) await third.event('onTextMessage');
      return { id: serverMsgId, message };
    }
    async function toSdk(args = {}) {
      const id = await bot.call('send', { kind: 'Text', args: { to: a, text: 'x', ...args } });
      const heard = await one.event('onTextMessage');
      assert.equal(heard.id, id);
      if (args.chat_type && !args.receivers) await third.event('onTextMessage');
      return { id, heard };
    }

    for (const [name, more, args, ours] of [
      ['for who is online', { deliverOnlineOnly: true }, { online_only: true }, {}],
      ['that is not pushed', { ext: { em_ignore_notification: true } }, { ext: { em_ignore_notification: true } },
        { ext: { em_ignore_notification: true } }],
      ['of a group', { chatType: 'groupChat' }, { chat_type: GROUP }, {}],
      ['for some of a group', { chatType: 'groupChat', receivers: true }, { chat_type: GROUP, receivers: true }, {}],
      ['asking for receipts', { chatType: 'groupChat', msgConfig: { allowGroupAck: true } },
        { chat_type: GROUP, allow_group_ack: true }, { msgConfig: { allowGroupAck: true } }],
      ['of a room', { chatType: 'chatRoom' }, { chat_type: ROOM }, { priority: 'normal' }],
      ['of a room, urgent', { chatType: 'chatRoom', priority: 'high' }, { chat_type: ROOM, priority: 'high' }, { priority: 'high' }],
      ['of a room, not urgent', { chatType: 'chatRoom', priority: 'low' }, { chat_type: ROOM, priority: 'low' }, { priority: 'low' }],
    ]) {
      test(`a message ${name}`, async () => {
        const to = { groupChat: group, chatRoom: room }[more.chatType];
        const { receivers: some, ...sent } = more, { receivers: _, ...built } = args;
        if (to) sent.to = built.to = to;
        const { message } = await toBot(some ? { ...sent, receiverList: [b] } : sent);
        const { type, chatType, msg, from, ext, ...got } = message;
        assert.deepEqual([type, chatType, msg, from, message.to], ['txt', more.chatType ?? 'singleChat', 'x', a, to ?? b]);
        assert.deepEqual(ext, ours.ext ?? {});
        for (const field of ['priority', 'msgConfig']) assert.deepEqual(got[field], ours[field], field);
        // From the bot, and the same from the other SDK.
        const { heard } = await toSdk(some ? { ...built, receivers: [a] } : built);
        await third.ok('send', { type: 'txt', to: a, msg: 'x', ...sent, ...(some ? { receiverList: [a] } : {}) });
        if (to && !some) await bot.event('message');
        const reference = await one.event('onTextMessage');
        assert.deepEqual(rest(heard), rest(reference));
        assert.deepEqual([heard.from, reference.from], [b, c]);
      });
    }

    test('delivered: in single chats, and nowhere else', async (t) => {
      const [d, e] = [await box.user(), await box.user()];
      const [asks, told] = await Promise.all([sdk(t, box, { ...way, delivery: true }), python(t, box, e, { delivery: true })]);
      await asks.login(d);
      await box.admin('/groups', { id: `d${d}`, members: [d, e] });
      const chat = { chatType: 'groupChat', to: `d${d}` };
      await asks.ok('send', { type: 'txt', msg: 'to all', ...chat });
      await told.call('send', { kind: 'Text', args: { to: chat.to, text: 'to all', chat_type: GROUP } });
      const { serverMsgId } = await asks.ok('send', { type: 'txt', to: e, msg: 'x' });
      const heard = await asks.event('onDeliveredMessage');
      assert.equal(heard.mid, serverMsgId); // and not what was for the group, which came before
      assert.deepEqual([heard.from, heard.to], [e, d]);
      const id = await told.call('send', { kind: 'Command', args: { to: d, action: 'x' } });
      const receipt = await told.event('receipt DELIVERED');
      assert.deepEqual([receipt.id, receipt.sender, receipt.to, receipt.chat], [id, d, e, 'SINGLE']);
      const other = await sdk(t, box, { ...way, delivery: true }), f = await box.user(); // the SDK's own, beside
      await other.login(f);
      await asks.ok('send', { type: 'txt', to: f, msg: 'x' });
      assert.deepEqual(rest({ ...heard, from: 0 }), rest({ ...await asks.event('onDeliveredMessage'), from: 0 }));
    });

    test('read', async () => {
      const sent = await toBot();
      await bot.call('mark_read', { message: sent.id });
      const heard = await one.event('onReadMessage');
      assert.deepEqual([heard.mid, heard.from], [sent.id, b]);
      const { serverMsgId } = await one.ok('send', { type: 'txt', to: c, msg: 'x' });
      await third.event('onTextMessage');
      await third.ok('read', { to: a, id: serverMsgId });
      const reference = await one.event('onReadMessage');
      assert.deepEqual([rest(heard), reference.mid], [rest(reference), serverMsgId]);
      const { id } = await toSdk();
      await one.ok('read', { to: b, id });
      const receipt = await bot.event('receipt READ');
      assert.deepEqual([receipt.id, receipt.sender, receipt.to, receipt.chat, receipt.data], [id, a, b, 'SINGLE', {}]);
    });

    test('read, in a group, with words and the count', async () => {
      const ask = { chatType: 'groupChat', to: group, msgConfig: { allowGroupAck: true } };
      const sent = await toBot(ask);
      await bot.call('mark_read', { message: sent.id, args: { content: 'seen \u{1F440}' } });
      const heard = await one.event('onReadMessage');
      assert.deepEqual([heard.mid, heard.from, heard.ackContent, heard.groupReadCount], [sent.id, b, 'seen \u{1F440}', { [sent.id]: 1 }]);
      await third.ok('read', { chatType: 'groupChat', to: group, id: sent.id, ackContent: 'seen \u{1F440}' });
      const reference = await one.event('onReadMessage');
      assert.deepEqual(rest(heard), rest(reference));
      assert.deepEqual(reference.groupReadCount, { [sent.id]: 2 });
      const { userlist, total } = (await one.ok('call', { method: 'getGroupMsgReadUser', args: [{ groupId: group, msgId: sent.id }] })).data;
      assert.deepEqual([userlist, total], [[b, c], 2]);
      const { id } = await toSdk({ to: group, chat_type: GROUP, allow_group_ack: true });
      await one.ok('read', { chatType: 'groupChat', to: group, id, ackContent: 'yes' });
      const receipt = await bot.event('receipt READ');
      assert.deepEqual([receipt.id, receipt.sender, receipt.chat, receipt.data],
        [id, a, 'GROUP', { ackContent: 'yes', groupReadCount: { [id]: 1 } }]);
      const list = (await bot.call('request', { args: { method: 'GET', path: `/chatgroups/${group}/acks/${id}` } })).data;
      assert.deepEqual([list.userlist, list.total], [[a], 1]);
    });

    for (const [chat, chatType, number] of [['a single chat', 'singleChat', SINGLE], ['a group', 'groupChat', GROUP]]) {
      const to = (who) => (chatType === 'groupChat' ? group : who);
      test(`the whole conversation was read, in ${chat}`, async () => {
        await bot.call('mark_channel_read', { args: { to: to(a), chat_type: number } });
        const heard = await one.event('onChannelMessage');
        assert.equal(heard.from, b);
        if (number === GROUP) await third.event('onChannelMessage');
        await third.ok('send', { type: 'channel', chatType, to: to(a) });
        const reference = await one.event('onChannelMessage');
        assert.deepEqual(rest(heard), rest(reference));
        if (number === GROUP) assert.equal((await bot.event('receipt CHANNEL')).sender, c);
        await one.ok('send', { type: 'channel', chatType, to: to(b) });
        const receipt = await bot.event('receipt CHANNEL');
        assert.deepEqual([receipt.id, receipt.sender, receipt.to, receipt.chat], ['', a, to(b), number === GROUP ? 'GROUP' : 'SINGLE']);
        if (number === GROUP) await third.event('onChannelMessage');
      });

      test(`recalled with words, in ${chat}`, async () => {
        const where_ = number === GROUP ? { to: group, chat_type: GROUP } : {};
        const { id } = await toSdk(where_);
        await bot.call('recall', { args: { message_id: id, to: to(a), chat_type: number, ext: 'sorry \u{1F648}' } });
        const heard = await one.event('onRecallMessage');
        assert.deepEqual([heard.mid, heard.from, heard.to, heard.ext], [id, b, to(a), 'sorry \u{1F648}']);
        const recall = async (peer, mid, receiver) => peer.ok('call', { method: 'recallMessage',
          args: [{ mid, to: receiver, chatType, ext: 'sorry \u{1F648}' }] });
        if (number === GROUP) await third.event('onRecallMessage');
        const { serverMsgId } = await third.ok('send', { type: 'txt', chatType, to: to(a), msg: 'x' });
        if (number === GROUP) await bot.event('message');
        await one.event('onTextMessage');
        await recall(third, serverMsgId, to(a));
        const reference = await one.event('onRecallMessage');
        assert.deepEqual([rest(heard), reference.mid], [rest(reference), serverMsgId]);
        if (number === GROUP) assert.equal((await bot.event('receipt RECALLED')).id, serverMsgId);
        const sent = await toBot(number === GROUP ? { chatType, to: group } : {});
        await recall(one, sent.id, to(b));
        const receipt = await bot.event('receipt RECALLED');
        assert.deepEqual([receipt.id, receipt.sender, receipt.to, receipt.chat, receipt.data],
          [sent.id, a, to(b), number === GROUP ? 'GROUP' : 'SINGLE', { ext: 'sorry \u{1F648}' }]);
        if (number === GROUP) await third.event('onRecallMessage');
      });
    }

    test('a recall that comes too late, or is of somebody else\'s', async () => {
      const mine = await toSdk(), sent = await toBot();
      const recall = (mid) => one.call('call', { method: 'recallMessage', args: [{ mid, to: b, chatType: 'singleChat' }] });
      assert.equal((await recall(mine.id)).error.type, 603);
      await assert.rejects(bot.call('recall', { args: { message_id: sent.id, to: a } }), /"code":210/);
      await box.admin('/clock', { ms: 121000 });
      assert.equal((await recall(sent.id)).error.type, 504);
      await assert.rejects(bot.call('recall', { args: { message_id: mine.id, to: a } }), /"code":504/);
    });
  });
}
