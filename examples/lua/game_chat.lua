--- Chat in a game: everything happens inside update(), which a game calls for each frame anyway, and never
--- waits. In LÖVE: love.update = function(dt) chat:update(dt) end; in Defold: function update(self, dt) … end.
---
--- Conversations with the server are coroutines: `pause` gives the frame back while await waits.
local eim = require "eim"

local Game = {}
Game.__index = Game

function Game.new(options, user, password)
  options.pause = coroutine.yield
  local self = setmetatable({ lines = {}, online = false, tasks = {} }, Game)
  self.client = eim.assert(eim.client(options))
  self.client:on("message", function(message) self:show(message.from .. ": " .. (message.text or message.type)) end)
  self.client:on("connected", function() self.online = true end)
  self.client:on("reconnecting", function() self.online = false end)
  self.client:on("disconnected", function(change)
    self.online = false
    self:show("logged out" .. (change.cause and ": " .. change.cause.message or ""))
  end)
  self:start(function(client)
    local ok, err = client:await(client:open{ user = user, password = password })
    if not ok then self:show("no login: " .. err.message) end
  end)
  return self
end

function Game:start(task)
  self.tasks[#self.tasks + 1] = coroutine.create(task)
end

function Game:show(line)
  self.lines[#self.lines + 1] = line
end

function Game:say(to, text)
  self:show("me: " .. text)
  self:start(function(client)
    local ok, err = client:await(client:send{ to = to, text = text })
    if not ok then self:show("(not sent: " .. err.message .. ")") end
  end)
end

--- Once a frame. At most 50 events, so that a flood of messages does not stop the picture.
function Game:update()
  self.client:poll(0, 50)
  for i = #self.tasks, 1, -1 do
    local task = self.tasks[i]
    local ok, err = coroutine.resume(task, self.client)
    if not ok then self:show("error: " .. tostring(err)) end
    if coroutine.status(task) == "dead" then table.remove(self.tasks, i) end
  end
end

function Game:quit()
  self.client:shutdown()
end

return Game
