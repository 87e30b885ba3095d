--- A push gateway as OpenResty runs it: POST {"to", "text"} becomes a message; one client for each worker.
---
---   init_worker_by_lua_block { gateway = require("push_gateway").new(ngx, { appKey = … }, user, password) }
---   location /push { content_by_lua_block { gateway:handle(ngx) } }
---
--- A timer polls without ever waiting in C, and requests sleep (ngx.sleep) until their result is there, so the
--- worker serves others meanwhile. ngx_stub.lua is the little of OpenResty that is used, for tests without it.
local eim = require "eim"

local Gateway = {}
Gateway.__index = Gateway

function Gateway.new(ngx, options, user, password)
  options.pause = function() ngx.sleep(0.005) end -- for await: the timer below does the polling
  local self = setmetatable({ client = eim.assert(eim.client(options)) }, Gateway)
  self.client:on("disconnected", function(change)
    if change.cause then ngx.log(ngx.ERR, "session over: ", tostring(change.cause)) end
  end)
  local function tick()
    if self.stopped then
      self.client:shutdown()
      return
    end
    local ok, err = pcall(self.client.poll, self.client, 0)
    if not ok then ngx.log(ngx.ERR, tostring(err)) end
    ngx.timer.at(0.005, tick)
  end
  ngx.timer.at(0, tick)
  self.login = eim.assert(self.client:open{ user = user, password = password })
  return self
end

local function answer(ngx, status, body)
  ngx.status = status
  ngx.say(eim.json.encode(body))
end

function Gateway:handle(ngx)
  if ngx.req.get_method() ~= "POST" then return answer(ngx, 405, { error = "POST only" }) end
  ngx.req.read_body()
  local order, err = eim.json.decode(ngx.req.get_body_data() or "")
  if type(order) ~= "table" then return answer(ngx, 400, { error = err or "an object is needed" }) end
  local ok
  ok, err = self.client:await(self.login, 10)
  if ok then ok, err = self.client:await(self.client:send{ to = order.to, text = order.text, ext = order.ext }) end
  if ok then return answer(ngx, 200, { messageId = ok.messageId }) end
  answer(ngx, err.code == -1 and 400 or err.isRetriable and 503 or 502,
    { error = err.message, code = err.code, mayHaveHappened = err.mayHaveHappened })
end

function Gateway:stop()
  self.stopped = true
end

return Gateway
