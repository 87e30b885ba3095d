--- libeim for Lua 5.1 to 5.4 and LuaJIT: a client for the Easemob IM / Agora Chat service.
---
---   local eim = require "eim"
---   local client = assert(eim.client{ appKey = "org#app" })
---   client:on("message", function(message) print(message.from, message.text) end)
---   assert(client:await(client:open{ user = "alice", password = secret }))
---   while client:poll(1) do end
---
--- Whatever can fail returns nil and an error table (eim.Error). Times that are arguments are seconds,
--- options are as docs/configuration.md has them (milliseconds). README.md beside this file is the manual;
--- eim/types.lua describes events and options to the Lua language server.

local core = require "eim.core"
local json = require "eim.json"

local now, take = core.eim_lua_now, core.eim_lua_take
local huge = math.huge

---@class eim
local eim = {
  --- Version of the library, "0.1.0".
  version = core.eim_version_string(),
  json = json,
  --- null inside ext tables.
  null = json.null,
}

-- A wait in C is at most this long, so that Ctrl-C (a debug hook of the interpreter) gets through.
local slice = 0.2
local batch = 256 -- EIM_LUA_BATCH

-- ---------------------------------------------------------------- tables that tell something

-- Fields that are JSON on the wire are decoded when they are first asked for.
local function lazy(fields)
  return function(self, name)
    local raw = rawget(self, fields[name] or false)
    if not raw then return nil end
    local value = json.decode(raw)
    rawset(self, name, value)
    return value
  end
end

local function quoted(text)
  text = text:gsub("%c", " ")
  return '"' .. (#text > 60 and text:sub(1, 57) .. "..." or text) .. '"'
end

local metas = {
  error = { __name = "eim.Error", __index = lazy{ detail = "detailJson" } },
  message = { __name = "eim.Message", __index = lazy{ ext = "extJson", body = "bodyJson" } },
  state = { __name = "eim.StateChange" },
  token = { __name = "eim.TokenEvent" },
  receipt = { __name = "eim.Receipt", __index = lazy{ data = "json" } },
  notice = { __name = "eim.Notice", __index = lazy{ data = "json" } },
  progress = { __name = "eim.Progress" },
  result = { __name = "eim.Result", __index = lazy{ data = "json" } },
}
function metas.error.__tostring(e)
  return ("%s (%s): %s"):format(e.name, tostring(e.code), e.message)
end
function metas.message.__tostring(m)
  return ("message %s from %s to %s: %s"):format(m.id, m.from, m.to, m.text and quoted(m.text) or m.type)
end
function metas.state.__tostring(s)
  local text = ("%s: %s -> %s"):format(s.event, s.previous, s.state)
  if s.attempt > 0 then text = ("%s, attempt %d"):format(text, s.attempt) end
  if s.willRetry and s.nextRetryMs > 0 then text = ("%s, next in %.0f ms"):format(text, s.nextRetryMs) end
  return s.cause and text .. ", because of " .. tostring(s.cause) or text
end
function metas.token.__tostring(t)
  return ("%s: %s, %.0f ms left"):format(t.event, t.reason, t.remainingMs)
end
function metas.receipt.__tostring(r)
  return ("receipt: message %s to %s was %s"):format(r.messageId, r.to, r.kind)
end
function metas.notice.__tostring(n)
  return ("notice %s: %s"):format(n.name, n.json)
end
function metas.progress.__tostring(p)
  return ("progress: %.0f of %.0f"):format(p.done, p.total)
end
function metas.result.__tostring(r)
  local what = r.error and tostring(r.error) or r.messageId ~= "" and "message " .. r.messageId or "ok"
  return ("result of request %.0f: %s"):format(r.token, what)
end

-- ---------------------------------------------------------------- errors made here

-- Numbers of eim/base.h.
local INVALID, CLOSED, TIMEOUT, AUTH = -1, -4, -6, -8

local function failure(code, what, ...)
  return setmetatable({
    code = code, name = core.eim_status_name(code), domain = "local", native = code, message = what:format(...),
    isRetriable = code == TIMEOUT, isFinal = false, mayHaveHappened = false, detailJson = "{}", webCode = -2,
  }, metas.error)
end

local function is_error(value)
  return type(value) == "table" and getmetatable(value) == metas.error
end

-- What a call of the core returned: true, or nil and the error.
local function checked(status, err)
  if status then return true end
  return nil, setmetatable(err, metas.error)
end

-- Levenshtein distance, for names people type.
local function distance(a, b)
  local row = {}
  for j = 0, #b do row[j] = j end
  for i = 1, #a do
    local corner = row[0]
    row[0] = i
    for j = 1, #b do
      local cost = a:byte(i) == b:byte(j) and 0 or 1
      corner, row[j] = row[j], math.min(row[j] + 1, row[j - 1] + 1, corner + cost)
    end
  end
  return row[#b]
end

local function unknown(what, name, known)
  if type(name) == "string" and #name <= 100 then
    local best, best_distance
    for candidate in pairs(known) do
      local d = distance(name:lower(), candidate:lower())
      if candidate:sub(1, 1):lower() ~= name:sub(1, 1):lower() then d = d + 0.5 end
      if not best or d < best_distance or (d == best_distance and candidate < best) then
        best, best_distance = candidate, d
      end
    end
    if best and best_distance <= math.max(2, #name / 3) then
      return failure(INVALID, "%s: unknown name '%s'; did you mean '%s'?", what, name, best)
    end
  end
  local names = {}
  for candidate in pairs(known) do names[#names + 1] = candidate end
  table.sort(names)
  return failure(INVALID, "%s: unknown name '%s'; known: %s", what, tostring(name), table.concat(names, ", "))
end

-- Check a table of arguments against { name = "type|type" }; "!" in front: required. nil: fine.
local function arguments(what, given, known)
  if type(given) ~= "table" then return failure(INVALID, "%s: a table expected, got %s", what, type(given)) end
  for name, value in pairs(given) do
    local kinds = known[name]
    if not kinds then return unknown(what, name, known) end
    if not kinds:find(type(value), 1, true) then
      return failure(INVALID, "%s: %s must be a %s, is a %s", what, name, kinds:gsub("!", ""):gsub("|", " or "),
        type(value))
    end
    if type(value) == "string" and value:find("\0", 1, true) then
      return failure(INVALID, "%s: %s has a NUL in it", what, name)
    end
  end
  for name, kinds in pairs(known) do
    if kinds:sub(1, 1) == "!" and given[name] == nil then return failure(INVALID, "%s: %s is missing", what, name) end
  end
end

local function text_argument(what, value, optional)
  if value == nil and optional then return end
  if type(value) ~= "string" then return failure(INVALID, "%s: a string expected, got %s", what, type(value)) end
  if value:find("\0", 1, true) then return failure(INVALID, "%s: a NUL in it", what) end
end

-- ---------------------------------------------------------------- context

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
function eim.context(options)
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
local function fill(self, timeout, max)
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

local function seconds(what, timeout, default)
  if timeout == nil then return default end
  if type(timeout) ~= "number" or timeout ~= timeout then
    return nil, failure(INVALID, "%s: seconds expected, got %s", what, tostring(timeout))
  end
  return timeout < 0 and huge or timeout
end

local deliver

--- Wait for events up to `timeout` seconds and call their handlers, at most `max` events. Handlers run
--- here, as ordinary Lua: they may yield, and may poll or await themselves. An error in one leaves poll;
--- the events behind it keep their order and come with the next poll.
---@param timeout? number seconds; default 0, negative or math.huge: without end
---@param max? integer
---@return integer? count of events; nil and an error after shutdown
---@return eim.Error? err
function Context:poll(timeout, max)
  local wait, wrong = seconds("poll", timeout, 0)
  if not wait then return nil, wrong end
  max = type(max) == "number" and max > 0 and math.min(max, batch) or batch
  local there, err = fill(self, wait, max)
  if not there then return nil, err end
  local clients, inbox, count = self._clients, self._inbox, 0
  for _ = 1, math.min(there, max) do
    local number, name, event = take(inbox, metas)
    if not number then break end -- a handler polled
    count = count + 1
    local client = clients[number]
    if client then deliver(client, name, event) end
  end
  return count
end

--- Wait until there is something to poll, without delivering.
---@param timeout? number seconds; default: without end
---@return boolean? ready
---@return eim.Error? err
function Context:wait(timeout)
  local wait, wrong = seconds("wait", timeout, huge)
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

local end_client

--- End all clients of the context and the context itself.
function Context:shutdown()
  if self._closed then return end
  self._closed = true
  local all = {}
  for _, client in pairs(self._clients) do all[#all + 1] = client end
  self._core:shutdown()
  for _, client in ipairs(all) do end_client(client) end
end

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
function eim.client(options)
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
    context, err = eim.context{ ioThreads = tonumber(options.ioThreads) or 0 }
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
local function begin(self, verb, callback, call)
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
    request, err = begin(self, "open", callback, function(number)
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
  return begin(self, "close", callback, function(token) return self._core:close(token) end)
end

--- A snapshot of the session: the result's data has state, last cause, counters, queue depths, token expiry
--- (docs/session.md).
---@param callback? fun(result?: eim.Result, err?: eim.Error)
---@return eim.Request? request
---@return eim.Error? err
function Client:health(callback)
  return begin(self, "health", callback, function(token) return self._core:health(token) end)
end

--- Create a user (apps in open registration). Needs no login.
---@param account { user: string, password: string, nickname?: string }
---@param callback? fun(result?: eim.Result, err?: eim.Error)
---@return eim.Request? request
---@return eim.Error? err
function Client:registerUser(account, callback)
  local wrong = arguments("registerUser", account, { user = "!string", password = "!string", nickname = "string" })
  if wrong then return nil, wrong end
  return begin(self, "registerUser", callback, function(token)
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
  return begin(self, "renewToken", callback, function(token) return self._core:renew_token(accessToken, token) end)
end

local chat_types = {
  singleChat = core.EIM_CHAT_SINGLE, groupChat = core.EIM_CHAT_GROUP, chatRoom = core.EIM_CHAT_ROOM,
  single = core.EIM_CHAT_SINGLE, group = core.EIM_CHAT_GROUP, room = core.EIM_CHAT_ROOM,
}
local chat_names = {
  [core.EIM_CHAT_SINGLE] = "singleChat", [core.EIM_CHAT_GROUP] = "groupChat", [core.EIM_CHAT_ROOM] = "chatRoom",
}

-- Fields of each type: docs/messages.md. `text` is another name of `msg`.
local fields = {
  to = "!string", type = "string", chatType = "string", ext = "table|string", text = "string", msg = "string",
  url = "string", secret = "string", filename = "string", file_length = "number", width = "number", height = "number",
  isGif = "boolean", length = "number", thumb = "string", thumb_secret = "string", lat = "number", lng = "number",
  addr = "string", buildingName = "string", action = "string", customEvent = "string", customExts = "table",
  title = "string", summary = "string", compatibleText = "string", combineLevel = "number",
  deliverOnlineOnly = "boolean", priority = "string", receiverList = "table", msgConfig = "table",
  isChatThread = "boolean",
}
local types = { txt = 1, img = 1, video = 1, loc = 1, audio = 1, file = 1, cmd = 1, custom = 1, combine = 1 }

-- The core's message, or nil and an error.
local function build(verb, message)
  local wrong = arguments(verb, message, fields)
  if wrong then return nil, wrong end
  local kind, ext = message.type or "txt", message.ext
  local chat_type = chat_types[message.chatType or "singleChat"]
  if not chat_type then return nil, unknown(verb .. ": chatType", message.chatType, chat_types) end
  if not types[kind] then return nil, unknown(verb .. ": type", kind, types) end
  local text = message.text or message.msg
  if kind == "txt" and not text then return nil, failure(INVALID, "%s: text is missing", verb) end
  if type(ext) == "table" then
    local why
    ext, why = json.encode(ext)
    if not ext then return nil, failure(INVALID, "%s: ext: %s", verb, why) end
  end
  local status, made
  local plain = kind == "txt"
  for name in pairs(message) do
    plain = plain and (name == "to" or name == "text" or name == "msg" or name == "ext" or name == "chatType"
      or name == "type")
  end
  if plain then
    status, made = core.eim_message_new_text(chat_type, message.to, text, ext)
  else
    local view = {}
    for name, value in pairs(message) do
      if name ~= "ext" and name ~= "text" then view[name] = value end
    end
    view.type, view.msg, view.chatType = kind, text, chat_names[chat_type]
    local encoded, why = json.encode(view)
    if not encoded then return nil, failure(INVALID, "%s: %s", verb, why) end
    if ext then encoded = encoded:sub(1, -2) .. ',"ext":' .. ext .. "}" end
    status, made = core.eim_message_from_json(encoded)
  end
  if not status then return checked(status, made) end
  return made
end

--- Send a message. type is "txt" (default), "img", "audio", "video", "file", "loc", "cmd", "custom" or
--- "combine", the other fields are as docs/messages.md has them (`text` is `msg`); chatType is "singleChat"
--- (default), "groupChat" or "chatRoom"; ext a table, or the text of a JSON object. The result has
--- messageId and time.
---@param message eim.Outgoing
---@param callback? fun(result?: eim.Result, err?: eim.Error)
---@return eim.Request? request
---@return eim.Error? err
function Client:send(message, callback)
  local made, err = build("send", message)
  if not made then return nil, err end
  return begin(self, "send", callback, function(token) return self._core:send(made, token) end)
end

local function received(verb, message)
  local handle = type(message) == "table" and getmetatable(message) == metas.message and rawget(message, "handle")
  if handle then return handle end
  return nil, failure(INVALID, "%s: a message that arrived is expected", verb)
end

--- The application is done with a message: with the option ackMode = "manual" only then the server may
--- forget it.
---@param message eim.Message
---@return boolean? ok
---@return eim.Error? err
function Client:messageDone(message)
  local handle, err = received("messageDone", message)
  if not handle then return nil, err end
  return checked(self._core:message_done(handle))
end

--- Tell the sender that a message was read. For a message of a group `content` goes along.
---@param message eim.Message
---@param content? string
---@param callback? fun(result?: eim.Result, err?: eim.Error)
---@return eim.Request? request
---@return eim.Error? err
function Client:markRead(message, content, callback)
  local handle, err = received("markRead", message)
  err = err or text_argument("markRead", content, true)
  if err then return nil, err end
  return begin(self, "markRead", callback, function(token) return self._core:send_read(handle, content, token) end)
end

--- Tell that the whole conversation with a user or group was read.
---@param channel { to: string, chatType?: eim.ChatType }
---@param callback? fun(result?: eim.Result, err?: eim.Error)
---@return eim.Request? request
---@return eim.Error? err
function Client:markChannelRead(channel, callback)
  local wrong = arguments("markChannelRead", channel, { to = "!string", chatType = "string" })
  if wrong then return nil, wrong end
  local chat_type = chat_types[channel.chatType or "singleChat"]
  if not chat_type then return nil, unknown("markChannelRead: chatType", channel.chatType, chat_types) end
  return begin(self, "markChannelRead", callback, function(token)
    return self._core:send_channel_read(chat_type, channel.to, token)
  end)
end

--- Withdraw a message that was sent. ext is text for those who received it.
---@param what { messageId: string, to: string, chatType?: eim.ChatType, ext?: string }
---@param callback? fun(result?: eim.Result, err?: eim.Error)
---@return eim.Request? request
---@return eim.Error? err
function Client:recall(what, callback)
  local wrong = arguments("recall", what,
    { messageId = "!string", to = "!string", chatType = "string", ext = "string" })
  if wrong then return nil, wrong end
  local chat_type = chat_types[what.chatType or "singleChat"]
  if not chat_type then return nil, unknown("recall: chatType", what.chatType, chat_types) end
  return begin(self, "recall", callback, function(token)
    return self._core:recall(chat_type, what.to, what.messageId, what.ext, token)
  end)
end

--- Replace a message that was sent.
---@param messageId string
---@param message eim.Outgoing
---@param callback? fun(result?: eim.Result, err?: eim.Error)
---@return eim.Request? request
---@return eim.Error? err
function Client:edit(messageId, message, callback)
  local wrong = text_argument("edit: messageId", messageId)
  if wrong then return nil, wrong end
  local made, err = build("edit", message)
  if not made then return nil, err end
  return begin(self, "edit", callback, function(token) return self._core:edit(messageId, made, token) end)
end

--- Enter a chat room. ext is text for its members; leaveOthers leaves all other rooms.
---@param room { room: string, ext?: string, leaveOthers?: boolean }
---@param callback? fun(result?: eim.Result, err?: eim.Error)
---@return eim.Request? request
---@return eim.Error? err
function Client:joinRoom(room, callback)
  local wrong = arguments("joinRoom", room, { room = "!string", ext = "string", leaveOthers = "boolean" })
  if wrong then return nil, wrong end
  return begin(self, "joinRoom", callback, function(token)
    return self._core:join_room(room.room, room.ext, room.leaveOthers or false, token)
  end)
end

--- Leave a chat room.
---@param room string
---@param callback? fun(result?: eim.Result, err?: eim.Error)
---@return eim.Request? request
---@return eim.Error? err
function Client:leaveRoom(room, callback)
  local wrong = text_argument("leaveRoom", room)
  if wrong then return nil, wrong end
  return begin(self, "leaveRoom", callback, function(token) return self._core:leave_room(room, token) end)
end

--- A REST call below /org/app with the session's token: method "GET", "POST", "PUT" or "DELETE"; body a
--- table, or JSON as text. The result's data is { status =, body = }. docs/rest.md
---@param call { method: string, path: string, query?: string, body?: table|string }
---@param callback? fun(result?: eim.Result, err?: eim.Error)
---@return eim.Request? request
---@return eim.Error? err
function Client:request(call, callback)
  local wrong = arguments("request", call,
    { method = "!string", path = "!string", query = "string", body = "table|string" })
  if wrong then return nil, wrong end
  local body, why = call.body, nil
  if type(body) == "table" then
    body, why = json.encode(body)
    if not body then return nil, failure(INVALID, "request: body: %s", why) end
  end
  return begin(self, "request", callback, function(token)
    return self._core:request(call.method, call.path, call.query, body, token)
  end)
end

--- Upload a file, streamed from the disk; "progress" events tell how far it is. The result's data has the
--- fields of an attachment: url, secret, filename, file_length.
---@param file { path: string, filename?: string, thumbnailWidth?: integer, thumbnailHeight?: integer }
---@param callback? fun(result?: eim.Result, err?: eim.Error)
---@return eim.Request? request
---@return eim.Error? err
function Client:upload(file, callback)
  local wrong = arguments("upload", file,
    { path = "!string", filename = "string", thumbnailWidth = "number", thumbnailHeight = "number" })
  if wrong then return nil, wrong end
  return begin(self, "upload", callback, function(token)
    return self._core:upload(file.path, file.filename, file.thumbnailWidth or 0, file.thumbnailHeight or 0, token)
  end)
end

--- Receive a file, for example message.body.url, into path, which is replaced when all of it is there; a
--- download that ended early is resumed. More than maxBytes (0: any) is refused. The result's data has
--- file_length.
---@param file { url: string, path: string, secret?: string, maxBytes?: integer, thumbnail?: boolean }
---@param callback? fun(result?: eim.Result, err?: eim.Error)
---@return eim.Request? request
---@return eim.Error? err
function Client:download(file, callback)
  local wrong = arguments("download", file,
    { url = "!string", path = "!string", secret = "string", maxBytes = "number", thumbnail = "boolean" })
  if wrong then return nil, wrong end
  return begin(self, "download", callback, function(token)
    return self._core:download(file.url, file.secret, file.path, file.maxBytes or 0, file.thumbnail or false, token)
  end)
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
  end_client(self)
  if self._own then self._context:shutdown() end
end

function end_client(self)
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
function deliver(self, name, event)
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
      deliver(self, "error", err)
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
      if client then deliver(client, name, event) end
      if client == self then return event, name end
    else
      local there, err = fill(context, math.max(deadline - now(), 0), batch)
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

-- ---------------------------------------------------------------- the rest

--- The table of options, as docs/configuration.md has it.
---@return { name: string, type: string, default?: string, range: string, unit: string, doc: string }[]
function eim.options()
  local list = {}
  for i = 0, core.eim_option_count() - 1 do
    list[i + 1] = {
      name = core.eim_option_name(i), type = core.eim_option_type(i), default = core.eim_option_default(i),
      range = core.eim_option_range(i), unit = core.eim_option_unit(i), doc = core.eim_option_doc(i),
    }
  end
  return list
end

--- Lowest level that is logged: "trace", "debug", "info", "warn", "error", "silent".
---@param level string|integer
---@return boolean? ok
---@return eim.Error? err
function eim.setLogLevel(level)
  return checked(core.eim_log_set_level_name(tostring(level)))
end

--- Log lines on stderr or not.
---@param visible boolean
function eim.setLogConsole(visible)
  core.eim_log_set_console(visible and true or false)
end

--- Is this an error of the library?
---@param value any
---@return boolean
function eim.isError(value)
  return is_error(value)
end

--- Seconds of a clock that never jumps.
---@return number
function eim.now()
  return now()
end

return eim
