--- Runs host.c's program against a sandbox.
local harness = require "harness"
harness.test("states closed in the middle, on one thread and on three", function()
  local box = harness.sandbox("--user", "alice:secret")
  local pipe = assert(io.popen(("%s %s/tests/host_work.lua %s %s 2>&1"):format(os.getenv("EIM_LUA_HOST"),
    os.getenv("EIM_LUA_SOURCE"), box.apiUrl, box.url)))
  local text = pipe:read("*a")
  pipe:close()
  local last = text:match("([^\n]*)\n$") or ""
  if not last:match("^96 passed, 0 failed$") then error("host: " .. text) end
  box:stop()
end)
harness.finish()
