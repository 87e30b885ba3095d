--- One state of host.c: gets a client going and returns in the middle, with everything still there.
local api_url, url, steps, io_threads, how = ...
package.path = os.getenv("EIM_LUA_SOURCE") .. "/?.lua;" .. package.path
package.cpath = os.getenv("EIM_LUA_MODULE") .. "/?.so;" .. package.cpath
local eim = require "eim"

local client = assert(eim.client{ appKey = "sandbox#demo", apiUrl = api_url, url = url, ioThreads = io_threads })
KEPT = client -- a global: alive when the state is closed
client:on("message", function() return client end)
assert(client:open{ user = "alice", password = "secret" })

if how == "in a handler" then
  -- The handler never comes back: an error leaves poll with events waiting behind it.
  client:on("state", function()
    steps = steps - 1
    if steps <= 0 then error("enough", 0) end
  end)
  for _ = 1, 50 do
    local ok, err = pcall(client.poll, client, 0.02)
    if not ok then
      assert(err == "enough", err)
      break
    end
    if client:state() == "ONLINE" then break end
  end
elseif how == "in a coroutine" then
  client:on("state", function() coroutine.yield("hangs") end)
  THREAD = coroutine.create(function()
    while true do client:poll(0.02) coroutine.yield("idle") end
  end)
  for _ = 1, steps do assert(coroutine.resume(THREAD)) end
else
  for _ = 1, steps do assert(client:poll(0.005)) end
  assert(client:close(function() return client end))
end
