--- The smallest test runner that does: named tests, checks, a sandbox. Ends with "N passed, N failed".
--- Environment: EIM_LUA_SOURCE (bindings/lua), EIM_LUA_MODULE (folder with eim/core.so), EIM_SANDBOX_PROGRAM,
--- EIM_SCENARIOS.
local harness = { passed = 0, failed = 0 }

local source = os.getenv("EIM_LUA_SOURCE")
if source then package.path = source .. "/?.lua;" .. source .. "/tests/?.lua;" .. package.path end
if os.getenv("EIM_LUA_MODULE") then package.cpath = os.getenv("EIM_LUA_MODULE") .. "/?.so;" .. package.cpath end

local globals = {}
for name in pairs(_G) do globals[name] = true end

local eim = require "eim"
local json = require "eim.json"

local unpack = table.unpack or unpack
local sandboxes = {}

-- ---------------------------------------------------------------- checks

local function show(value)
  if type(value) == "string" then return ("%q"):format(value) end
  return tostring(value)
end

function harness.same(got, wanted, what)
  if got ~= wanted then
    error(("%sgot %s, wanted %s"):format(what and what .. ": " or "", show(got), show(wanted)), 2)
  end
end

function harness.check(value, what)
  if not value then error(what or "not true", 2) end
  return value
end

function harness.contains(text, part)
  if not tostring(text):find(part, 1, true) then error(("%s has no %s in it"):format(show(text), show(part)), 2) end
end

--- nil and an error of this code, please.
function harness.fails(code, value, err)
  if value ~= nil then error("it did not fail: " .. tostring(value), 2) end
  if not eim.isError(err) then error("no error object: " .. tostring(err), 2) end
  if err.code ~= code then error(("wanted error %s, got %s"):format(code, tostring(err)), 2) end
  return err
end

--- Poll until condition() holds.
function harness.until_true(context, condition, what, seconds)
  local deadline = eim.now() + (seconds or 30)
  while true do
    local value = condition()
    if value then return value end
    if eim.now() > deadline then error("not in time: " .. what, 2) end
    local ok, err = context:poll(0.1)
    if not ok then error(tostring(err), 2) end
  end
end

-- ---------------------------------------------------------------- sandbox

local Sandbox = {}
Sandbox.__index = Sandbox

local function shell_word(text)
  return "'" .. text:gsub("'", "'\\''") .. "'"
end

function harness.sandbox(...)
  local words = { "exec", shell_word(os.getenv("EIM_SANDBOX_PROGRAM") or "eim-sandbox") }
  for _, word in ipairs({ ... }) do words[#words + 1] = shell_word(word) end
  local pipe = assert(io.popen(table.concat(words, " "), "r"))
  local line = assert(pipe:read("*l"), "the sandbox does not start")
  local self = setmetatable(assert(json.decode(line)), Sandbox)
  self.pipe = pipe
  sandboxes[self] = true
  return self
end

function Sandbox:stop()
  if not sandboxes[self] then return end
  sandboxes[self] = nil
  os.execute(("kill %d"):format(self.pid))
  self.pipe:close()
end

local function http(arguments)
  local pipe = assert(io.popen("curl -sS -m 10 -w '\\n%{http_code}' " .. arguments, "r"))
  local text = pipe:read("*a")
  pipe:close()
  local body, status = text:match("^(.*)\n(%d+)$")
  if status ~= "200" then error(("admin: %s: %s"):format(arguments, text), 3) end
  return assert(json.decode(body))
end

function Sandbox:admin(path, body)
  return http(("-X POST -H 'Content-Type: application/json' -d %s %s"):format(
    shell_word(assert(json.encode(body or {}))), shell_word(self.adminUrl .. path)))
end

function Sandbox:get(path)
  return http(shell_word(self.adminUrl .. path))
end

function Sandbox:options(more)
  local options = { appKey = self.appKey, apiUrl = self.apiUrl, url = self.url }
  if self.caFile ~= json.null then options.caFile = self.caFile end
  for name, value in pairs(more or {}) do options[name] = value end
  return options
end

function Sandbox:client(more)
  return assert(eim.client(self:options(more)))
end

--- A client that is online.
function Sandbox:online(user, more)
  local client = self:client(more)
  assert(client:await(client:open{ user = user, password = "secret" }, 20))
  return client
end

-- ---------------------------------------------------------------- running

function harness.test(name, fn)
  local function where(err)
    return debug.traceback(type(err) == "string" and err or tostring(err), 2)
  end
  local ok, err = xpcall(fn, where)
  for box in pairs(sandboxes) do box:stop() end
  if ok then
    harness.passed = harness.passed + 1
  else
    harness.failed = harness.failed + 1
    print(("FAILED %s\n%s"):format(name, err))
  end
end

function harness.finish()
  harness.test("no global was made", function()
    for name in pairs(_G) do harness.check(globals[name], "a new global: " .. tostring(name)) end
  end)
  print(("%d passed, %d failed"):format(harness.passed, harness.failed))
  -- Close the state: what it held must go without a leak. Lua 5.1 does so only when the script returns.
  local code = harness.failed == 0 and harness.passed > 0 and 0 or 1
  if code ~= 0 or _VERSION ~= "Lua 5.1" or rawget(_G, "jit") then os.exit(code, true) end
end

harness.unpack = unpack
return harness
