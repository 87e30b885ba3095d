--- The little of OpenResty that push_gateway.lua uses: timers, ngx.sleep, one request after the other in a
--- coroutine each. For tests where OpenResty is not installed.
local eim = require "eim"

local Stub = {}
Stub.__index = Stub

function Stub.new()
  local self = setmetatable({ ERR = "error", logged = {}, threads = {} }, Stub)
  self.timer = { at = function(seconds, fn) self:run(seconds, fn) return true end }
  self.sleep = function(seconds) coroutine.yield(seconds) end
  self.log = function(_, ...) self.logged[#self.logged + 1] = table.concat({ ... }) end
  return self
end

function Stub:run(seconds, fn)
  self.threads[#self.threads + 1] = { thread = coroutine.create(fn), due = eim.now() + seconds }
end

--- Let whatever is due run.
function Stub:turn()
  local now, threads = eim.now(), self.threads
  self.threads = {}
  for _, entry in ipairs(threads) do
    if entry.due <= now then
      local ok, seconds = coroutine.resume(entry.thread)
      if not ok then error(seconds, 0) end
      entry.due = eim.now() + (seconds or 0)
    end
    if coroutine.status(entry.thread) ~= "dead" then self.threads[#self.threads + 1] = entry end
  end
end

--- A request to `gateway`; its answer is appended to `answers`.
function Stub:request(method, body, gateway, answers)
  local ngx = setmetatable({ status = 200 }, { __index = self })
  ngx.req = {
    get_method = function() return method end,
    read_body = function() end,
    get_body_data = function() return body ~= "" and body or nil end,
  }
  ngx.say = function(text) answers[#answers + 1] = { status = ngx.status, body = text } end
  self:run(0, function() gateway:handle(ngx) end)
end

return Stub
