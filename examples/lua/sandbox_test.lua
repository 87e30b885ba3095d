--- How an application is tested without an account: against the sandbox, with its faults.
--- EIM_SANDBOX_PROGRAM names the program eim-sandbox. lua sandbox_test.lua
local eim = require "eim"

local program = os.getenv("EIM_SANDBOX_PROGRAM") or "eim-sandbox"
local pipe = assert(io.popen("exec '" .. program .. "' --user alice:secret --user bob:secret"))
local box = assert(eim.json.decode(pipe:read("*l"))) -- where everything is
local passed, failed = 0, 0

local function admin(path, body)
  local command = "curl -sS -m 10 -o /dev/null -X POST -H 'Content-Type: application/json' -d '%s' '%s%s'"
  os.execute(command:format(eim.json.encode(body), box.adminUrl, path))
end

local function client(user)
  local made = eim.assert(eim.client{ appKey = box.appKey, apiUrl = box.apiUrl, url = box.url, reconnectBaseMs = 1 })
  if user then eim.assert(made:await(made:open{ user = user, password = "secret" })) end
  return made
end

local function test(name, fn)
  local ok, err = pcall(fn)
  if ok then passed = passed + 1 else failed = failed + 1 end
  print((ok and "ok   " or "FAIL ") .. name .. (ok and "" or ": " .. tostring(err)))
end

test("a message arrives", function()
  local alice, bob = client("alice"), client("bob")
  eim.assert(alice:await(alice:send{ to = "bob", text = "hello" }))
  for event, name in bob:events(5) do
    if name == "message" then return assert(event.text == "hello") end
  end
  error("no message")
end)

test("a wrong password is told", function()
  local alice = client()
  local ok, err = alice:await(alice:open{ user = "alice", password = "wrong" })
  assert(not ok and err.name == "USER_AUTHENTICATION_FAILED", tostring(err))
end)

test("a cut line is restored", function()
  local alice = client("alice")
  admin("/cut", { user = "alice" })
  for _, name in alice:events(5) do
    assert(name ~= "disconnected")
    if name == "connected" then return end
  end
  error("not restored")
end)

test("a refused send is an error, and the session goes on", function()
  local alice = client("alice")
  admin("/fail", { what = "send", n = 1, how = "status", status = 19, text = "not allowed" })
  local ok, err = alice:await(alice:send{ to = "bob", text = "x" })
  assert(not ok and err.domain == "server", tostring(err))
  eim.assert(alice:await(alice:send{ to = "bob", text = "y" }))
end)

os.execute("kill " .. ("%d"):format(box.pid))
pipe:close()
print(("%d passed, %d failed"):format(passed, failed))
if failed > 0 then os.exit(1) end
