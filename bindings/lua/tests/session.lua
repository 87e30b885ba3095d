--- Sessions against the sandbox, and what may go wrong in handlers.
local harness = require "harness"
local eim = require "eim"
local json = require "eim.json"
local test, same, check, contains, fails, until_true =
  harness.test, harness.same, harness.check, harness.contains, harness.fails, harness.until_true

local INVALID, CLOSED, CANCELED, TIMEOUT = -1, -4, -5, -6
local exact = math.type ~= nil
local users = { "--user", "alice:secret", "--user", "bob:secret" }

local function pair(more)
  local box = harness.sandbox(harness.unpack(users))
  return box, box:online("alice", more), box:online("bob", more)
end

-- What is left in a table of weak references. A finalizer keeps what it finalizes for one more round, and so
-- does each owner behind it: a few rounds, but not without end. LuaJIT's compiled code holds the functions it was
-- specialized on (a handler, and with it the client the handler closes over) until it is flushed.
local function collect(weak)
  if jit then jit.flush() end
  for _ = 1, 10 do
    collectgarbage()
    if not next(weak) then return nil end
  end
  return (next(weak))
end

test("messages carry text and ext, and nothing is lost on the way", function()
  local box, alice, bob = pair()
  local got
  bob:on("message", function(message) got = message end)
  local text = 'Grüße 😀 "quoted"\n\ttab'
  local big = exact and 9007199254740993 or "9007199254740993"
  local result = assert(alice:await(alice:send{ to = "bob", text = text,
    ext = { n = 5, big = big, list = { 1, 2, 3 }, inner = { deep = true }, s = "ä" } }))
  until_true(bob, function() return got end, "the message")
  same(got.text, text)
  same(got.id, result.messageId)
  same(got.from, "alice")
  same(got.to, "bob")
  same(got.type, "txt")
  same(got.chatType, "singleChat")
  same(got.event, "message")
  same(got.ext.n, 5)
  same(got.ext.big, big)
  if exact then same(math.type(got.ext.n), "integer") end
  same(got.ext.list[3], 3)
  same(got.ext.inner.deep, true)
  same(got.body.msg, text)
  check(got.time > 1.6e12)
  contains(tostring(got), "from alice to bob")
  alice:shutdown()
  bob:shutdown()
  box:stop()
end)

test("every kind of message arrives as it was sent", function()
  local box, alice, bob = pair()
  local got
  bob:on("message", function(message) got = message end)
  local attached = { url = "https://h/a", secret = "s", filename = "a.bin", file_length = 7 }
  local kinds = {
    txt = { text = "hi", deliverOnlineOnly = false }, cmd = { action = "wave" },
    custom = { customEvent = "dice", customExts = { eyes = "6" } },
    loc = { lat = 52.5, lng = 13.25, addr = "Berlin", buildingName = "B" },
    file = {}, img = { width = 8, height = 9, isGif = true }, audio = { length = 3 },
    video = { length = 3, thumb = "https://h/t", thumb_secret = "t" },
    combine = { title = "t", summary = "u", compatibleText = "v", combineLevel = 2 },
  }
  for kind, fields in pairs(kinds) do
    local message, url = { to = "bob", type = kind, ext = '{"n":9007199254740993}' }, nil
    for name, value in pairs(fields) do message[name] = value end
    if kind == "file" or kind == "img" or kind == "audio" or kind == "video" or kind == "combine" then
      for name, value in pairs(attached) do message[name] = value end
      url = attached.url
    end
    got = nil
    local result = assert(alice:await(alice:send(message)))
    until_true(bob, function() return got end, kind)
    same(got.id, result.messageId)
    same(got.type, kind)
    same(got.body.url, url)
    contains(got.extJson, "9007199254740993")
    for name, value in pairs(fields) do
      if name == "customExts" then
        same(got.body.customExts.eyes, "6")
      elseif name ~= "deliverOnlineOnly" then
        same(got.body[name == "text" and "msg" or name], value, kind .. "." .. name)
      end
    end
  end
  contains(fails(INVALID, alice:send{ to = "bob", type = "image", url = "u" }).message, "image")
  contains(fails(INVALID, alice:send{ to = "bob", type = "loc", lat = 91, lng = 0 }).message, "lat")
  contains(fails(INVALID, alice:send{ to = "bob", type = "file" }).message, "url")
  alice:shutdown()
  bob:shutdown()
  box:stop()
end)

test("receipts, recall, edit", function()
  local box, alice, bob = pair()
  local got
  local told, heard = {}, nil
  bob:on("message", function(message) got = message end)
  bob:on("receipt", function(receipt) heard = receipt end)
  alice:on("receipt", function(receipt) told[receipt.kind] = receipt end)
  local sent = assert(alice:await(alice:send{ to = "bob", text = "plans" }))
  until_true(bob, function() return got end, "the message")
  assert(bob:await(bob:markRead(got)))
  assert(bob:await(bob:markChannelRead{ to = "alice" }))
  until_true(alice, function() return told.read and told.channel end, "the receipts")
  same(told.read.messageId, sent.messageId)
  same(told.read.from, "bob")
  assert(alice:await(alice:recall{ messageId = sent.messageId, to = "bob", ext = "oops" }))
  until_true(bob, function() return heard end, "the recall")
  same(heard.kind, "recalled")
  same(heard.messageId, sent.messageId)
  same(heard.data.ext, "oops")
  local _, err = bob:await(bob:recall{ messageId = sent.messageId, to = "alice" })
  contains(err.message, "permission")
  _, err = alice:await(alice:edit(sent.messageId, { to = "bob", text = "other plans" }))
  contains(err.message, "not enabled") -- an app that has not bought it
  fails(INVALID, bob:markRead({ id = sent.messageId }))
  fails(INVALID, alice:recall{ messageId = "x7", to = "bob" })
  fails(INVALID, alice:edit(sent.messageId, { to = "bob" }))
  fails(INVALID, bob:markChannelRead{ to = "alice", chatType = "nowhere" })
  alice:shutdown()
  bob:shutdown()
  box:stop()
end)

test("rooms and REST calls", function()
  local box, alice, bob = pair()
  box:admin("/groups", { id = "r1", room = true, members = { "alice" } })
  local got
  alice:on("message", function(message) got = message end)
  assert(bob:await(bob:joinRoom{ room = "r1", ext = "hello all" }))
  assert(bob:await(bob:send{ to = "r1", chatType = "chatRoom", text = "high", priority = "high" }))
  until_true(alice, function() return got end, "the message")
  same(got.chatType, "chatRoom")
  same(got.body.priority, "high")
  assert(bob:await(bob:leaveRoom("r1")))
  check(bob:await(bob:send{ to = "r1", chatType = "chatRoom", text = "x" }) == nil)
  check(bob:await(bob:joinRoom{ room = "nowhere" }) == nil)
  fails(INVALID, bob:joinRoom{ room = "r1", leaveOthers = 1 })
  local answer = assert(alice:await(alice:request{ method = "GET", path = "/users/alice", query = "a=1" }))
  same(answer.data.status, 200)
  same(answer.data.body.entities[1].username, "alice")
  local _, err = alice:await(alice:request{ method = "POST", path = "/no/such/call", body = { a = 1 } })
  same(err.detail.httpStatus, 404)
  fails(110, alice:request{ method = "GET", path = "no slash" })
  alice:shutdown()
  bob:shutdown()
  box:stop()
end)

test("files come down, and what is wrong with files is said", function()
  local box = harness.sandbox(harness.unpack(users))
  local alice = box:online("alice")
  local target, progress = os.tmpname(), nil
  alice:on("progress", function(event) progress = event end)
  local url = box.apiUrl .. "/" .. box.appKey:gsub("#", "/") .. "/users/alice" -- anything that can be fetched
  local down, why = alice:await(alice:download{ url = url, path = target })
  check(down, tostring(why))
  local file = assert(io.open(target, "rb"))
  local content = file:read("*a")
  file:close()
  same(down.data.file_length, #content)
  same(json.decode(content).entities[1].username, "alice")
  same(check(progress, "no progress was told").done, #content)
  fails(405, alice:await(alice:download{ url = url, path = target, maxBytes = 10 }))
  fails(INVALID, alice:await(alice:upload{ path = target .. ".nowhere" }))
  fails(INVALID, alice:upload{ filename = "a" })
  fails(INVALID, alice:download{ path = target })
  local here = assert(alice:await(alice:download{ url = url }))
  same(#here.bytes, here.data.file_length)
  same(json.decode(here.bytes).entities[1].username, "alice")
  fails(405, alice:await(alice:download{ url = url, maxBytes = 10 }))
  same(assert(alice:await(alice:request{ method = "GET", path = "/users/alice" })).bytes, "")
  os.remove(target)
  alice:shutdown()
  box:stop()
end)

test("messages are forwarded as one, and come out again", function()
  local box = harness.sandbox(harness.unpack(users))
  local alice, bob = box:online("alice"), box:online("bob")
  local got
  bob:on("message", function(message) got = message end)
  alice:on("message", function(message) got = message end)
  assert(alice:await(alice:send{ to = "bob", text = "h\195\164", ext = { n = 1 } }))
  local first = until_true(bob, function() return got end, "the text") and got
  got = nil
  local sent = { type = "combine", to = "alice", title = "Chat", messages = { first, { to = "alice", text = "own" } } }
  assert(bob:await(bob:send(sent)))
  until_true(alice, function() return got end, "the combined message")
  same(got.type, "combine")
  same(got.body.combineLevel, 1)
  local inside = assert(alice:await(alice:downloadCombined(got))).messages
  same(#inside, 2)
  same(inside[1].text, first.text)
  same(inside[1].id, first.id)
  same(inside[1].from, "alice")
  same(inside[1].ext.n, 1)
  same(inside[2].from, "bob")
  fails(INVALID, alice:downloadCombined(inside[1]))
  fails(INVALID, alice:downloadCombined({}))
  fails(INVALID, bob:send{ type = "combine", to = "alice", messages = {} })
  fails(INVALID, bob:send{ type = "combine", to = "alice", messages = { "x" } })
  fails(INVALID, bob:send{ type = "combine", to = "alice", messages = { { to = "b", type = "file", path = "/x" } } })
  alice:shutdown()
  bob:shutdown()
  box:stop()
end)

test("a message that is not done comes again, with ackMode manual", function()
  local box = harness.sandbox(harness.unpack(users))
  box:admin("/push", { user = "alice", from = "bob", text = "1" })
  local texts = {}
  for round = 1, 3 do
    local got
    local alice = box:client{ ackMode = "manual", deviceId = "one" }
    alice:on("message", function(message)
      got = message
      texts[#texts + 1] = message.text
      if round >= 2 then assert(alice:messageDone(message)) end
    end)
    assert(alice:await(alice:open{ user = "alice", password = "secret" }))
    if round == 3 then box:admin("/push", { user = "alice", from = "bob", text = "2" }) end
    until_true(alice, function() return got end, "a message")
    assert(alice:await(alice:close()))
    fails(INVALID, alice:messageDone({}))
    alice:shutdown()
  end
  same(table.concat(texts, " "), "1 1 2")
  box:stop()
end)

test("a wrong password comes as an error with all its fields", function()
  local box = harness.sandbox(harness.unpack(users))
  local alice = box:client()
  local err = fails(202, alice:await(alice:open{ user = "alice", password = "wrong" }))
  same(err.name, "USER_AUTHENTICATION_FAILED")
  same(err.isFinal, true)
  same(err.mayHaveHappened, false)
  same(type(err.detail), "table")
  same(type(err.native), "number")
  contains(tostring(err), "USER_AUTHENTICATION_FAILED (202): ")
  alice:shutdown()
  box:stop()
end)

test("registering, and an id that is taken", function()
  local box = harness.sandbox()
  local client = box:client()
  assert(client:await(client:registerUser{ user = "carol", password = "secret", nickname = "C" }))
  fails(203, client:await(client:registerUser{ user = "carol", password = "secret" }))
  assert(client:await(client:open{ user = "carol", password = "secret" }))
  client:shutdown()
  box:stop()
end)

test("a provider is asked at open and when the token ends", function()
  local box = harness.sandbox("--token-ttl", "3", "--user", "alice:secret")
  local reasons = {}
  local alice = box:client{ tokenWarningLeadMs = 0, tokenWarningFraction = 0.1 }
  assert(alice:await(alice:open{ user = "alice", accessToken = function(reason, event)
    reasons[#reasons + 1] = reason
    if event then same(event.event, "tokenRequest") end
    return box:admin("/token", { user = "alice", ttl = #reasons == 1 and 3 or 3600 }).access_token
  end }))
  same(reasons[1], "OPEN")
  until_true(alice, function() return #reasons > 1 end, "the second question")
  same(reasons[2], "WILL_EXPIRE")
  until_true(alice, function() return next(alice._pending) == nil end, "the renewal")
  same(alice:state(), "ONLINE")
  alice:shutdown()
  box:stop()
end)

test("a kick ends the session with its reason", function()
  local box = harness.sandbox(harness.unpack(users))
  local alice = box:online("alice")
  local why
  alice:on("disconnected", function(change) why = change end)
  box:admin("/kick", { user = "alice", operation = 2, reason = "the tablet" })
  until_true(alice, function() return why end, "disconnected")
  same(why.cause.code, 206)
  same(why.cause.isFinal, true)
  same(why.willRetry, false)
  same(why.cause.detail.loginInfoCustomExt, "the tablet")
  alice:shutdown()
  box:stop()
end)

test("the addEventHandler of the official SDK", function()
  local box, alice, bob = pair()
  local log = {}
  local function add(name) return function(message) log[#log + 1] = name .. message.text end end
  check(bob:addEventHandler("one", { onMessage = add("1") }))
  check(bob:addEventHandler("two", { onMessage = add("2"), onDisconnected = print }))
  check(bob:addEventHandler("one", { onMessage = add("3") }))
  assert(alice:await(alice:send{ to = "bob", text = "x" }))
  until_true(bob, function() return #log == 2 end, "both sets")
  same(table.concat(log, " "), "2x 3x")
  check(bob:removeEventHandler("two"))
  assert(alice:await(alice:send{ to = "bob", text = "y" }))
  until_true(bob, function() return #log == 3 end, "the set that is left")
  same(log[3], "3y")
  alice:shutdown()
  bob:shutdown()
  box:stop()
end)

test("an error in a handler leaves poll as it is, and nothing behind it is lost", function()
  local box, alice, bob = pair()
  local texts, thrown = {}, { "any value" }
  bob:on("message", function(message)
    texts[#texts + 1] = message.text
    if message.text == "2" then error(thrown) end
    if message.text == "3" then error("three", 0) end
  end)
  local sent = {}
  for i = 1, 5 do sent[i] = assert(alice:send{ to = "bob", text = tostring(i) }) end
  for i = 1, 5 do assert(alice:await(sent[i])) end
  local errors, deadline = {}, eim.now() + 10
  while #texts < 5 do
    check(eim.now() < deadline, "not in time")
    local ok, err = pcall(bob.poll, bob, 0.1)
    if not ok then errors[#errors + 1] = err end
  end
  same(table.concat(texts), "12345")
  same(#errors, 2)
  same(errors[1], thrown)
  same(errors[2], "three")
  check(bob:poll(0))
  same(bob:state(), "ONLINE")
  alice:shutdown()
  bob:shutdown()
  box:stop()
end)

test("an error in a request's callback leaves poll, the request is over", function()
  local box, alice = pair()
  local request = assert(alice:send({ to = "bob", text = "x" }, function() error("from the callback", 0) end))
  local ok, err = pcall(alice.await, alice, request)
  same(ok, false)
  same(err, "from the callback")
  check(request.done)
  check(assert(alice:await(request)).messageId ~= "")
  alice:shutdown()
  box:stop()
end)

test("handlers may poll, await, send, and shut down", function()
  local box, alice, bob = pair()
  local answers = {}
  bob:on("message", function(message, client)
    local result = assert(client:await(client:send{ to = message.from, text = "re: " .. message.text }))
    check(result.messageId ~= "")
    if message.text == "3" then client:shutdown() end
  end)
  alice:on("message", function(message) answers[#answers + 1] = message.text end)
  for i = 1, 3 do assert(alice:send{ to = "bob", text = tostring(i) }) end
  local deadline = eim.now() + 10
  while #answers < 3 do
    check(eim.now() < deadline, "not in time")
    check(alice:poll(0.02))
    if bob:state() ~= "CLOSED" then bob:poll(0.02) end
  end
  same(bob:state(), "CLOSED")
  alice:shutdown()
  box:stop()
end)

test("handlers may yield, and come back later", function()
  local box, alice, bob = pair()
  local log = {}
  bob:on("message", function(message)
    log[#log + 1] = "begin " .. message.text
    local word = coroutine.yield("waiting")
    log[#log + 1] = "end " .. message.text .. " " .. word
  end)
  local loop = coroutine.create(function()
    while true do assert(bob:poll(0.02)) coroutine.yield("idle") end
  end)
  assert(alice:await(alice:send{ to = "bob", text = "a" }))
  local deadline, said, _ = eim.now() + 10, nil, nil
  repeat
    check(eim.now() < deadline, "not in time")
    _, said = assert(coroutine.resume(loop))
  until said == "waiting"
  same(table.concat(log, "; "), "begin a")
  check(bob:poll(0)) -- somebody else goes on polling meanwhile
  _, said = assert(coroutine.resume(loop, "b"))
  same(said, "idle")
  same(table.concat(log, "; "), "begin a; end a b")
  alice:shutdown()
  bob:shutdown()
  box:stop()
end)

test("await in coroutines of a scheduler", function()
  local box = harness.sandbox(harness.unpack(users))
  local context = assert(eim.context())
  local done, order = 0, {}
  local threads = {}
  for _, user in ipairs{ "alice", "bob" } do
    threads[user] = coroutine.create(function()
      local client = assert(eim.client(box:options{ context = context, pause = coroutine.yield }))
      order[#order + 1] = user .. " opens"
      assert(client:await(client:open{ user = user, password = "secret" }))
      order[#order + 1] = user .. " is online"
      assert(client:await(client:close()))
      done = done + 1
    end)
  end
  until_true(context, function()
    for _, thread in pairs(threads) do
      if coroutine.status(thread) ~= "dead" then
        local ok, err = coroutine.resume(thread)
        if not ok then error(err) end
      end
    end
    return done == 2
  end, "both")
  check(order[1]:find("opens") and order[2]:find("opens"), "they do not run side by side")
  context:shutdown()
  box:stop()
end)

test("events() dispatches and hands over", function()
  local box, alice, bob = pair()
  local handled, seen = 0, {}
  bob:on("message", function() handled = handled + 1 end)
  for i = 1, 3 do assert(alice:await(alice:send{ to = "bob", text = tostring(i) })) end
  for event, name in bob:events(10) do
    same(event.event, name)
    if name == "message" then
      seen[#seen + 1] = event.text
      same(handled, #seen)
      if #seen == 3 then break end
    end
  end
  same(table.concat(seen), "123")
  -- The first one may have waited for the login already; then the end of that is told, and nothing else.
  for event, name in bob:events(0.05) do
    same(name, "notice")
    same(event.name, "offline_sync")
  end
  same(bob:next(0), nil)
  alice:shutdown()
  bob:shutdown()
  box:stop()
end)

test("the body of an events() loop may yield, its handlers too where Lua can", function()
  local box, alice, bob = pair()
  assert(alice:await(alice:send{ to = "bob", text = "x" }))
  local in_handler = _VERSION ~= "Lua 5.1" or rawget(_G, "jit") ~= nil
  if in_handler then bob:on("message", function() coroutine.yield("handler") end) end
  local said = {}
  local thread = coroutine.wrap(function()
    for event, name in bob:events(10) do
      if name == "message" then coroutine.yield("body " .. event.text) return "end" end
    end
  end)
  repeat said[#said + 1] = thread() until said[#said] == "end"
  same(table.concat(said, " "), (in_handler and "handler " or "") .. "body x end")
  -- next() is an ordinary function: there handlers may yield on every Lua.
  assert(alice:await(alice:send{ to = "bob", text = "y" }))
  bob:off("message")
  bob:on("message", function() coroutine.yield("handler") end)
  local again = coroutine.wrap(function()
    repeat
      local event, name = bob:next(10)
    until name == "message" or not event
    return "end"
  end)
  same(again(), "handler")
  same(again(), "end")
  alice:shutdown()
  bob:shutdown()
  box:stop()
end)

test("off, also in the middle of a dispatch", function()
  local box, alice, bob = pair()
  local calls = {}
  local function second() calls[#calls + 1] = "second" end
  local function first(_, client)
    calls[#calls + 1] = "first"
    client:off("message", second)
  end
  bob:on("message", first):on("message", second)
  for i = 1, 2 do assert(alice:await(alice:send{ to = "bob", text = tostring(i) })) end
  -- The list of an event under way stays as it was.
  until_true(bob, function() return #calls >= 3 end, "three calls")
  same(table.concat(calls, " "), "first second first")
  bob:off()
  same(next(bob._handlers), nil)
  alice:shutdown()
  bob:shutdown()
  box:stop()
end)

test("the descriptor is readable exactly when there is something to do", function()
  local box, alice, bob = pair()
  local fd = assert(bob:fd())
  check(type(fd) == "number" and fd >= 0)
  -- Only LuaJIT can ask the system; the others ask client:wait.
  local ready
  local has_ffi, ffi = pcall(require, "ffi")
  if has_ffi then
    ffi.cdef "struct pollfd { int fd; short events, revents; }; int poll(struct pollfd *, unsigned long, int);"
    function ready(ms) return ffi.C.poll(ffi.new("struct pollfd[1]", { { fd, 1, 0 } }), 1, ms) == 1 end
  else
    function ready(ms) return bob:wait(ms / 1000) end
  end
  local got = 0
  bob:on("message", function() got = got + 1 end)
  while ready(50) do bob:poll(0) end -- what is left of the login
  same(ready(0), false)
  for _ = 1, 2 do assert(alice:await(alice:send{ to = "bob", text = "x" })) end
  local deadline = eim.now() + 10
  while got < 2 do
    check(eim.now() < deadline, "not in time")
    same(ready(10000), true)
    bob:poll(0, 1) -- one at a time: what is left keeps it readable
  end
  alice:shutdown()
  bob:shutdown()
  box:stop()
end)

test("the network goes and comes back", function()
  local box = harness.sandbox(harness.unpack(users))
  local alice = box:online("alice", { reconnectBaseMs = 1 })
  local connected, reconnecting, disconnected = 0, 0, 0
  alice:on("connected", function() connected = connected + 1 end)
  alice:on("reconnecting", function() reconnecting = reconnecting + 1 end)
  alice:on("disconnected", function() disconnected = disconnected + 1 end)
  check(alice:networkChanged(false))
  check(alice:networkChanged(true))
  box:admin("/cut", { user = "alice" })
  until_true(alice, function() return connected > 0 and alice:state() == "ONLINE" end, "online again")
  check(reconnecting > 0)
  same(disconnected, 0)
  alice:shutdown()
  box:stop()
end)

test("a request can be canceled, and await can give up before it", function()
  local box = harness.sandbox(harness.unpack(users))
  local alice = box:online("alice")
  box:admin("/freeze", { user = "alice", on = true })
  local request = assert(alice:send{ to = "bob", text = "x" })
  fails(TIMEOUT, alice:await(request, 0.05))
  check(not request.done)
  check(request:cancel())
  fails(CANCELED, alice:await(request))
  alice:shutdown()
  box:stop()
end)

test("shutdown in the middle ends what is under way", function()
  local box = harness.sandbox(harness.unpack(users))
  local alice = box:client()
  box:admin("/fail", { what = "token", how = "silence", n = 1 })
  local request = assert(alice:open{ user = "alice", password = "secret" })
  alice:poll(0)
  alice:shutdown()
  fails(CLOSED, alice:await(request))
  box:stop()
end)

test("a client that nobody holds any more is logged out, with a request in flight", function()
  local box = harness.sandbox(harness.unpack(users))
  local context = assert(eim.context())
  local calls = 0
  do
    local function lose()
      local client = box:online("alice", { context = context })
      client:on("message", function() calls = calls + 1 end)
      client:on("state", function() return client end) -- a cycle through a handler
      box:admin("/push", { user = "alice", from = "bob", text = "too late" })
      assert(client:send({ to = "bob", text = "x" }, function() calls = calls + 1 end))
    end
    lose()
  end
  same(collect(context._clients), nil, "the client is still there")
  until_true(context, function() return #box:get("/sessions") == 0 end, "the end of the session")
  same(calls, 0)
  context:shutdown()
  box:stop()
end)

test("clients and contexts that are collected leave nothing", function()
  local box = harness.sandbox(harness.unpack(users))
  local weak = setmetatable({}, { __mode = "v" })
  local function make(i) -- a frame of its own: what stands in a dead stack slot is not collected
    local client = box:client()
    client:on("state", function() return client end)
    client:open{ user = "alice", password = "secret" }
    if i % 2 == 0 then client:poll(0) end
    weak[i] = client
  end
  for i = 1, 20 do make(i) end
  same(collect(weak), nil)
  box:stop()
end)

test("I/O on threads of the library: handlers still run in poll only", function()
  local box = harness.sandbox(harness.unpack(users))
  local alice, bob = box:online("alice", { ioThreads = 1 }), box:online("bob", { ioThreads = 1 })
  local inside, texts = false, {}
  bob:on("message", function(message)
    check(inside)
    texts[#texts + 1] = message.text
  end)
  for i = 1, 20 do assert(alice:send{ to = "bob", text = tostring(i) }) end
  local deadline = eim.now() + 10
  while #texts < 20 do
    check(eim.now() < deadline, "not in time")
    check(alice:poll(0.01))
    inside = true
    check(bob:poll(0.01))
    inside = false
  end
  same(texts[20], "20")
  alice = nil
  collectgarbage()
  bob:shutdown()
  box:stop()
end)

test("TLS with the sandbox's own authority", function()
  local box = harness.sandbox("--tls", "--user", "alice:secret")
  local alice = box:online("alice")
  contains(box.url, "wss://")
  alice:shutdown()
  local stranger = assert(eim.client{ appKey = box.appKey, apiUrl = box.apiUrl, url = box.url })
  local ok, err = stranger:await(stranger:open{ user = "alice", password = "secret" })
  same(ok, nil)
  same(err.domain, "tls")
  stranger:shutdown()
  box:stop()
end)

harness.finish()
