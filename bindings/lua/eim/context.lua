--- eim.Context: where the events of one or more clients are taken from the library. Not for applications, who
--- say eim.context.

local core = require "eim.core"
local errors = require "eim.errors"
local metas = require "eim.views"

local INVALID = errors.INVALID
local failure, checked, arguments = errors.failure, errors.checked, errors.arguments
local now, take = core.eim_lua_now, core.eim_lua_take
local huge = math.huge

-- A wait in C is at most this long, so that Ctrl-C (a debug hook of the interpreter) gets through.
local slice = 0.2
local batch = 256 -- EIM_LUA_BATCH

local contexts = {}

---@class eim.Context
local Context = { __name = "eim.Context" }
Context.__index = Context

function Context:__tostring()
  return self._closed and "eim.context (closed)" or ("eim.context (%d events wait)"):format(self:pending())
end

--- A context of its own, for several clients that are polled together: eim.client{ context = … }.
---@param options? { ioThreads?: integer }
---@return eim.Context? context
---@return eim.Error? err
function contexts.new(options)
  local wrong = arguments("eim.context", options or {}, { ioThreads = "number" })
  if wrong then return nil, wrong end
  local _, config = core.eim_config_new()
  local ok, err = checked(config:set("ioThreads", ("%d"):format(options and options.ioThreads or 0)))
  if not ok then return nil, err end
  local status, made = core.eim_context_new(config)
  if not status then
    -- Maybe out of descriptors, held by contexts that are garbage but small to Lua.
    collectgarbage()
    collectgarbage()
    status, made = core.eim_context_new(config)
  end
  if not status then return checked(status, made) end
  return setmetatable({
    _core = made,
    _inbox = core.eim_lua_inbox(),
    -- Weak: whoever drops a client wants it gone; the garbage collector logs it out.
    _clients = setmetatable({}, { __mode = "v" }),
  }, Context)
end

-- Have events in the inbox: how many, 0 at the timeout, or nil and an error.
function Context:_fill(timeout, max)
  local inbox = self._inbox
  local count = inbox:pending()
  if count > 0 then return count end
  local deadline = timeout > 0 and now() + timeout
  local left = timeout
  repeat
    local ms = left > 0 and math.ceil(math.min(left, slice) * 1000) or 0
    local status, err = core.eim_lua_poll(self._core, inbox, ms, max)
    if not status then return checked(status, err) end
    if status > 0 then return status end
    left = deadline and deadline - now() or 0
  until left <= 0
  return 0
end

-- A time that is an argument: seconds, or nil and an error.
function contexts.seconds(what, timeout, default)
  if timeout == nil then return default end
  if type(timeout) ~= "number" or timeout ~= timeout then
    return nil, failure(INVALID, "%s: seconds expected, got %s", what, tostring(timeout))
  end
  return timeout < 0 and huge or timeout
end

--- Wait for events up to `timeout` seconds and call their handlers, at most `max` events. Handlers run
--- here, as ordinary Lua: they may yield, and may poll or await themselves. An error in one leaves poll;
--- the events behind it keep their order and come with the next poll.
---@param timeout? number seconds; default 0, negative or math.huge: without end
---@param max? integer
---@return integer? count of events; nil and an error after shutdown
---@return eim.Error? err
function Context:poll(timeout, max)
  local wait, wrong = contexts.seconds("poll", timeout, 0)
  if not wait then return nil, wrong end
  max = type(max) == "number" and max > 0 and math.min(max, batch) or batch
  local there, err = self:_fill(wait, max)
  if not there then return nil, err end
  local clients, inbox, count = self._clients, self._inbox, 0
  for _ = 1, math.min(there, max) do
    local number, name, event = take(inbox, metas)
    if not number then break end -- a handler polled
    count = count + 1
    local client = clients[number]
    if client then client:_deliver(name, event) end
  end
  return count
end

--- Wait until there is something to poll, without delivering.
---@param timeout? number seconds; default: without end
---@return boolean? ready
---@return eim.Error? err
function Context:wait(timeout)
  local wait, wrong = contexts.seconds("wait", timeout, huge)
  if not wait then return nil, wrong end
  if self:pending() > 0 then return true end
  local deadline = now() + wait
  repeat
    local left = deadline - now()
    local status, err = self._core:wait(left > 0 and math.ceil(math.min(left, slice) * 1000) or 0)
    if not status then return checked(status, err) end
    if status > 0 then return true end
  until left <= 0
  return false
end

--- Descriptor for select, poll or epoll: readable when poll has something to do. Never read or close it.
--- After an error left poll, poll once more before waiting for it: see pending.
---@return integer? fd
---@return eim.Error? err
function Context:fd()
  local fd = self._core:fd()
  if fd >= 0 then return fd end
  return nil, failure(fd, "fd: the context has none")
end

--- Events that poll took from the library and has not delivered yet (after an error in a handler).
---@return integer
function Context:pending()
  return self._inbox:pending()
end

--- End all clients of the context and the context itself.
function Context:shutdown()
  if self._closed then return end
  self._closed = true
  local all = {}
  for _, client in pairs(self._clients) do all[#all + 1] = client end
  self._core:shutdown()
  for _, client in ipairs(all) do client:_end() end
end

contexts.Context, contexts.batch = Context, batch
return contexts
