--- eim.Client and eim.Request: sessions, handlers, waiting. The calls to the server are in eim/calls.lua. Not for
--- applications, who say eim.client.

local core = require "eim.core"
local contexts = require "eim.context"
local errors = require "eim.errors"
local metas = require "eim.views"

local INVALID, CLOSED, TIMEOUT, AUTH = errors.INVALID, errors.CLOSED, errors.TIMEOUT, errors.AUTH
local failure, is_error, checked = errors.failure, errors.is_error, errors.checked
local unknown, arguments, text_argument = errors.unknown, errors.arguments, errors.text_argument
local Context, seconds, batch = contexts.Context, contexts.seconds, contexts.batch
local now, take = core.eim_lua_now, core.eim_lua_take
local huge = math.huge

local clients = {}

-- ---------------------------------------------------------------- requests

---@class eim.Request
---@field done boolean
---@field result? eim.Result
---@field error? eim.Error
local Request = { __name = "eim.Request" }
Request.__index = Request

function Request:__tostring()
  local state = not self.done and "under way" or self.error and tostring(self.error) or "done"
  return ("eim.request %s: %s"):format(self.verb, state)
end

--- As client:await(request).
---@param timeout? number
---@return eim.Result?
---@return eim.Error?
function Request:await(timeout)
  return self.client:await(self, timeout)
end

--- As client:cancel(request).
function Request:cancel()
  return self.client:cancel(self)
end

local function finish(client, request, result, err)
  client._pending[request.token] = nil
  request.done, request.result, request.error = true, not err and result or nil, err
end

-- ---------------------------------------------------------------- client

---@class eim.Client
local Client = { __name = "eim.Client" }
Client.__index = Client

function Client:__tostring()
  return ("eim.client (%s%s)"):format(self._user and self._user .. ", " or "", self:state())
end

local function option_text(value)
  local kind = type(value)
  if kind == "table" then
    local parts = {}
    for i, item in ipairs(value) do parts[i] = tostring(item) end
    return table.concat(parts, ",")
  end
  if kind == "number" then return value == math.floor(value) and ("%.0f"):format(value) or ("%.17g"):format(value) end
  if kind == "string" or kind == "boolean" then return tostring(value) end
end

local function config_of(options)
  local names = {}
  for name in pairs(options) do
    if type(name) ~= "string" then return nil, failure(INVALID, "eim.client: option %s has no name", tostring(name)) end
    if name ~= "context" and name ~= "pause" then names[#names + 1] = name end
  end
  table.sort(names)
  local _, config = core.eim_config_new()
  for _, name in ipairs(names) do
    local text = option_text(options[name])
    if not text or text:find("\0", 1, true) then
      return nil, failure(INVALID, "eim.client: option %s cannot be a %s", name, text and "string with a NUL"
        or type(options[name]))
    end
    local ok, err = checked(config:set(name, text))
    if not ok then return nil, err end
  end
  return config
end

--- A new client. Options are those of docs/configuration.md, and:
---   context   share the context of others (eim.context); without it the client has one of its own
---   pause     function(client, seconds): lets a scheduler go on while await waits (README.md)
---   ioThreads 0 unless set: all I/O happens inside poll
---@param options eim.Options
---@return eim.Client? client
---@return eim.Error? err
function clients.new(options)
  if type(options) ~= "table" then return nil, failure(INVALID, "eim.client: a table of options expected") end
  local context, pause = options.context, options.pause
  if context ~= nil and getmetatable(context) ~= Context then
    return nil, failure(INVALID, "eim.client: context must be made by eim.context")
  elseif pause ~= nil and type(pause) ~= "function" then
    return nil, failure(INVALID, "eim.client: pause must be a function")
  end
  local config, err = config_of(options)
  if not config then return nil, err end
  local own = not context
  if own then
    context, err = contexts.new{ ioThreads = tonumber(options.ioThreads) or 0 }
    if not context then return nil, err end
  end
  local status, made = core.eim_client_new(context._core, config)
  if not status then return checked(status, made) end
  local number = core.eim_lua_number()
  local ok
  ok, err = checked(core.eim_lua_attach(made, number))
  if not ok then return nil, err end
  local self = setmetatable({
    _core = made, _context = context, _own = own, _number = number, _pause = pause,
    _handlers = {}, _sets = {}, _pending = {}, _token = 0,
  }, Client)
  context._clients[number] = self
  return self
end

local events = {}
for name in ("state connected disconnected reconnecting tokenWillExpire tokenExpired tokenRequest error message "
  .. "receipt notice progress result"):gmatch("%a+") do
  events[name] = true
end

-- Its presence makes the client a token provider, so there is one only while it is wanted.
local function sync_provider(self)
  local wanted = self._provider ~= nil or self._handlers.tokenRequest ~= nil
  if wanted == (self._provides or false) then return true end
  local ok, err
  if wanted then
    ok, err = checked(core.eim_lua_attach_provider(self._core, self._number))
  else
    ok, err = checked(self._core:remove_event_handler("provider"))
  end
  if ok then self._provides = wanted end
  return ok, err
end

--- Call `handler(event, client)` for every event of this name (eim.EventName); several are called in
--- the order they were added. tokenRequest: answer by renewToken.
---@param name eim.EventName
---@param handler fun(event: table, client: eim.Client)
---@return eim.Client? self
---@return eim.Error? err
function Client:on(name, handler)
  if not events[name] then return nil, unknown("on", name, events) end
  if type(handler) ~= "function" then return nil, failure(INVALID, "on: a function expected, got %s", type(handler)) end
  -- A new list each time: one that is being walked stays as it is.
  local list = {}
  for i, former in ipairs(self._handlers[name] or {}) do list[i] = former end
  list[#list + 1] = handler
  self._handlers[name] = list
  if name == "tokenRequest" then
    local ok, err = sync_provider(self)
    if not ok then return nil, err end
  end
  return self
end

--- Remove a handler, all of one event, or all.
---@param name? eim.EventName
---@param handler? function
---@return eim.Client? self
---@return eim.Error? err
function Client:off(name, handler)
  if name == nil then
    self._handlers = {}
  elseif not events[name] then
    return nil, unknown("off", name, events)
  else
    local list = {}
    for _, former in ipairs(self._handlers[name] or {}) do
      if handler ~= nil and former ~= handler then list[#list + 1] = former end
    end
    self._handlers[name] = #list > 0 and list or nil
  end
  if not self._closed then
    local ok, err = sync_provider(self)
    if not ok then return nil, err end
  end
  return self
end

--- The handler sets of the official SDK: client:addEventHandler("ui", { onMessage = f, onConnected = g }).
--- The same id again replaces the set.
---@param id string
---@param handlers table<string, function>
---@return eim.Client? self
---@return eim.Error? err
function Client:addEventHandler(id, handlers)
  if type(handlers) ~= "table" then return nil, failure(INVALID, "addEventHandler: a table expected") end
  local set, known = {}, {}
  for name in pairs(events) do known["on" .. name:sub(1, 1):upper() .. name:sub(2)] = name end
  for name, handler in pairs(handlers) do
    if not known[name] then return nil, unknown("addEventHandler", name, known) end
    if type(handler) ~= "function" then return nil, failure(INVALID, "addEventHandler: %s must be a function", name) end
    set[known[name]] = function(...) return handler(...) end -- its own: the same one may be in two sets
  end
  self:removeEventHandler(id)
  self._sets[id] = set
  for name, handler in pairs(set) do
    local ok, err = self:on(name, handler)
    if not ok then return nil, err end
  end
  return self
end

--- Remove what addEventHandler added under this id.
---@param id string
---@return eim.Client? self
---@return eim.Error? err
function Client:removeEventHandler(id)
  local set = self._sets[id]
  if not set then return nil, failure(INVALID, "removeEventHandler: unknown id '%s'", tostring(id)) end
  self._sets[id] = nil
  for name, handler in pairs(set) do self:off(name, handler) end
  return self
end

-- Start a request: call(token) posts it.
function Client:_begin(verb, callback, call)
  if callback ~= nil and type(callback) ~= "function" then
    return nil, failure(INVALID, "%s: the callback must be a function, is a %s", verb, type(callback))
  end
  local token = self._token + 1
  local request = setmetatable({ verb = verb, token = token, client = self, callback = callback, done = false }, Request)
  self._token, self._pending[token] = token, request
  local ok, err = checked(call(token))
  if ok then return request end
  self._pending[token] = nil
  return nil, err
end

-- Ask the provider function. Token, or nil and an error.
local function provide(self, reason, event)
  local token, err = self._provider(reason, event)
  local wrong = text_argument("accessToken", token, true)
  if token and not wrong then return token end
  if is_error(err) then return nil, err end
  return nil, wrong or failure(AUTH, "accessToken: the provider has no token (%s)", tostring(err or "no reason given"))
end

--- Log in with a password, or with an access token, or with a function that returns one (or nil and
--- why not); it is asked again whenever a new one is needed. The result comes when the session is online.
---@param login { user: string, password?: string, accessToken?: string|fun(reason: string, event?: eim.TokenEvent): string?, any }
---@param callback? fun(result?: eim.Result, err?: eim.Error)
---@return eim.Request? request
---@return eim.Error? err
function Client:open(login, callback)
  local wrong = arguments("open", login, { user = "!string", password = "string", accessToken = "string|function" })
  if wrong then return nil, wrong end
  local token, user = login.accessToken, login.user
  if (token == nil) == (login.password == nil) then
    return nil, failure(INVALID, "open: one of password and accessToken is needed")
  end
  local former = self._provider
  self._provider = type(token) == "function" and token or nil
  local request, ok, err
  ok, err = sync_provider(self)
  if ok and self._provider then
    token, err = provide(self, "OPEN")
    ok = token ~= nil
  end
  if ok then
    request, err = self:_begin("open", callback, function(number)
      if login.password then return self._core:open_password(user, login.password, number) end
      return self._core:open_token(user, token, number)
    end)
  end
  if request then
    self._user = user
  else -- a session that is there keeps its provider
    self._provider = former
    if not self._closed then sync_provider(self) end
  end
  return request, err
end

--- Log out and stop reconnecting; the client may open again.
---@param callback? fun(result?: eim.Result, err?: eim.Error)
---@return eim.Request? request
---@return eim.Error? err
function Client:close(callback)
  return self:_begin("close", callback, function(token) return self._core:close(token) end)
end

--- A snapshot of the session: the result's data has state, last cause, counters, queue depths, token expiry
--- (docs/session.md).
---@param callback? fun(result?: eim.Result, err?: eim.Error)
---@return eim.Request? request
---@return eim.Error? err
function Client:health(callback)
  return self:_begin("health", callback, function(token) return self._core:health(token) end)
end

--- Create a user (apps in open registration). Needs no login.
---@param account { user: string, password: string, nickname?: string }
---@param callback? fun(result?: eim.Result, err?: eim.Error)
---@return eim.Request? request
---@return eim.Error? err
function Client:registerUser(account, callback)
  local wrong = arguments("registerUser", account, { user = "!string", password = "!string", nickname = "string" })
  if wrong then return nil, wrong end
  return self:_begin("registerUser", callback, function(token)
    return self._core:register_user(account.user, account.password, account.nickname, token)
  end)
end

--- Replace the access token of the session.
---@param accessToken string
---@param callback? fun(result?: eim.Result, err?: eim.Error)
---@return eim.Request? request
---@return eim.Error? err
function Client:renewToken(accessToken, callback)
  local wrong = text_argument("renewToken", accessToken)
  if wrong then return nil, wrong end
  return self:_begin("renewToken", callback, function(token) return self._core:renew_token(accessToken, token) end)
end

--- Give up a request: it ends with EIM_E_CANCELED unless it is over already.
---@param request eim.Request
---@return boolean? ok
---@return eim.Error? err
function Client:cancel(request)
  if getmetatable(request) ~= Request then return nil, failure(INVALID, "cancel: a request expected") end
  return checked(self._core:cancel(request.token))
end

--- Tell that the network of this machine went up or down.
---@param up boolean
---@return boolean? ok
---@return eim.Error? err
function Client:networkChanged(up)
  return checked(self._core:network_changed(up and true or false))
end

--- Text for the device that the next login pushes out; nil: none.
---@param text? string
---@return boolean? ok
---@return eim.Error? err
function Client:setLoginExt(text)
  local wrong = text_argument("setLoginExt", text, true)
  if wrong then return nil, wrong end
  return checked(self._core:set_login_ext(text))
end

local states = { [0] = "OFFLINE", "RESOLVING", "AUTHENTICATING", "CONNECTING", "PROVISIONING", "ONLINE", "WAITING",
  "CLOSED" }

--- State of the session just now.
---@return eim.State
function Client:state()
  return states[self._core:state()] or "OFFLINE"
end

--- The context of this client.
---@return eim.Context
function Client:context()
  return self._context
end

--- As Context:poll, for all clients of the context.
---@param timeout? number
---@param max? integer
---@return integer? count
---@return eim.Error? err
function Client:poll(timeout, max)
  return self._context:poll(timeout, max)
end

--- As Context:wait.
---@param timeout? number
---@return boolean? ready
---@return eim.Error? err
function Client:wait(timeout)
  return self._context:wait(timeout)
end

--- As Context:fd.
---@return integer? fd
---@return eim.Error? err
function Client:fd()
  return self._context:fd()
end

--- As Context:pending.
---@return integer
function Client:pending()
  return self._context:pending()
end

--- End the client. No handler is called any more; requests under way end with EIM_E_CLOSED. A context
--- of its own ends with it. Idempotent, also in a handler.
function Client:shutdown()
  if self._closed then return end
  self._core:shutdown()
  self:_end()
  if self._own then self._context:shutdown() end
end

-- The end of a client, however it came.
function Client:_end()
  if self._closed then return end
  self._closed = true
  self._context._clients[self._number] = nil
  local open = {}
  for _, request in pairs(self._pending) do open[#open + 1] = request end
  table.sort(open, function(a, b) return a.token < b.token end)
  local err = failure(CLOSED, "the client was shut down")
  for _, request in ipairs(open) do finish(self, request, nil, err) end
  for _, request in ipairs(open) do
    if request.callback then request.callback(nil, err) end
  end
  self._handlers, self._provider = {}, nil
end

-- One event of a client: requests first, so that handlers see them finished; then handlers.
function Client:_deliver(name, event)
  local request
  if name == "result" then
    request = self._pending[event.token]
    if request then finish(self, request, event, event.error) end
  elseif name == "tokenRequest" and self._provider then
    local token, err = provide(self, event.reason, event)
    if self._closed then return end
    if token then err = select(2, self:renewToken(token)) end
    -- Without a token the session goes on as long as its old one lives; tell why there is none.
    if err and not self._closed then
      err.event = "error"
      self:_deliver("error", err)
    end
  end
  local handlers = self._handlers[name]
  if handlers then
    for i = 1, #handlers do
      handlers[i](event, self)
      if self._closed then return end
    end
  end
  if request and request.callback then request.callback(request.result, request.error) end
end

--- The next event of this client, after its handlers were called; nil at the timeout or after shutdown.
---@param timeout? number seconds; default: without end
---@return table? event
---@return eim.EventName|eim.Error|nil name
function Client:next(timeout)
  local wait, wrong = seconds("next", timeout, huge)
  if not wait then return nil, wrong end
  local context, deadline = self._context, now() + wait
  while not self._closed do
    local number, name, event = take(context._inbox, metas)
    if number then
      local client = context._clients[number]
      if client then client:_deliver(name, event) end
      if client == self then return event, name end
    else
      local there, err = context:_fill(math.max(deadline - now(), 0), batch)
      if not there then return nil, err end
      if there == 0 then return nil end
    end
  end
end

--- for event, name in client:events(timeout) do … end: ends when nothing came for `timeout` seconds
--- (default: never) or the client was shut down. event.event is the name, too.
---@param timeout? number
---@return fun(): table?, eim.EventName?
function Client:events(timeout)
  return function()
    local event, name = self:next(timeout)
    if event then return event, name end
  end
end

--- Wait for the end of a request: its result, or nil and the error. Takes what the verbs return:
---   local result, err = client:await(client:open{ … })
--- While it waits, events are polled (their handlers run), or `pause` is called where one was given.
---@param request? eim.Request
---@param timeout? number|eim.Error seconds; a request that is late goes on
---@return eim.Result? result
---@return eim.Error? err
function Client:await(request, timeout)
  if request == nil and is_error(timeout) then return nil, timeout end
  if getmetatable(request) ~= Request then return nil, failure(INVALID, "await: a request expected") end
  local wait, wrong = seconds("await", timeout, huge)
  if not wait then return nil, wrong end
  local deadline, client = now() + wait, request.client
  while not request.done do
    local left = deadline - now()
    if left <= 0 then return nil, failure(TIMEOUT, "await: %s is still under way", request.verb) end
    local ok, err
    if client._pause then
      ok, err = client._pause(client, left)
    else
      ok, err = client:poll(left)
    end
    if ok == nil and is_error(err) and not request.done then return nil, err end
  end
  if request.error then return nil, request.error end
  return request.result
end

clients.Client = Client
return clients
