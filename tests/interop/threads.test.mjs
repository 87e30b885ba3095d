// Reactions, chat threads and pinned messages: easemob-websdk 4.8.1 and 4.21.1 on one side, a bot of libeim (the Python
// package) on the other, and a second SDK beside the bot: what the bot is told is what that one is told.
import { after, before, describe, test } from 'node:test';
import assert from 'node:assert/strict';
import { end, python, sdk, startSandbox } from './harness.mjs';

let box;
before(async () => { box = await startSandbox('--multi-device'); });
after(end);

const call = (peer, method, ...args) => peer.ok('call', { method, args });
const rest = (bot, method, path, json, query) =>
  bot.call('request', { args: { method, path, ...(json ? { json } : {}), ...(query ? { query } : {}) } });
// The number of a refusal. The mini-program bundle of 4.8.1 hands over the answer as it is (docs/protocol.md 22).
async function refuses(peer, type, method, ...args) {
  const { error } = await peer.call('call', { method, args });
  assert.ok(error, `${method} is refused`);
  if (error.type === undefined) assert.ok(error.statusCode >= 400, JSON.stringify(error));
  else assert.equal(error.type, type, method);
}
const GROUP = 2; // eim.ChatType

for (const [version, way] of [['4.8.1', {}], ['4.8.1 in a page', { host: 'web' }],
  ['4.21.1 in a page', { host: 'web', package: 'easemob-websdk-4211' }]])
  describe(`reactions, threads and pins, ${version}`, { concurrency: way.host ? 1 : 2 }, () => {
    // Two SDKs and the bot, in one group of the first.
    async function three(t) {
      const [a, b, c] = [await box.user(), await box.user(), await box.user()];
      const [one, two, bot] = await Promise.all([sdk(t, box, way), sdk(t, box, way), python(t, box, c)]);
      await Promise.all([one.login(a), two.login(b)]);
      const { groupid: group } = (await box.rest('POST', '/chatgroups',
        { groupname: 'G', public: true, owner: a, members: [b, c] })).body.data;
      return { a, b, c, one, two, bot, group, chat: { chatType: 'groupChat', to: group } };
    }

    test('reactions in a single chat', async (t) => {
      const { a, c, one, two, bot } = await three(t);
      const { serverMsgId: id } = await one.send(c, 'good news');
      await bot.event('message');
      await rest(bot, 'POST', `/reaction/user/${c}`, { msgId: id, message: '\u{1F600}' });
      const heard = await one.event('onReactionChange');
      assert.deepEqual([heard.from, heard.to, heard.chatType, heard.messageId], [c, a, 'singleChat', id]);
      assert.deepEqual(heard.reactions, [{ reaction: '\u{1F600}', count: 1, userList: [c],
        op: [{ operator: c, reactionType: 'create' }] }]);
      const own = (await bot.event('notice reaction')).data;
      assert.deepEqual([own.type, own.data[0].reactions, own.data[0].ts], ['reaction', heard.reactions, heard.ts]);
      await call(one, 'addReaction', { messageId: id, reaction: '\u{1F600}' });
      const told = (await bot.event('notice reaction')).data.data[0];
      assert.deepEqual([told.messageId, told.from, told.to, told.channel_type], [id, a, c, 'chat']);
      assert.deepEqual(told.reactions, (await one.event('onReactionChange')).reactions);
      assert.deepEqual(told.reactions[0].userList, [c, a]);
      await refuses(one, 1101, 'addReaction', { messageId: id, reaction: '\u{1F600}' });
      await refuses(two, 1103, 'addReaction', { messageId: id, reaction: 'x' });
      await assert.rejects(rest(bot, 'POST', `/reaction/user/${c}`, { msgId: id, message: '\u{1F600}' }), /1301/);
      const [listed] = (await call(one, 'getReactionList', { chatType: 'singleChat', messageId: [id] })).data;
      assert.deepEqual([listed.msgId, listed.reactionList],
        [id, [{ reaction: '\u{1F600}', count: 2, isAddedBySelf: true, userList: [c, a] }]]);
      const detail = async (cursor) => (await call(one, 'getReactionDetail',
        { messageId: id, reaction: '\u{1F600}', pageSize: 1, cursor })).data;
      const first = await detail('');
      assert.deepEqual([first.count, first.userList, first.isAddedBySelf], [2, [c], true]);
      assert.deepEqual((await detail(first.cursor)).userList, [a]);
      const { messages } = await call(one, 'getHistoryMessages', { targetId: c, chatType: 'singleChat', pageSize: 10 });
      assert.deepEqual(messages[0].reactions, [{ reaction: '\u{1F600}', count: 2, userList: [c, a], isAddedBySelf: true }]);
      await call(one, 'deleteReaction', { messageId: id, reaction: '\u{1F600}' });
      const less = (await bot.event('notice reaction')).data.data[0].reactions[0];
      assert.deepEqual([less.count, less.userList, less.op], [1, [c], [{ operator: a, reactionType: 'delete' }]]);
      await one.event('onReactionChange');
      await rest(bot, 'DELETE', `/reaction/user/${c}`, null, { msgId: id, message: '\u{1F600}' });
      assert.deepEqual((await one.event('onReactionChange')).reactions, [{ reaction: '\u{1F600}', count: 0, userList: [],
        op: [{ operator: c, reactionType: 'delete' }] }]);
      assert.deepEqual((await call(one, 'getReactionList', { chatType: 'singleChat', messageId: [id] })).data, []);
      await refuses(one, 1103, 'deleteReaction', { messageId: id, reaction: 'x' });
    });

    test('reactions in a group', async (t) => {
      const { b, c, one, two, bot, group, chat } = await three(t);
      const { serverMsgId: id } = await one.ok('send', { type: 'txt', msg: 'vote', ...chat });
      await bot.event('message');
      await call(two, 'addReaction', { messageId: id, reaction: 'yes' });
      const [heard, { data: told }] = [await one.event('onReactionChange'), await bot.event('notice reaction')];
      assert.deepEqual([heard.from, heard.to, heard.chatType, heard.messageId], [b, group, 'groupChat', id]);
      assert.deepEqual([told.data[0].to, told.data[0].channel_type, told.data[0].reactions],
        [group, 'groupchat', heard.reactions]);
      for (let i = 0; i < 19; i++) await rest(bot, 'POST', `/reaction/user/${c}`, { msgId: id, message: `no ${i}` });
      await refuses(one, 50, 'addReaction', { messageId: id, reaction: 'too many' });
      const stranger = await sdk(t, box, way);
      await stranger.login(await box.user());
      await refuses(stranger, 602, 'addReaction', { messageId: id, reaction: 'yes' });
      assert.equal((await call(one, 'getReactionList', { chatType: 'groupChat', messageId: id, groupId: group }))
        .data[0].reactionList.length, 20);
    });

    test('a thread of the SDK', async (t) => {
      const { a, b, c, one, two, bot, group, chat } = await three(t);
      const other = await sdk(t, box, { ...way, isFixedDeviceId: false }); // another device of a
      await other.login(a);
      const { serverMsgId: id } = await one.ok('send', { type: 'txt', msg: 'who rows?', ...chat });
      await bot.event('message');
      const { chatThreadId: thread } = (await call(one, 'createChatThread', { parentId: group, name: 'Rowing', messageId: id })).data;
      const [heard, { data: told }] = [await two.event('onChatThreadChange'), await bot.event('notice thread')];
      assert.deepEqual([heard.operation, heard.id, heard.name, heard.parentId, heard.messageId, heard.operator],
        ['create', thread, 'Rowing', group, id, a]);
      assert.deepEqual([told.operation, told.data.id, told.data.name, told.data.muc_parent_id, told.data.msg_parent_id, told.data.from],
        ['create', thread, 'Rowing', group, id, a]);
      const device = await other.event('onMultiDeviceEvent');
      assert.deepEqual([device.operation, device.chatThreadId, device.chatThreadName, device.parentId],
        ['chatThreadCreate', thread, 'Rowing', group]);
      await refuses(one, 1301, 'createChatThread', { parentId: group, name: 'Again', messageId: id });

      // Only who has come in may talk; what is said is told to the whole group.
      const inThread = { chatType: 'groupChat', to: thread, isChatThread: true };
      assert.equal((await two.call('send', { type: 'txt', msg: 'x', ...inThread })).error.type, 602);
      const joined = (await call(two, 'joinChatThread', { chatThreadId: thread })).data;
      assert.deepEqual([joined.status, joined.detail.id, joined.detail.owner, joined.detail.messageId, joined.detail.parentId],
        ['ok', thread, a, id, group]);
      await refuses(two, 1301, 'joinChatThread', { chatThreadId: thread });
      await rest(bot, 'POST', `/thread/${thread}/user/${c}/join`);
      const sent = await two.ok('send', { type: 'txt', msg: 'I do', ext: { n: 1 }, ...inThread });
      const got = (await bot.event('message')).message;
      assert.deepEqual([got.id, got.to, got.msg, got.meta.thread], [sent.serverMsgId, thread, 'I do',
        { msg_parent_id: id, muc_parent_id: group, thread_name: 'Rowing' }]);
      let message = await one.event('onTextMessage');
      assert.deepEqual([message.id, message.chatThread], [got.id, { messageId: id, parentId: group, chatThreadName: 'Rowing' }]);
      for (const peer of [one, two]) {
        const change = await peer.take((line) => line.event === 'onChatThreadChange' && line.arg.operation === 'update', 'update');
        assert.deepEqual([change.arg.messageCount, change.arg.lastMessage.id, change.arg.lastMessage.msg, change.arg.lastMessage.from],
          [1, sent.serverMsgId, 'I do', b]);
      }
      const said = await bot.take((line) => line.data?.operation === 'update_msg', 'update_msg');
      assert.equal(said.data.data.last_message.payload.bodies[0].msg, 'I do');
      const mine = await bot.call('send', { kind: 'Text', args: { to: thread, text: 'so do I', chat_type: GROUP, is_thread: true } });
      message = await one.event('onTextMessage');
      assert.deepEqual([message.id, message.chatThread.parentId], [mine, group]);

      // What can be asked for.
      const info = (await call(two, 'getChatThreadDetail', { chatThreadId: thread })).data;
      assert.deepEqual([info.name, info.owner, info.affiliationsCount, info.messageId, info.parentId], ['Rowing', a, 3, id, group]);
      assert.deepEqual((await call(two, 'getChatThreadMembers', { chatThreadId: thread, pageSize: 2 })).data.affiliations, [a, b]);
      for (const method of ['getJoinedChatThreads', 'getChatThreads']) {
        const [found] = (await call(two, method, { parentId: group, pageSize: 20 })).entities;
        assert.deepEqual([found.id, found.name, found.parentId, found.messageId], [thread, 'Rowing', group, id], method);
      }
      assert.equal((await call(two, 'getJoinedChatThreads', {})).entities.length, 1);
      const [last] = (await call(two, 'getChatThreadLastMessage', { chatThreadIds: [thread] })).entities;
      assert.deepEqual([last.chatThreadId, last.lastMessage.id, last.lastMessage.msg], [thread, mine, 'so do I']);
      const page = await call(two, 'getHistoryMessages', { targetId: group, chatType: 'groupChat', pageSize: 10 });
      const overview = page.messages.find((one_) => one_.id === id).chatThreadOverview;
      assert.deepEqual([overview.id, overview.name, overview.parentId, overview.messageCount, overview.lastMessage.msg],
        [thread, 'Rowing', group, 2, 'so do I']);
      const inside = await call(two, 'getHistoryMessages', { targetId: thread, chatType: 'groupChat', pageSize: 10 });
      assert.deepEqual(inside.messages.map((one_) => one_.id), [mine, sent.serverMsgId]);
      const groups = await call(two, 'getJoinedGroups', { pageNum: 1, pageSize: 20 });
      assert.ok(![...groups.entities].some((one_) => one_.groupId === thread), 'a thread is not in the list of groups');

      // What the staff and the maker may.
      const take = (peer, operation) => peer.take((line) => line.event === 'onChatThreadChange' && line.arg.operation === operation, operation);
      await refuses(two, 52, 'changeChatThreadName', { chatThreadId: thread, name: 'x' });
      await refuses(two, 52, 'destroyChatThread', { chatThreadId: thread });
      await call(one, 'changeChatThreadName', { chatThreadId: thread, name: 'Rowing on Sunday' });
      const renamed = await bot.take((line) => line.event === 'notice thread' && line.data.operation === 'update', 'update');
      assert.equal(renamed.data.data.name, 'Rowing on Sunday');
      assert.deepEqual(await (async () => { const { operation, chatThreadName } = await other.event('onMultiDeviceEvent');
        return [operation, chatThreadName]; })(), ['chatThreadNameUpdate', 'Rowing on Sunday']);
      assert.deepEqual((await call(one, 'removeChatThreadMember', { chatThreadId: thread, username: b })).data, { result: true, user: b });
      const out = (await take(two, 'userRemove')).arg;
      assert.deepEqual([out.id, out.parentId, out.operator, out.name], [thread, group, a, 'Rowing on Sunday']);
      await rest(bot, 'DELETE', `/thread/${thread}/user/${c}/quit`);
      await assert.rejects(bot.call('send', { kind: 'Text', args: { to: thread, text: 'x', chat_type: GROUP } }), /602/);
      await call(one, 'destroyChatThread', { chatThreadId: thread });
      const ended = (await take(two, 'destroy')).arg;
      assert.deepEqual([ended.id, ended.operator], [thread, a]);
      const notice = await bot.take((line) => line.event === 'notice thread' && line.data.operation === 'delete', 'delete');
      assert.equal(notice.data.data.id, thread);
      assert.equal((await other.event('onMultiDeviceEvent')).operation, 'chatThreadDestroy');
      await refuses(two, 1300, 'getChatThreadDetail', { chatThreadId: thread });
    });

    test('a thread of the bot, from which one is put out', async (t) => {
      const { b, c, one, two, bot, group, chat } = await three(t);
      const { serverMsgId: id } = await one.ok('send', { type: 'txt', msg: 'topic', ...chat });
      const { thread_id: thread } = (await rest(bot, 'POST', '/thread', { group_id: group, name: 'T', msg_id: id, owner: c })).data;
      const heard = await one.event('onChatThreadChange');
      assert.deepEqual([heard.operation, heard.id, heard.operator], ['create', thread, c]);
      await call(two, 'joinChatThread', { chatThreadId: thread });
      await call(one, 'removeChatThreadMember', { chatThreadId: thread, username: c });
      const { data } = await bot.take((line) => line.event === 'notice thread' && line.data.operation === 'chatThreadKick', 'kick');
      assert.deepEqual([data.id, data.parentId, data.to, data.name], [thread, group, [c], 'T']);
      // Who leaves the group is out of its threads; with the group they end.
      await call(two, 'leaveGroup', { groupId: group });
      assert.deepEqual((await call(one, 'getChatThreadMembers', { chatThreadId: thread })).data.affiliations, []);
      await call(one, 'destroyGroup', { groupId: group });
      await assert.rejects(rest(bot, 'GET', `/thread/${thread}`), /1400/);
      await refuses(one, 17, 'createChatThread', { parentId: group, name: 'x', messageId: id });
      assert.ok(b);
    });

    test('pinned messages', async (t) => {
      const { a, c, one, two, bot, group, chat } = await three(t);
      const ids = [];
      for (const msg of ['first', 'second']) ids.push((await one.ok('send', { type: 'txt', msg, ...chat })).serverMsgId);
      const where = { conversationType: 'groupChat', conversationId: group };
      await call(one, 'pinMessage', { ...where, messageId: ids[0] });
      const [heard, { data: told }] = [await two.event('onMessagePinEvent'), await bot.event('notice conversation')];
      assert.deepEqual([heard.operation, heard.conversationId, heard.conversationType, heard.messageId, heard.operatorId],
        ['pin', group, 'groupChat', ids[0], a]);
      assert.deepEqual([told.operation, told.data.id, told.data.type, told.data.ext, told.data.from, told.data.ts],
        ['pin', group, 'groupchat', ids[0], a, heard.time]);
      await rest(bot, 'POST', `/sdk/user/${c}/user_channel/pin`, { to: group, type: 'groupchat', pin_msg_id: ids[1] });
      assert.deepEqual(await (async () => { const { messageId, operatorId } = await one.event('onMessagePinEvent');
        return [messageId, operatorId]; })(), [ids[1], c]);
      const list = async () => (await call(two, 'getServerPinnedMessages', where)).data.list.map((one_) =>
        [one_.message.id, one_.message.msg, one_.message.chatType, one_.operatorId]);
      assert.deepEqual(await list(), [[ids[1], 'second', 'groupChat', c], [ids[0], 'first', 'groupChat', a]]);
      await call(two, 'unpinMessage', { ...where, messageId: ids[0] });
      assert.equal((await bot.take((line) => line.data?.operation === 'unpin', 'unpin')).data.data.ext, ids[0]);
      assert.equal((await one.event('onMessagePinEvent')).operation, 'unpin');
      assert.deepEqual((await list()).map(([id]) => id), [ids[1]]);
      await refuses(two, 51, 'unpinMessage', { ...where, messageId: ids[0] });
      await refuses(two, -3, 'pinMessage', { ...where, messageId: '1' });
    });

    test('pinned messages of a single chat and of a room', async (t) => {
      const { a, b, c, one, two, bot } = await three(t);
      const { serverMsgId: id } = await one.send(c, 'pin me');
      await bot.event('message');
      await rest(bot, 'POST', `/sdk/user/${c}/user_channel/pin`, { to: a, type: 'chat', pin_msg_id: id });
      const heard = await one.event('onMessagePinEvent');
      assert.deepEqual([heard.operation, heard.conversationType, heard.conversationId, heard.messageId, heard.operatorId],
        ['pin', 'singleChat', c, id, c]);
      const pins = async (peer, conversationType, conversationId) => (await call(peer, 'getServerPinnedMessages',
        { conversationType, conversationId })).data.list.map((one_) => [one_.message.id, one_.message.chatType, one_.operatorId]);
      assert.deepEqual(await pins(one, 'singleChat', c), [[id, 'singleChat', c]]);
      await call(one, 'unpinMessage', { conversationType: 'singleChat', conversationId: c, messageId: id });
      const { data: told } = await bot.take((line) => line.data?.operation === 'unpin', 'unpin');
      assert.deepEqual([told.data.id, told.data.type, told.data.from, told.data.ext], [a, 'chat', a, id]);
      assert.deepEqual(await pins(one, 'singleChat', c), []);

      const room = `room-${a}`;
      await box.admin('/groups', { id: room, room: true, members: [a, b, c] });
      const said = (await two.ok('send', { type: 'txt', chatType: 'chatRoom', to: room, msg: 'the rules' })).serverMsgId;
      await call(two, 'pinMessage', { conversationType: 'chatRoom', conversationId: room, messageId: said });
      const event = await one.event('onMessagePinEvent');
      assert.deepEqual([event.operation, event.conversationType, event.conversationId, event.messageId, event.operatorId],
        ['pin', 'chatRoom', room, said, b]);
      assert.deepEqual(await pins(one, 'chatRoom', room), [[said, 'chatRoom', b]]);
    });
  });
