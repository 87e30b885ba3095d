--- ns per event. Run by scripts/test-lua.sh, or: lua bench.lua [events [messages]] with the environment of
--- tests/harness.lua.
local source = os.getenv("EIM_LUA_SOURCE") or "."
package.path = source .. "/?.lua;" .. source .. "/tests/?.lua;" .. package.path
local harness = require "harness"
local eim = require "eim"
local core = require "eim.core"

local events = tonumber(arg and arg[1]) or 200000
local messages = tonumber(arg and arg[2]) or 5000
local name = rawget(_G, "jit") and "LuaJIT" or _VERSION

local function line(what, count, seconds)
  print(("%-8s %-44s %8.0f ns/event %9.0f /s"):format(name, what, seconds * 1e9 / count, count / seconds))
end

-- Requests that end at once: each is one event. `deliver` empties the queue.
local function results(what, prepare, deliver)
  local client = assert(eim.client{ appKey = "org#app" })
  local seen, spent = 0, 0
  prepare(client, function() seen = seen + 1 end)
  while seen < events do
    for _ = 1, 200 do assert(client:close()) end
    local start = eim.now()
    while next(client._pending) do deliver(client) end
    spent = spent + eim.now() - start
  end
  line(what, seen, spent)
  client:shutdown()
end

results("result: loop, session, queue, poll, handler", function(client, count)
  client:on("result", count)
end, function(client) assert(client:poll(0)) end)

results("result: the same, by events()", function(client, count)
  client:on("result", count)
end, function(client) for _ in client:events(0) do end end)

-- Without Lua tables, for comparison: what C and the library take.
do
  local client = assert(eim.client{ appKey = "org#app" })
  local context = client:context()
  local seen, spent, token = 0, 0, 0
  while seen < events do
    for _ = 1, 200 do
      token = token + 1
      client._core:close(token)
    end
    local start = eim.now()
    repeat
      local n = core.eim_lua_poll(context._core, context._inbox, 0, 256)
      seen = seen + n
      context._inbox = core.eim_lua_inbox() -- drops them
    until n == 0
    spent = spent + eim.now() - start
  end
  line("result: without making tables", seen, spent)
  client:shutdown()
end

-- Whole messages, through the sandbox and back, in one process.
if os.getenv("EIM_SANDBOX_PROGRAM") and messages > 0 then
  local box = harness.sandbox("--user", "alice:secret", "--user", "bob:secret")
  local alice, bob = box:online("alice"), box:online("bob")
  local got, sent, text = 0, 0, ("x"):rep(100)
  bob:on("message", function() got = got + 1 end)
  local start = eim.now()
  while got < messages do
    while sent < messages and sent - got < 500 and alice:send{ to = "bob", text = text } do sent = sent + 1 end
    assert(alice:poll(0))
    assert(bob:poll(0))
  end
  line("message of 100 bytes: send, sandbox, receive", messages, eim.now() - start)
  alice:shutdown()
  bob:shutdown()
  box:stop()
end
