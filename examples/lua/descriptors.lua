--- Coroutines that sleep on descriptors, as copas, cqueues, luv or an engine of one's own has them. What
--- belongs to libeim is `pause` below: wait for client:fd() in the scheduler's way, then poll without waiting.
---
---   copas     pause = function(client) copas.pause(0.01) client:poll(0) end
---   cqueues   pause = function(client, left)
---               cqueues.poll({ pollfd = client:fd(), events = "r" }, left) client:poll(0) end
---   luv       uv.new_poll(client:fd()):start("r", function() client:poll(0) end)   -- and pause = coroutine.yield
local eim = require "eim"

-- A scheduler of twenty lines: threads yield a client (its descriptor is what they wait for). Here, where
-- nothing but Lua is at hand, client:wait() stands for select(): it returns when the descriptor is readable.
local Scheduler = {}
Scheduler.__index = Scheduler

function Scheduler:spawn(fn)
  self.threads[#self.threads + 1] = { thread = coroutine.create(fn) }
end

function Scheduler:loop()
  while #self.threads > 0 do
    for i = #self.threads, 1, -1 do
      local entry = self.threads[i]
      if not entry.waits_for or entry.waits_for:wait(0.005) or eim.now() >= entry.deadline then
        local ok, client, seconds = coroutine.resume(entry.thread)
        if not ok then error(client, 0) end
        entry.waits_for, entry.deadline = client, eim.now() + math.min(seconds or 0, 3600)
        if coroutine.status(entry.thread) == "dead" then table.remove(self.threads, i) end
      end
    end
  end
end

local function pause(client, seconds)
  coroutine.yield(client, seconds) -- until client:fd() is readable
  client:poll(0)
end

local example = {}

function example.run(options, from, to, password)
  local scheduler, said = setmetatable({ threads = {} }, Scheduler), nil
  options.pause = pause
  scheduler:spawn(function()
    local client = eim.assert(eim.client(options))
    client:on("message", function(message) said = to .. " got: " .. message.text end)
    eim.assert(client:await(client:open{ user = to, password = password }))
    while not said do pause(client, 1) end
    eim.assert(client:await(client:close()))
    client:shutdown()
  end)
  scheduler:spawn(function()
    local client = eim.assert(eim.client(options))
    eim.assert(client:await(client:open{ user = from, password = password }))
    eim.assert(client:await(client:send{ to = to, text = "hello from a coroutine" }))
    client:shutdown()
  end)
  scheduler:loop()
  return said
end

return example
