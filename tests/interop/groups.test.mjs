// Groups, chat rooms, contacts, presence, history: the published easemob-websdk 4.8.1 on one side, a bot of libeim on the other, and a second SDK
// beside the bot: what the bot is told is what that one is told.
import { after, before, describe, test } from 'node:test';
import assert from 'node:assert/strict';
import { end, python, sdk, startSandbox } from './harness.mjs';

let box;
before(async () => { box = await startSandbox('--multi-device'); });
after(end);

// Three who are online: the SDK `one`, the SDK `two`, the bot. 4.8.1, and once more all of it with 4.21.1.
const peers = (from) => async (t) => {
  const [a, b, c] = [await box.user(), await box.user(), await box.user()];
  const [one, two, bot] = await Promise.all([sdk(t, box, { package: from }), sdk(t, box, { package: from }), python(t, box, c)]);
  await Promise.all([one.login(a), two.login(b)]);
  return { a, b, c, one, two, bot };
};
const call = (peer, method, ...args) => peer.ok('call', { method, args });
const rest = (bot, method, path, json) => bot.call('request', { args: { method, path, ...(json ? { json } : {}) } });
const [GROUP, ROOM] = [2, 3]; // eim.ChatType

// The same event at the SDK and at the bot, whose names for it are those of the SDK.
async function both(two, bot, handler, name, operation) {
  const [event, notice] = await Promise.all([two.event(handler), bot.event(`notice ${name}`)]);
  assert.equal(event.operation, operation);
  assert.equal(notice.data.operation, operation);
  for (const field of ['id', 'from', 'name', 'memberCount', 'ext'])
    assert.deepEqual(notice.data[field], event[field], `${operation}: ${field}`);
  return { event, notice: notice.data };
}

for (const [version, from] of [['4.8.1'], ['4.21.1', 'easemob-websdk-4211']]) describe(`groups, rooms and people, ${version}`, { concurrency: 2 }, () => {
  const three = peers(from);

  test('a group: made, talked in, ended by the SDK', async (t) => {
    const { a, b, c, one, two, bot } = await three(t);
    const made = await call(one, 'createGroup', { data: { groupname: 'Rowing', desc: 'Sundays', members: [b, c], public: true,
      approval: false, allowinvites: false, inviteNeedConfirm: true, maxusers: 10 } });
    const group = made.data.groupid;
    await both(two, bot, 'onGroupEvent', 'group', 'inviteToJoin');
    await call(two, 'acceptGroupInvite', { groupId: group, invitee: b });
    for (const operation of ['memberPresence', 'acceptInvite']) assert.equal((await one.event('onGroupEvent')).operation, operation);
    await rest(bot, 'POST', `/chatgroups/${group}/invite_verify`, { invitee: c, verifyResult: true });
    const came = await one.event('onGroupEvent');
    assert.deepEqual([came.operation, came.from, came.memberCount], ['memberPresence', c, 3]);
    assert.equal((await one.event('onGroupEvent')).operation, 'acceptInvite');
    assert.equal((await two.event('onGroupEvent')).operation, 'memberPresence');

    // What each asks the server for.
    const info = (await call(two, 'getGroupInfo', { groupId: group })).data[0];
    assert.deepEqual([info.name, info.description, info.owner, info.affiliations_count], ['Rowing', 'Sundays', a, 3]);
    const joined = await call(two, 'getJoinedGroups', { pageNum: 1, pageSize: 20, needAffiliations: true, needRole: true });
    assert.deepEqual(joined.entities.map((one_) => [one_.groupName, one_.groupId, one_.role, one_.affiliationsCount]), [['Rowing', group, 'member', 3]]);
    const members = await call(two, 'listGroupMembers', { groupId: group, pageNum: 1, pageSize: 20 });
    assert.deepEqual(members.data, [{ owner: a }, { member: b }, { member: c }]);
    assert.ok((await call(two, 'getPublicGroups', { limit: 20 })).data.some((other) => [other.groupid, other.groupId].includes(group)));

    // Messages both ways, to chosen members too.
    const chat = { chatType: 'groupChat', to: group };
    const sent = await one.ok('send', { type: 'txt', msg: 'hello all \u{1F600}', ...chat });
    const got = (await bot.event('message')).message;
    assert.deepEqual([got.id, got.chatType, got.to, got.from, got.msg], [sent.serverMsgId, 'groupChat', group, a, 'hello all \u{1F600}']);
    assert.equal((await two.event('onTextMessage')).id, got.id);
    await bot.call('send', { kind: 'Text', args: { to: group, text: 'and to you', chat_type: GROUP } });
    for (const peer of [one, two]) {
      const heard = await peer.event('onTextMessage');
      assert.deepEqual([heard.chatType, heard.to, heard.from, heard.msg], ['groupChat', group, c, 'and to you']);
    }
    await one.ok('send', { type: 'txt', msg: 'only you', receiverList: [c], ...chat });
    assert.equal((await bot.event('message')).message.msg, 'only you');

    // Read receipts are counted.
    const asked = await one.ok('send', { type: 'txt', msg: 'read?', msgConfig: { allowGroupAck: true }, ...chat });
    const question = (await bot.event('message')).message;
    const heard = await two.event('onTextMessage');
    assert.equal(heard.msg, 'read?'); // and nothing of what was for the bot only
    await bot.call('mark_read', { message: question.id, args: { content: 'seen' } });
    const first = await one.event('onReadMessage');
    assert.deepEqual([first.mid, first.from, first.groupReadCount, first.ackContent],
      [asked.serverMsgId, c, { [asked.serverMsgId]: 1 }, 'seen']);
    await two.ok('read', { chatType: 'groupChat', to: group, id: heard.id, ackContent: '{}' });
    assert.deepEqual((await one.event('onReadMessage')).groupReadCount, { [asked.serverMsgId]: 2 });
    const readers = (await call(one, 'getGroupMsgReadUser', { groupId: group, msgId: asked.serverMsgId })).data;
    assert.deepEqual([readers.userlist, readers.total, readers.is_last], [[c, b], 2, true]);
    const mine = await bot.call('send', { kind: 'Text', args: { to: group, text: 'and mine?', chat_type: GROUP, allow_group_ack: true } });
    const asks = await two.event('onTextMessage');
    await two.ok('read', { chatType: 'groupChat', to: group, id: asks.id, ackContent: 'yes' });
    const counted = await bot.event('receipt READ');
    assert.deepEqual([counted.id, counted.sender, counted.data], [mine, b, { ackContent: 'yes', groupReadCount: { [mine]: 1 } }]);

    // Who may speak, and what is written on the wall.
    await call(one, 'updateGroupAnnouncement', { groupId: group, announcement: 'At 8' });
    await both(two, bot, 'onGroupEvent', 'group', 'updateAnnouncement');
    assert.equal((await rest(bot, 'GET', `/chatgroups/${group}/announcement`)).data.announcement, 'At 8');
    await call(one, 'modifyGroup', { groupId: group, description: 'Saturdays' });
    const { event, notice } = await both(two, bot, 'onGroupEvent', 'group', 'updateInfo');
    assert.deepEqual([event.detail.description, notice.detail.description], ['Saturdays', 'Saturdays']);
    await call(one, 'disableSendGroupMsg', { groupId: group });
    await both(two, bot, 'onGroupEvent', 'group', 'muteAllMembers');
    assert.equal((await two.call('send', { type: 'txt', msg: 'x', ...chat })).error.type, 506);
    await assert.rejects(bot.call('send', { kind: 'Text', args: { to: group, text: 'x', chat_type: GROUP } }), /507/);
    await call(one, 'enableSendGroupMsg', { groupId: group });
    await both(two, bot, 'onGroupEvent', 'group', 'unmuteAllMembers');
    await call(one, 'muteGroupMember', { groupId: group, username: [b], muteDuration: 60000 });
    assert.equal((await two.event('onGroupEvent')).operation, 'muteMember');
    assert.equal((await two.call('send', { type: 'txt', msg: 'x', ...chat })).error.type, 507);
    assert.deepEqual((await call(one, 'getGroupMutelist', { groupId: group })).data.map((muted) => muted.user), [b]);
    await call(one, 'unmuteGroupMember', { groupId: group, username: b });
    assert.equal((await two.event('onGroupEvent')).operation, 'unmuteMember');
    await call(one, 'setGroupMemberAttributes', { groupId: group, userId: a, memberAttributes: { nick: 'Al' } });
    const changed = await both(two, bot, 'onGroupEvent', 'group', 'memberAttributesUpdate');
    assert.deepEqual([changed.event.attributes, changed.notice.detail.properties], [{ nick: 'Al' }, { nick: 'Al' }]);
    assert.deepEqual((await call(two, 'getGroupMemberAttributes', { groupId: group, userId: a })).data, { nick: 'Al' });

    await call(one, 'setGroupAdmin', { groupId: group, username: c });
    assert.equal((await bot.event('notice group')).data.operation, 'setAdmin');
    await rest(bot, 'DELETE', `/chatgroups/${group}/users/${b}`);
    const out = await two.event('onGroupEvent');
    assert.deepEqual([out.operation, out.from], ['removeMember', c]);
    assert.equal((await two.call('send', { type: 'txt', msg: 'x', ...chat })).error.type, 602);
    await call(one, 'inviteUsersToGroup', { groupId: group, users: [b] });
    assert.equal((await two.event('onGroupEvent')).operation, 'inviteToJoin');
    await call(two, 'acceptGroupInvite', { groupId: group, invitee: b });
    assert.equal((await bot.event('notice group')).data.operation, 'memberPresence');
    await call(two, 'leaveGroup', { groupId: group });
    const left = (await bot.event('notice group')).data;
    assert.deepEqual([left.operation, left.from, left.memberCount], ['memberAbsence', b, 2]);
    await call(one, 'destroyGroup', { groupId: group });
    const ended = (await bot.event('notice group')).data;
    assert.deepEqual([ended.operation, ended.from, ended.id], ['destroy', a, group]);
    assert.equal((await one.call('send', { type: 'txt', msg: 'x', ...chat })).error.type, 605);
  });

  test('a group of the bot, that one has to ask for', async (t) => {
    const { a, b, c, one, two, bot } = await three(t);
    const group = (await rest(bot, 'POST', '/chatgroups', { groupname: 'Closed', public: true, membersonly: true })).data.groupid;
    assert.equal((await bot.event('notice group')).data.operation, 'create'); // no `resource` told the server which device it is
    await call(one, 'joinGroup', { groupId: group, message: 'please' });
    const asked = (await bot.event('notice group')).data;
    assert.deepEqual([asked.operation, asked.from, asked.reason, asked.id], ['requestToJoin', a, 'please', group]);
    await rest(bot, 'POST', `/chatgroups/${group}/apply_verify`, { applicant: a, verifyResult: true });
    assert.equal((await one.event('onGroupEvent')).operation, 'acceptRequest');
    assert.equal((await bot.event('notice group')).data.operation, 'memberPresence');
    await call(two, 'joinGroup', { groupId: group, message: 'me too' });
    assert.equal((await bot.event('notice group')).data.operation, 'requestToJoin');
    await rest(bot, 'POST', `/chatgroups/${group}/apply_verify`, { applicant: b, verifyResult: false, reason: 'no' });
    const refused = await two.event('onGroupEvent');
    assert.deepEqual([refused.operation, refused.userId, refused.from], ['joinPublicGroupDeclined', b, c]);
    await rest(bot, 'PUT', `/chatgroups/${group}`, { newowner: a });
    const given = await one.event('onGroupEvent');
    assert.deepEqual([given.operation, given.from], ['changeOwner', c]);
    await call(one, 'destroyGroup', { groupId: group });
    assert.equal((await bot.event('notice group')).data.operation, 'destroy');
  });

  test('a chat room', async (t) => {
    const { a, b, c, one, two, bot } = await three(t);
    await box.rest('POST', '/chatrooms/super_admin', { superadmin: a });
    const room = (await call(one, 'createChatRoom', { name: 'Lobby', description: 'all', maxusers: 5, members: [] })).data.id;
    await call(two, 'joinChatRoom', { roomId: room });
    assert.equal((await one.event('onChatroomEvent')).operation, 'memberPresence');
    await bot.call('join_room', { args: { room_id: room, ext: 'hello' } });
    const [came, here] = [await one.event('onChatroomEvent'), await two.event('onChatroomEvent')];
    assert.deepEqual([came.operation, came.from, came.memberCount, came.ext], ['memberPresence', c, 3, 'hello']);
    assert.deepEqual(here, came);
    const chat = { chatType: 'chatRoom', to: room };
    await two.ok('send', { type: 'txt', msg: 'from the page', ...chat });
    const got = (await bot.event('message')).message;
    assert.deepEqual([got.chatType, got.to, got.from, got.msg], ['chatRoom', room, b, 'from the page']);
    assert.equal((await one.event('onTextMessage')).msg, 'from the page');
    await bot.call('send', { kind: 'Text', args: { to: room, text: 'from the bot', chat_type: ROOM } });
    for (const peer of [one, two]) assert.equal((await peer.event('onTextMessage')).msg, 'from the bot');
    assert.ok((await call(two, 'getChatRooms', { pagenum: 1, pagesize: 20 })).data.some((other) => other.id === room && other.name === 'Lobby'));
    assert.equal((await call(two, 'getChatRoomDetails', { chatRoomId: room })).data[0].affiliations_count, 3);
    assert.deepEqual((await call(two, 'getJoinedChatRooms', { pageNum: 1, pageSize: 20 })).data.map((one_) => [one_.id, one_.name, one_.owner]), [[room, 'Lobby', a]]);
    await call(one, 'setChatRoomAttributes', { chatRoomId: room, attributes: { song: '1' }, autoDelete: false });
    const set = await both(two, bot, 'onChatroomEvent', 'chatroom', 'updateChatRoomAttributes');
    assert.deepEqual([set.event.attributes, set.notice.detail.properties], [{ song: '1' }, { song: '1' }]);
    assert.deepEqual((await call(two, 'getChatRoomAttributes', { chatRoomId: room, attributeKeys: ['song'] })).data, { song: '1' });
    assert.equal((await two.call('call', { method: 'setChatRoomAttribute', args: [{ chatRoomId: room, attributeKey: 'song', attributeValue: '2' }] })).error.type, 52);
    await call(one, 'removeChatRoomAttributes', { chatRoomId: room, attributeKeys: ['song'] });
    assert.deepEqual((await both(two, bot, 'onChatroomEvent', 'chatroom', 'removeChatRoomAttributes')).event.attributes, ['song']);
    await call(one, 'blockChatRoomMember', { chatRoomId: room, username: c });
    assert.equal((await bot.event('notice chatroom')).data.operation, 'removeMember');
    await assert.rejects(bot.call('join_room', { args: { room_id: room } }), /603/);
    assert.equal((await two.event('onChatroomEvent')).operation, 'memberAbsence');
    await call(two, 'leaveChatRoom', { roomId: room });
    assert.equal((await one.event('onChatroomEvent')).operation, 'memberAbsence');
    await call(one, 'destroyChatRoom', { chatRoomId: room });
    assert.equal((await two.call('call', { method: 'joinChatRoom', args: [{ roomId: room }] })).error.type, 705);
  });

  test('contacts, and who is blocked', async (t) => {
    const { a, b, c, one, two, bot } = await three(t);
    await call(one, 'addContact', c, 'it is me');
    const asked = (await bot.event('notice contact')).data;
    assert.deepEqual([asked.operation, asked.from, asked.to, asked.status, asked.type], ['invited', a, c, 'it is me', 'subscribe']);
    await rest(bot, 'POST', `/users/${c}/contacts/accept/users/${a}`);
    assert.deepEqual(await one.event('onContactAgreed'), { type: 'subscribed', to: a, from: c, status: '' });
    assert.equal((await bot.event('notice contact')).data.operation, 'added');
    await rest(bot, 'POST', `/users/${c}/contacts/apply`, { usernames: [b], reason: 'and you?' });
    assert.deepEqual(await two.event('onContactInvited'), { type: 'subscribe', to: b, from: c, status: 'and you?' });
    await call(two, 'declineContactInvite', c);
    const refused = (await bot.event('notice contact')).data;
    assert.deepEqual([refused.operation, refused.from, refused.type], ['refuse', b, 'unsubscribed']);
    await rest(bot, 'POST', `/users/${c}/contacts/apply`, { usernames: [b] });
    await two.event('onContactInvited');
    await call(two, 'acceptContactInvite', c);
    assert.equal((await bot.event('notice contact')).data.operation, 'agreed');
    assert.deepEqual(await two.event('onContactAdded'), { type: 'subscribed', to: b, from: c, status: '' });
    assert.deepEqual((await call(one, 'getContacts')).data, [c]);
    await call(one, 'setContactRemark', { userId: c, remark: 'the bot' });
    assert.deepEqual((await call(one, 'getAllContacts')).data, [{ userId: c, remark: 'the bot' }]);
    assert.deepEqual((await call(one, 'getContactsWithCursor', { pageSize: 20 })).data, { cursor: '', contacts: [{ userId: c, remark: 'the bot' }] });
    assert.deepEqual((await rest(bot, 'GET', `/users/${c}/contacts/users`)).data, [a, b]);

    await call(one, 'addUsersToBlocklist', { name: c });
    assert.deepEqual((await call(one, 'getBlocklist')).data, [c]);
    await assert.rejects(bot.call('send', { kind: 'Text', args: { to: a, text: 'x' } }), /210/);
    await call(one, 'removeUserFromBlocklist', { name: c });
    await bot.call('send', { kind: 'Text', args: { to: a, text: 'again' } });
    assert.equal((await one.event('onTextMessage')).msg, 'again');
    await rest(bot, 'POST', `/sdk/user/${c}/blocks`, { usernames: [a] });
    assert.equal((await one.call('send', { type: 'txt', to: c, msg: 'x' })).error.type, 603);
    await call(one, 'deleteContact', c);
    assert.equal((await bot.event('notice contact')).data.operation, 'deleted');
    assert.deepEqual((await call(one, 'getContacts')).data, []);

    await call(one, 'updateUserInfo', { nickname: 'Al \u{1F600}', ext: 'x=1&y' });
    assert.deepEqual((await rest(bot, 'GET', `/metadata/user/${a}`)).data, { nickname: 'Al \u{1F600}', ext: 'x=1&y' });
    assert.deepEqual((await call(two, 'fetchUserInfoById', [a, b], ['nickname'])).data, { [a]: { nickname: 'Al \u{1F600}' }, [b]: {} });
  });

  test('presence', async (t) => {
    const { a, b, c, one, two, bot } = await three(t);
    const first = await call(one, 'subscribePresence', { usernames: [c], expiry: 600 });
    assert.equal(first.data.result[0].uid, c);
    assert.deepEqual(Object.values(first.data.result[0].status), ['1']);
    await rest(bot, 'POST', `/users/${c}/presence/web_bot/7`, { ext: 'thinking \u{1F914}' });
    const [heard] = await one.event('onPresenceStatusChange');
    assert.deepEqual([heard.userId, heard.ext], [c, 'thinking \u{1F914}']);
    assert.deepEqual(heard.statusDetails.find((one_) => one_.device === 'web_bot'), { device: 'web_bot', status: 7 });
    assert.ok(Math.abs(heard.lastTime - Date.now() / 1000) < 60 && heard.expire > Date.now() / 1000);
    // The same the other way, and what the bot is told is what the second SDK is told.
    await rest(bot, 'POST', `/users/${c}/presence/600`, { usernames: [a] });
    await call(two, 'subscribePresence', { usernames: [a], expiry: 600 });
    await call(one, 'publishPresence', { description: 'away' });
    const [[seen], told] = [await two.event('onPresenceStatusChange'), (await bot.event('notice presence')).data.data.values[0]];
    assert.deepEqual([told.uid, told.ext, Number(told.last_time)], [seen.userId, seen.ext, seen.lastTime]);
    assert.deepEqual(Object.entries(told.status).map(([device, status]) => ({ device, status: Number(status) })), seen.statusDetails);
    assert.equal((await call(two, 'getPresenceStatus', { usernames: [a] })).data.result[0].ext, 'away');
    const list = (await call(two, 'getSubscribedPresenceList', { pageNum: 1, pageSize: 20 })).data.result;
    assert.deepEqual([list.sublist.map((one_) => one_.uid), Number(list.totalnum)], [[a], 1]);
    await one.ok('close');
    const gone = (await bot.event('notice presence')).data.data.values[0];
    assert.deepEqual([gone.uid, Object.values(gone.status)], [a, ['0']]);
    await two.event('onPresenceStatusChange');
    await call(two, 'unsubscribePresence', { usernames: [a] });
    await one.login(a);
    await bot.event('notice presence');
    await one.send(b, 'after it');
    await two.event('onTextMessage');
    assert.ok(!two.has('onPresenceStatusChange'));
  });

  test('history', async (t) => {
    const { a, b, c, one, two, bot } = await three(t);
    const ids = [];
    for (let i = 0; i < 3; i++) {
      ids.push((await one.send(c, `from the SDK ${i}`, { i })).serverMsgId);
      ids.push(await bot.call('send', { kind: 'Text', args: { to: a, text: `from the bot ${i}` } }));
    }
    const page = await call(one, 'getHistoryMessages', { targetId: c, chatType: 'singleChat', pageSize: 4, searchDirection: 'up' });
    assert.deepEqual([page.messages.map((one_) => one_.id), page.isLast], [ids.slice(2).reverse(), false]);
    const rest_ = await call(one, 'getHistoryMessages', { targetId: c, chatType: 'singleChat', pageSize: 4, cursor: page.cursor, searchDirection: 'up' });
    assert.deepEqual([rest_.messages.map((one_) => [one_.id, one_.msg]), rest_.isLast],
      [[[ids[1], 'from the bot 0'], [ids[0], 'from the SDK 0']], true]);
    assert.deepEqual(rest_.messages[1].ext, { i: 0 });
    assert.deepEqual((await call(one, 'fetchHistoryMessages', { queue: c, count: 20 })).map((one_) => one_.mid ?? one_.id), ids);
    // The bot asks for the same, and gets as many.
    const again = (await rest(bot, 'POST', `/users/${c}/messageroaming`, { queue: `${a}@easemob.com`, start: '-1', pull_number: 50 })).data;
    assert.deepEqual([again.msgs.length, again.is_last], [6, true]);
    await one.ok('recall', { to: c, mid: ids[0] });
    await call(one, 'removeHistoryMessages', { targetId: c, chatType: 'singleChat', messageIds: [ids[2]] });
    const left = async (peer, target) => (await call(peer, 'getHistoryMessages', { targetId: target, chatType: 'singleChat', pageSize: 50 })).messages.length;
    assert.equal(await left(one, c), 4);
    assert.equal((await rest(bot, 'POST', `/users/${c}/messageroaming`, { queue: `${a}@easemob.com`, start: '-1' })).data.msgs.length, 5);
    assert.equal(await left(two, a), 0);
    await call(one, 'deleteConversation', { channel: c, chatType: 'singleChat', deleteRoam: true });
    assert.equal(await left(one, c), 0);
  });

  test('conversations', async (t) => {
    const { a, b, c, one, two, bot } = await three(t);
    const group = (await call(one, 'createGroup', { data: { groupname: 'G', desc: '', members: [c], public: false, approval: false,
      allowinvites: false, inviteNeedConfirm: false } })).data.groupid;
    await two.send(a, 'from two', { n: 1 });
    for (const text of ['one', 'two', 'three']) await bot.call('send', { kind: 'Text', args: { to: a, text } });
    await bot.call('send', { kind: 'Location', args: { to: group, lat: 1.5, lng: 2.5, address: 'here', chat_type: GROUP } });
    const list = async (more) => (await call(one, 'getServerConversations', { pageSize: 20, cursor: '', ...more })).data.conversations;
    const [first, second, third] = await list();
    assert.deepEqual([first.conversationId, first.conversationType, first.unReadCount, first.lastMessage.type, first.lastMessage.addr],
      [group, 'groupChat', 1, 'loc', 'here']);
    assert.deepEqual([second.conversationId, second.conversationType, second.unReadCount, second.isPinned, second.lastMessage.msg, second.lastMessage.from],
      [c, 'singleChat', 3, false, 'three', c]);
    assert.deepEqual([third.conversationId, third.unReadCount, third.lastMessage.msg, third.lastMessage.ext], [b, 1, 'from two', { n: 1 }]);
    assert.deepEqual((await call(one, 'getConversationlist', { pageNum: 1, pageSize: 20 })).data.channel_infos.map((info) => [info.channel_id, info.unread_num]),
      [[`sandbox#demo_${group}@conference.easemob.com`, 1], [`sandbox#demo_${c}@easemob.com`, 3], [`sandbox#demo_${b}@easemob.com`, 1]]);
    // The bot sees its side; nothing is unread there.
    const side = (await rest(bot, 'GET', `/sdk/user/${c}/user_channels/list`)).data.channel_infos;
    assert.deepEqual(side.map((info) => [info.session_to, info.unread_num]), [[group, 0], [a, 0]]);
    assert.equal(JSON.parse(side[1].meta.payload).bodies[0].msg, 'three');

    await one.ok('send', { type: 'channel', to: c }); // all is read
    assert.equal((await list())[1].unReadCount, 0);
    const pinned = (await call(one, 'pinConversation', { conversationId: c, conversationType: 'singleChat', isPinned: true })).data;
    assert.ok(pinned.isPinned && pinned.pinnedTime > 0);
    assert.deepEqual((await call(one, 'getServerPinnedConversations', { pageSize: 20 })).data.conversations.map((one_) => one_.conversationId), [c]);
    await call(one, 'pinConversation', { conversationId: c, conversationType: 'singleChat', isPinned: false });
    await call(one, 'addConversationMark', { conversations: [{ conversationId: b, conversationType: 'singleChat' }], mark: 3 });
    const marked = (await call(one, 'getServerConversationsByFilter', { pageSize: 10, filter: { mark: 3 } })).data.conversations;
    assert.deepEqual(marked.map((one_) => [one_.conversationId, one_.marks]), [[b, [3]]]);
    await call(one, 'deleteConversation', { channel: c, chatType: 'singleChat', deleteRoam: false });
    assert.deepEqual((await list()).map((one_) => one_.conversationId), [group, b]);
    await bot.call('send', { kind: 'Text', args: { to: a, text: 'again' } });
    assert.deepEqual((await list()).map((one_) => [one_.conversationId, one_.unReadCount]), [[c, 1], [group, 1], [b, 1]]);
  });

  test('what one device does, the other devices are told', async (t) => {
    const { a, b, c, one, bot } = await three(t);
    const [second, third] = await Promise.all([sdk(t, box, { package: from, isFixedDeviceId: false }), python(t, box, a)]); // of a as well
    await second.login(a);
    const group = (await call(one, 'createGroup', { data: { groupname: 'G', desc: '', members: [c], public: false, approval: false,
      allowinvites: false, inviteNeedConfirm: false } })).data.groupid;
    await second.take((line) => line.event === 'onGroupEvent' && line.arg.operation === 'create', 'create');
    await third.take((line) => line.event === 'notice group' && line.data.operation === 'create', 'create');
    await call(one, 'setGroupMemberAttributes', { groupId: group, userId: a, memberAttributes: { nick: 'Al' } });
    const [attributes, ours] = [await second.event('onMultiDeviceEvent'), (await third.take((line) =>
      line.data?.operation === 'memberAttributesUpdate', 'attributes')).data];
    assert.deepEqual([attributes.operation, attributes.id, attributes.userId, attributes.attributes], ['memberAttributesUpdate', group, a, { nick: 'Al' }]);
    assert.deepEqual([ours.id, ours.from, ours.detail.properties], [group, a, { nick: 'Al' }]);
    assert.ok(ours.fromResource.startsWith('webim_'));
    const told = await bot.take((line) => line.data?.operation === 'memberAttributesUpdate', 'attributes');
    assert.equal(told.data.from, a); // a member like any other

    const { serverMsgId } = await one.send(b, 'x');
    const conversation = { conversationId: b, conversationType: 'singleChat' };
    for (const [operation, method, args] of [
      ['pinnedConversation', 'pinConversation', { ...conversation, isPinned: true }],
      ['unpinnedConversation', 'pinConversation', { ...conversation, isPinned: false }],
      ['markConversation', 'addConversationMark', { conversations: [conversation], mark: 3 }],
      ['unMarkConversation', 'removeConversationMark', { conversations: [conversation], mark: 3 }],
      ['deleteRoaming', 'removeHistoryMessages', { targetId: b, chatType: 'singleChat', messageIds: [serverMsgId] }],
      ['deleteConversation', 'deleteConversation', { channel: b, chatType: 'singleChat', deleteRoam: false }],
    ]) {
      await call(one, method, args);
      const heard = await second.event('onMultiDeviceEvent');
      assert.deepEqual([heard.operation, heard.conversationId], [operation, b]);
      const { data } = await third.take((line) => line.data?.operation === operation, operation);
      const { id, to, res, resource, from: by } = data.data;
      assert.equal(id ?? to, b);
      assert.ok((res ?? resource).startsWith('webim_'));
      if (by) assert.equal(by, a);
      assert.equal(data.fromThisDevice, undefined);
      assert.ok(!one.has('onMultiDeviceEvent'), 'not the one that did it');
    }
    // What libeim's own device did comes back to it, with a mark; the SDK's devices hear of it.
    const { resource } = await third.call('health');
    await third.call('request', { args: { method: 'POST', path: `/users/${a}/user_channel/top`, query: { resource }, json: { to: c, type: 'chat' } } });
    const echo = (await third.take((line) => line.data?.operation === 'pinnedConversation', 'echo')).data;
    assert.deepEqual([echo.fromThisDevice, echo.data.id], [true, c]);
    for (const peer of [one, second]) assert.deepEqual((({ operation, conversationId }) => [operation, conversationId])(await peer.event('onMultiDeviceEvent')), ['pinnedConversation', c]);
  });
});
