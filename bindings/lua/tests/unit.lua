--- What needs no session: JSON, options, errors, arguments, tostring, annotations.
local harness = require "harness"
local eim = require "eim"
local core = require "eim.core"
local json = require "eim.json"
local test, same, check, contains, fails = harness.test, harness.same, harness.check, harness.contains, harness.fails

local exact = math.type ~= nil -- integers, Lua 5.3 and newer
local INVALID, CLOSED = -1, -4
local offline = { appKey = "org#app", apiUrl = "http://127.0.0.1:9", url = "ws://127.0.0.1:9/websocket" }

local function both(text, other)
  same(assert(json.encode(assert(json.decode(text)))), other or text)
end

test("eim.assert throws what went wrong, on every Lua", function()
  local first, second, third = eim.assert(1, nil, 3)
  check(first == 1 and second == nil and third == 3)
  local client, err = eim.client{ appKey = "bad" }
  local ok, thrown = pcall(eim.assert, client, err)
  same(ok, false)
  same(tostring(thrown), tostring(err))
  contains(tostring(thrown), "appKey: 'bad'")
  local _, by_assert = pcall(assert, nil, err)
  if by_assert == err then same(thrown, err) else same(type(thrown), "string") end
  same(select(2, pcall(eim.assert, false)), "assertion failed!")
end)

test("json: what goes in comes out", function()
  both('{"a":[],"b":{},"c":[1,-2,true,false,null],"d":"","e":{"f":[[]]}}')
  both(' [ 1 , "x" ] ', '[1,"x"]')
  both('"\\u0041\\ud83d\\ude00\\u00e9\\/"', '"A\240\159\152\128\195\169/"')
  both('"a\\u0000b\\n\\t\\u001f\\""')
  both('"\127"')
  both("1.5")
  both("-0.25")
  same(json.decode("1e3"), 1000)
  same(json.decode('"\\ud800x"'), "\239\191\189x")
end)

test("json: integers are exact", function()
  both("9007199254740991")
  both("-9007199254740991")
  local beyond = { "9007199254740992", "9007199254740993", "9223372036854775807", "-9223372036854775808" }
  for _, digits in ipairs(beyond) do
    local value = json.decode(digits)
    if exact then
      same(math.type(value), "integer")
      both(digits)
    else
      same(value, digits)
    end
  end
  same(json.decode("9223372036854775808"), "9223372036854775808")
  if exact then
    same(json.encode(1.0), "1.0")
    same(json.encode(1), "1")
  else
    same(json.encode(1), "1")
  end
  same(json.encode(0.1), "0.1")
end)

test("json: broken texts are refused", function()
  for _, text in ipairs{ "", " ", "{", "[", "[1,]", "{,}", '{"a"}', '{"a":}', '{a:1}', "01", "-", "1.", ".5", "1e", "+1",
    "tru", "nul", "'a'", '"a', '"\\x"', '"\\u12"', '"\n"', "1 2", "[1]]", "NaN", "Infinity", ("["):rep(101) } do
    local value, err = json.decode(text)
    same(value, nil, text)
    contains(err, "json: ")
  end
  same(json.decode(nil), nil)
  check(json.decode(("["):rep(100) .. ("]"):rep(100)))
end)

test("json: what has no form is refused", function()
  local round = {}
  round.round = round
  for _, value in ipairs{ round, { 1, 2, x = 3 }, { [1.5] = 1 }, print, 0 / 0, math.huge, { f = print } } do
    local text, err = json.encode(value)
    same(text, nil)
    contains(err, "json: ")
  end
  same(json.encode({}), "{}")
  same(json.encode(json.array()), "[]")
  same(json.encode({ b = 1, a = eim.null }), '{"a":null,"b":1}')
end)

test("loading leaves no global behind", function()
  for _, name in ipairs{ "swig_type", "swig_equals", "eim", "eim_core" } do same(rawget(_G, name), nil, name) end
  for name in pairs(_G) do check(not tostring(name):find("swig"), name) end
end)

test("an unknown option names the near one", function()
  contains(fails(INVALID, eim.client{ appKei = "org#app" }).message, "did you mean 'appKey'?")
  contains(fails(INVALID, eim.client{ heartbeatWait = 1000 }).message, "heartBeatWait")
end)

test("bad options are refused with the reason", function()
  fails(INVALID, eim.client())
  fails(INVALID, eim.client("org#app"))
  fails(INVALID, eim.client{ "org#app" })
  fails(100, eim.client{})
  fails(100, eim.client{ appKey = "org" })
  fails(INVALID, eim.client{ appKey = "org#app", connectTimeout = "soon" })
  fails(INVALID, eim.client{ appKey = "org#app", connectTimeout = 1 })
  fails(INVALID, eim.client{ appKey = "org#app", connectTimeout = 1000.5 })
  fails(INVALID, eim.client{ appKey = "org#app", delivery = print })
  fails(INVALID, eim.client{ appKey = "org#app", deviceId = "a\0b" })
  fails(INVALID, eim.client{ appKey = "org#app", pause = 5 })
  fails(INVALID, eim.client{ appKey = "org#app", context = {} })
  fails(INVALID, eim.context{ threads = 1 })
  fails(INVALID, eim.context{ ioThreads = 1000 })
end)

test("options of every type are taken", function()
  local client = assert(eim.client{ appKey = "org#app", delivery = true, connectTimeout = 5000, ioThreads = 0,
    tokenWarningFraction = 0.75, dnsUrls = { "https://a.example/x", "https://b.example/y" }, osPlatform = 7 })
  client:shutdown()
end)

test("the option table is there, and the annotations name all of it", function()
  local file = assert(io.open(assert(os.getenv("EIM_LUA_SOURCE")) .. "/eim/types.lua"))
  local text = file:read("*a")
  file:close()
  local options = eim.options()
  check(#options > 30)
  for _, option in ipairs(options) do
    check(text:find("---@field " .. option.name .. "%?? "), "types.lua lacks the option " .. option.name
      .. " (run write_types.lua)")
    check(#option.doc > 10)
  end
end)

test("every public function is annotated", function()
  local before, count = "", 0
  for _, path in ipairs{ "eim.lua", "eim/calls.lua", "eim/client.lua", "eim/context.lua" } do
    local file = assert(io.open(os.getenv("EIM_LUA_SOURCE") .. "/" .. path))
    for line in file:lines() do
      local name = line:match("^function ([%w_]+[:.][%a]%w*)%(")
      if name and name ~= "contexts.seconds" then
        count = count + 1
        check(before:sub(1, 3) == "---", name .. " has no comment")
      end
      before = line
    end
    file:close()
  end
  check(count >= 45)
end)

test("wrong arguments are errors, not exceptions", function()
  local client = assert(eim.client(offline))
  contains(fails(INVALID, client:on("mesage", print)).message, "did you mean 'message'?")
  fails(INVALID, client:on("message"))
  fails(INVALID, client:off("mesage"))
  contains(fails(INVALID, client:addEventHandler("x", { onMesage = print })).message, "onMessage")
  fails(INVALID, client:removeEventHandler("x"))
  fails(INVALID, client:open())
  fails(INVALID, client:open{})
  fails(INVALID, client:open{ user = "alice" })
  fails(INVALID, client:open{ user = "alice", password = "x", accessToken = "y" })
  fails(INVALID, client:open{ user = 5, password = "x" })
  contains(fails(INVALID, client:open{ user = "alice", pasword = "x" }).message, "did you mean 'password'?")
  fails(INVALID, client:open{ user = "alice", password = "a\0b" })
  fails(INVALID, client:open({ user = "alice", password = "x" }, "callback"))
  fails(INVALID, client:registerUser{ user = "alice" })
  contains(fails(INVALID, client:send{ to = "bob", txt = "x" }).message, "did you mean 'text'?")
  fails(INVALID, client:send{ to = "bob" })
  fails(INVALID, client:send{ to = "bob", text = 5 })
  fails(INVALID, client:send{ to = "bob", text = "x", chatType = "groupchat" })
  fails(INVALID, client:send{ to = "bob", text = "x", ext = { f = print } })
  check(client:send{ to = "bob", text = "x", ext = "[]" } == nil)
  check(client:send{ to = "bob", text = "\255\254" } == nil)
  fails(INVALID, client:cancel(7))
  fails(INVALID, client:await(nil))
  fails(INVALID, client:poll("soon"))
  fails(INVALID, client:renewToken(nil))
  fails(INVALID, client:setLoginExt(5))
  same(next(client._pending), nil, "a request that failed at once is left")
  client:shutdown()
end)

test("an error passes through await", function()
  local client = assert(eim.client(offline))
  fails(INVALID, client:await(client:send{ to = "bob" }))
  fails(201, client:await(client:send{ to = "bob", text = "x" }))
  local request = assert(client:send{ to = "bob", text = "x" })
  contains(fails(-6, client:await(request, 0)).message, "send is still under way")
  fails(201, request:await())
  client:shutdown()
end)

test("a provider without a token says why", function()
  local client = assert(eim.client(offline))
  contains(fails(-8, client:open{ user = "a", accessToken = function() return nil, "vault is shut" end }).message,
    "vault is shut")
  local own = fails(INVALID, client:open{})
  same(select(2, client:open{ user = "a", accessToken = function() return nil, own end }), own)
  fails(INVALID, client:open{ user = "a", accessToken = function() return 5 end })
  same(client._provider, nil)
  same(client._provides, false)
  client:shutdown()
end)

test("after shutdown everything says so", function()
  local client = assert(eim.client(offline))
  local request = assert(client:close())
  local told
  local other = assert(client:close(function(_, err) told = err end))
  client:shutdown()
  client:shutdown()
  same(client:state(), "CLOSED")
  check(request.done and other.done)
  fails(CLOSED, client:await(request))
  fails(CLOSED, nil, told)
  fails(CLOSED, client:poll())
  fails(CLOSED, client:wait(0))
  fails(CLOSED, client:close())
  fails(CLOSED, client:open{ user = "a", password = "b" })
  fails(CLOSED, client:send{ to = "bob", text = "x" })
  for _ in client:events() do error("an event of a client that is gone") end
end)

test("a shut down context ends its clients", function()
  local context = assert(eim.context())
  local options = { context = context, appKey = "org#app" }
  local a, b = assert(eim.client(options)), assert(eim.client(options))
  local request = assert(b:close())
  a:shutdown()
  same(a:state(), "CLOSED")
  same(b:state(), "OFFLINE")
  context:shutdown()
  same(b:state(), "CLOSED")
  fails(CLOSED, b:await(request))
  fails(CLOSED, context:poll())
end)

test("everything has a text", function()
  local context = assert(eim.context())
  local client = assert(eim.client{ context = context, appKey = "org#app" })
  contains(tostring(context), "eim.context")
  contains(tostring(client), "OFFLINE")
  local request = assert(client:close())
  contains(tostring(request), "close: under way")
  assert(client:await(request))
  contains(tostring(request), "close: done")
  contains(tostring(request.result), "result of request 1")
  contains(tostring(fails(INVALID, client:open{})), "EIM_E_INVALID (-1): open: ")
  same(tostring(eim.null), "null")
  contains(tostring(core.eim_lua_inbox()), "eim_lua_inbox")
  context:shutdown()
  contains(tostring(context), "closed")
end)

test("one result for each request, and callbacks get it", function()
  local client = assert(eim.client(offline))
  local results, called = {}, 0
  client:on("result", function(event) results[event.token] = (results[event.token] or 0) + 1 end)
  local requests = {}
  for i = 1, 1000 do requests[i] = assert(client:close(function() called = called + 1 end)) end
  for i = 1, 1000 do assert(client:await(requests[i])) end
  for i = 1, 1000 do same(results[requests[i].token], 1) end
  same(called, 1000)
  client:shutdown()
end)

test("the log level is set by name", function()
  fails(INVALID, eim.setLogLevel("loud"))
  check(eim.setLogLevel("error"))
  check(eim.setLogLevel("warn"))
end)

test("misuse of the raw module is an ordinary Lua error", function()
  local client = assert(eim.client(offline))
  for _, call in ipairs{
    function() core.eim_lua_take(nil, {}) end,
    function() core.eim_lua_take(core.eim_lua_inbox(), nil) end,
    function() core.eim_lua_poll(client, 1, 2, 3) end,
    function() core.eim_client_new(core.eim_lua_inbox(), nil) end,
    function() client._core:open_password() end,
  } do
    check(not pcall(call))
  end
  client:shutdown()
end)

harness.finish()
