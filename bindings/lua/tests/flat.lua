--- A million events, and the memory of the process stays where it was.
local harness = require "harness"
local eim = require "eim"
local test, same, check = harness.test, harness.same, harness.check

local total = tonumber(os.getenv("EIM_LUA_EVENTS")) or 1000000

-- Resident memory in KiB.
local function resident()
  local file = assert(io.open("/proc/self/statm"))
  local pages = file:read("*l"):match("^%d+ (%d+)")
  file:close()
  return tonumber(pages) * 4
end

test(("%d events, flat memory"):format(total), function()
  local client = assert(eim.client{ appKey = "org#app" })
  local seen, finished = 0, 0
  client:on("result", function() seen = seen + 1 end)
  local function callback() finished = finished + 1 end
  local function run(count)
    local wanted = seen + count
    while seen < wanted do
      for _ = 1, math.min(200, wanted - seen) do assert(client:close(callback)) end
      while next(client._pending) do assert(client:poll(0)) end
    end
    collectgarbage()
    collectgarbage()
    return resident(), collectgarbage("count")
  end
  local start = eim.now()
  local resident_before, lua_before = run(total / 10)
  local resident_after, lua_after = run(total - total / 10)
  same(seen, total)
  same(finished, total)
  print(("  %s: %d events in %.1f s, resident %d -> %d KiB, Lua %.0f -> %.0f KiB"):format(
    rawget(_G, "jit") and jit.version or _VERSION, total, eim.now() - start, resident_before, resident_after, lua_before,
    lua_after))
  check(resident_after - resident_before < 2048, "the process grew")
  check(lua_after - lua_before < 64, "the Lua state grew")
  client:shutdown()
end)

test("clients made and dropped, flat memory", function()
  local many = math.max(math.floor(total / 100), 100)
  local context = assert(eim.context())
  local function own(count)
    for _ = 1, count do
      local client = assert(eim.client{ appKey = "org#app" })
      client:on("state", function() return client end)
    end
  end
  local function shared(count)
    for i = 1, count do
      local client = assert(eim.client{ appKey = "org#app", context = context })
      client:on("state", function() return client end)
      assert(client:close())
      if i % 50 == 0 then assert(context:poll(0)) end
    end
  end
  local function run()
    own(many / 10)
    shared(many)
    collectgarbage()
    collectgarbage()
    assert(context:poll(0))
    return resident()
  end
  run()
  local before = run()
  local after = run()
  check(after - before < 3072, ("the process grew by %d KiB"):format(after - before))
  context:shutdown()
end)

harness.finish()
