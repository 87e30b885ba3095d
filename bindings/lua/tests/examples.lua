--- The examples, as they are, against the sandbox.
local harness = require "harness"
local eim = require "eim"
local test, check, contains, same = harness.test, harness.check, harness.contains, harness.same

local folder = assert(os.getenv("EIM_EXAMPLES"))
package.path = folder .. "/?.lua;" .. package.path
local users = { "--user", "alice:secret", "--user", "bob:secret" }

local function turn_until(what, condition, ...)
  local deadline = eim.now() + 10
  while not condition() do
    check(eim.now() < deadline, "not in time: " .. what)
    for _, step in ipairs{ ... } do step() end
  end
end

test("the echo bot echoes", function()
  local box = harness.sandbox(harness.unpack(users))
  local bot = assert(require("echo_bot").start(box:options(), "bob", "secret"))
  local alice, answer = box:online("alice"), nil
  alice:on("message", function(message) answer = message end)
  assert(alice:send{ to = "bob", text = "hello", ext = { n = 1 } })
  turn_until("the echo", function() return answer end, function() check(alice:poll(0.01)) end,
    function() check(bot:poll(0.01)) end)
  same(answer.text, "hello")
  same(answer.ext.n, 1)
  alice:shutdown()
  bot:shutdown()
  box:stop()
end)

test("the game talks while it draws", function()
  local box = harness.sandbox(harness.unpack(users))
  local game = require("game_chat").new(box:options(), "alice", "secret")
  local bob, heard, frames = box:online("bob"), nil, 0
  bob:on("message", function(message) heard = message.text end)
  local function frame()
    frames = frames + 1
    game:update(1 / 60)
    check(bob:poll(0.005))
  end
  turn_until("the login", function() return game.online end, frame)
  game:say("bob", "over here!")
  turn_until("bob", function() return heard end, frame)
  same(heard, "over here!")
  assert(bob:send{ to = "alice", text = "coming" })
  turn_until("the line on the screen", function() return game.lines[#game.lines] == "bob: coming" end, frame)
  check(frames > 3)
  game:quit()
  bob:shutdown()
  box:stop()
end)

test("coroutines wait for descriptors", function()
  local box = harness.sandbox(harness.unpack(users))
  local said = require("descriptors").run(box:options(), "alice", "bob", "secret")
  same(said, "bob got: hello from a coroutine")
  box:stop()
end)

test("the gateway pushes, and tells what went wrong", function()
  local box = harness.sandbox(harness.unpack(users))
  local ngx = require("ngx_stub").new()
  local gateway = require("push_gateway").new(ngx, box:options(), "alice", "secret")
  local bob, heard = box:online("bob"), nil
  bob:on("message", function(message) heard = message.text end)
  local answers = {}
  ngx:request("POST", '{"to":"bob","text":"your parcel is here"}', gateway, answers)
  ngx:request("POST", '{"to":"bob"}', gateway, answers)
  ngx:request("POST", "not json", gateway, answers)
  ngx:request("GET", "", gateway, answers)
  turn_until("four answers", function() return #answers == 4 and heard end, function() ngx:turn() end,
    function() check(bob:poll(0.005)) end)
  same(heard, "your parcel is here")
  local by_status = {}
  for _, answer in ipairs(answers) do by_status[answer.status] = (by_status[answer.status] or 0) + 1 end
  same(by_status[200], 1)
  same(by_status[400], 2)
  same(by_status[405], 1)
  for _, answer in ipairs(answers) do
    if answer.status == 200 then contains(answer.body, '"messageId":"') end
  end
  gateway:stop()
  ngx:turn()
  bob:shutdown()
  box:stop()
end)

test("the sandbox-driven test passes", function()
  local name = rawget(_G, "jit") and "luajit" or "lua" .. _VERSION:match("%d%.%d")
  local pipe = assert(io.popen(("cd %s && %s sandbox_test.lua 2>&1"):format(folder, name)))
  local text = pipe:read("*a")
  pipe:close()
  contains(text, "4 passed, 0 failed")
end)

harness.finish()
