--- Plays tests/scenarios: the list that all languages share (tests/scenarios/README.md).
local harness = require "harness"
local eim = require "eim"
local json = require "eim.json"

local folder = assert(os.getenv("EIM_SCENARIOS"))
local numbers = {
  reason = { WILL_EXPIRE = 1, EXPIRED = 2, REFUSED = 3 },
  kind = { sent = 1, delivered = 2, read = 3, channel = 4, recalled = 5 },
  domain = { ["local"] = 0, os = 1, tls = 2, http = 3, server = 4 },
}
local chats = { singleChat = "single", groupChat = "group", chatRoom = "room" }
local event_names = { "state", "connected", "disconnected", "reconnecting", "tokenWillExpire", "tokenExpired", "error",
  "message", "receipt", "notice", "progress", "result" }

local function snake(name)
  return (name:gsub("%u", function(c) return "_" .. c:lower() end))
end

local function error_fields(err, into)
  if not err then
    into.code, into.name, into.message, into.detail, into.mayHaveHappened = 0, "", "", {}, false
    return into
  end
  for _, name in ipairs{ "code", "name", "native", "isRetriable", "isFinal", "mayHaveHappened", "message", "webCode" } do
    into[name] = err[name]
  end
  into.detail, into.domain = err.detail, numbers.domain[err.domain]
  return into
end

-- The fields of an event as the README of the scenarios names them.
local function fields_of(name, event)
  local fields = {}
  for _, field in ipairs{ "state", "previous", "attempt", "nextRetryMs", "willRetry", "user", "resource", "expiresAt",
    "remainingMs", "deadlineMs", "id", "from", "to", "fromResource", "time", "type", "text", "ext", "body",
    "messageId", "localId", "done", "total" } do
    fields[field] = event[field]
  end
  fields.chatType = chats[event.chatType]
  if name == "error" then
    error_fields(event, fields)
  elseif name == "result" then
    error_fields(event.error, fields)
    fields.json = event.data
  elseif event.state then
    error_fields(event.cause, fields)
  elseif name == "notice" then
    fields.noticeName, fields.json = event.name, event.data
  elseif name == "receipt" then
    fields.kind, fields.json = numbers.kind[event.kind], event.data
  elseif event.reason then
    fields.reason = numbers.reason[event.reason]
  end
  return fields
end

-- ---------------------------------------------------------------- matching

local function equal(a, b)
  if type(a) ~= "table" or type(b) ~= "table" then return a == b end
  for name, value in pairs(a) do
    if not equal(value, b[name]) then return false end
  end
  for name in pairs(b) do
    if a[name] == nil then return false end
  end
  return true
end

local matches

local function has(value, members)
  if type(value) ~= "table" then return false end
  for name, wanted in pairs(members) do
    if not matches(value[name], wanted) then return false end
  end
  return true
end

local rules = {
  min = function(value, limit) return type(value) == "number" and value >= limit end,
  contains = function(value, part) return type(value) == "string" and value:find(part, 1, true) ~= nil end,
  ["not"] = function(value, other) return not equal(value, other) end,
  json = equal,
  has = has,
}

function matches(value, wanted)
  if type(wanted) ~= "table" or wanted == json.null then
    return value == wanted or (value == nil and wanted == json.null)
  end
  local rule, argument = next(wanted)
  if not rules[rule] then error("unknown rule in match: " .. tostring(rule)) end
  return rules[rule](value, argument)
end

local function all_match(fields, match)
  for name, wanted in pairs(match or {}) do
    if not matches(fields[name], wanted) then return false end
  end
  return true
end

-- A field by its name, "json.url" is a member of one.
local function inside(value, name)
  for part in name:gmatch("[^.]+") do value = value[part] end
  return value
end

-- ---------------------------------------------------------------- playing

local Player = {}
Player.__index = Player

-- Strings that begin with $ are variables.
function Player:value(value)
  if type(value) == "string" and value:sub(1, 1) == "$" then
    local known = self.variables[value:sub(2)]
    return known == nil and error("unknown variable " .. value) or known
  end
  if type(value) ~= "table" or value == json.null then return value end
  local copy = {}
  for name, item in pairs(value) do copy[name] = self:value(item) end
  return setmetatable(copy, getmetatable(value))
end

function Player:record(client, name, fields)
  client.events[#client.events + 1] = { name = name, fields = fields }
end

function Player:steps_new(step)
  local options = self.box:options{ context = self.context }
  for name, value in pairs(step.options or {}) do
    if value == json.null then value = nil end
    options[name] = value
  end
  local made, err = eim.client(options)
  if step.fails then return self:must_fail(made, err, step.fails) end
  local client = { made = assert(made, tostring(err)), events = {}, cursor = 0, requests = {}, names = {},
    results = {}, messages = {} }
  self.clients[step.new] = client
  for _, name in ipairs(event_names) do
    made:on(name, function(event)
      local fields = fields_of(name, event)
      if name == "result" then
        local request = client.names[event.token]
        if not request then return end -- nobody asked for it
        fields.request = request
        client.results[request] = (client.results[request] or 0) + 1
      end
      if name == "message" then client.messages[event.id] = event end
      self:record(client, snake(name), fields)
    end)
  end
end

function Player:must_fail(value, err, match)
  if value ~= nil then error("the call did not fail") end
  if not all_match(error_fields(err, {}), match) then error("another error: " .. tostring(err) .. " " .. err.detailJson) end
end

local function argument(value)
  if value == json.null then return nil end
  return value
end

local calls = {
  register_user = function(c, a) return c:registerUser{ user = a[1], password = a[2], nickname = argument(a[3]) } end,
  open_password = function(c, a) return c:open{ user = a[1], password = a[2] } end,
  open_token = function(c, a) return c:open{ user = a[1], accessToken = a[2] } end,
  close = function(c) return c:close() end,
  renew_token = function(c, a) return c:renewToken(a[1]) end,
  send_text = function(c, a) return c:send{ chatType = a[1], to = a[2], text = a[3], ext = argument(a[4]) } end,
  send = function(c, a) return c:send(a[1]) end,
  edit = function(c, a) return c:edit(a[1], a[2]) end,
  mark_read = function(c, a, client) return c:markRead(client.messages[a[1]], argument(a[2])) end,
  mark_channel_read = function(c, a) return c:markChannelRead{ chatType = a[1], to = a[2] } end,
  recall = function(c, a)
    return c:recall{ chatType = a[1], to = a[2], messageId = a[3], ext = argument(a[4]) }
  end,
  message_done = function(c, a, client) return c:messageDone(client.messages[a[1]]) end,
  join_room = function(c, a) return c:joinRoom{ room = a[1], ext = argument(a[2]), leaveOthers = argument(a[3]) } end,
  leave_room = function(c, a) return c:leaveRoom(a[1]) end,
  request = function(c, a)
    return c:request{ method = a[1], path = a[2], query = argument(a[3]), body = argument(a[4]) }
  end,
  upload = function(c, a) return c:upload{ path = a[1], filename = argument(a[2]) } end,
  download = function(c, a) return c:download{ url = a[1], path = a[2], secret = argument(a[3]) } end,
  health = function(c) return c:health() end,
  cancel = function(c, a, client) return c:cancel(client.requests[a[1]]) end,
  network_changed = function(c, a) return c:networkChanged(a[1]) end,
  set_login_ext = function(c, a) return c:setLoginExt(argument(a[1])) end,
  shutdown = function(c, _, client)
    client.was_shut_down = true
    c:shutdown()
    return true
  end,
}

function Player:steps_call(step)
  local client = assert(self.clients[step.client], "unknown client")
  local call = assert(calls[step.call], "unknown call")
  local value, err = call(client.made, step.args or {}, client)
  if step.fails then return self:must_fail(value, err, step.fails) end
  if value == nil then error("the call failed: " .. tostring(err)) end
  if step.as then
    client.requests[step.as] = value
    client.names[value.token] = step.as
  end
end

function Player:steps_provider(step)
  local client = self.clients[step.provider]
  assert(client.made:on("tokenRequest", function(event)
    self:record(client, "token_request", fields_of("tokenRequest", event))
  end))
end

function Player:steps_expect(step)
  local client = assert(self.clients[step.client], "unknown client")
  local at, seen = client.cursor, {}
  local fields = harness.until_true(self.context, function()
    while at < #client.events do
      at = at + 1
      local event = client.events[at]
      if event.name == step.expect and all_match(event.fields, step.match) then return event.fields end
      seen[#seen + 1] = event.name
    end
  end, ("%s %s; came: %s"):format(step.expect, json.encode(step.match or {}), table.concat(seen, " ")),
    (step.within or 10000) / 1000)
  client.cursor = at
  for variable, field in pairs(step.save or {}) do self.variables[variable] = inside(fields, field) end
end

function Player:steps_count(step)
  local count = 0
  for _, event in ipairs(self.clients[step.client].events) do
    if event.name == step.count and all_match(event.fields, step.match) then count = count + 1 end
  end
  harness.same(count, step.is, step.count)
end

function Player:steps_state(step)
  harness.same(self.clients[step.client].made:state(), step.state)
end

function Player:steps_write(step)
  local path = os.tmpname() -- makes the file
  self.files[#self.files + 1] = path
  if step.text then
    local file = assert(io.open(path, "w"))
    assert(file:write(step.text))
    file:close()
  else
    os.remove(path)
  end
  self.variables[step.write] = path
end

function Player:steps_read(step)
  local file = assert(io.open(step.read))
  harness.same(file:read("*a"), step.is, step.read)
  file:close()
end

function Player:steps_counter(step)
  harness.same(self.box:get("/counters")[step.counter], step.is, step.counter)
end

function Player:steps_admin(step)
  local answer = self.box:admin(step.admin, step.body)
  for variable, member in pairs(step.save or {}) do
    self.variables[variable] = harness.check(inside(answer, member), "no member " .. member)
  end
end

function Player:step(number, step)
  local known = self:value(step)
  for _, kind in ipairs{ "new", "provider", "call", "expect", "count", "state", "counter", "admin", "write", "read" } do
    if known[kind] ~= nil then
      local ok, err = pcall(self["steps_" .. kind], self, known)
      if not ok then error(("step %d %s: %s"):format(number, json.encode(step), tostring(err)), 0) end
      return
    end
  end
  error("a step of no known kind: " .. json.encode(step))
end

-- Every named request ends exactly once.
function Player:finish()
  for name, client in pairs(self.clients) do
    if not client.was_shut_down then
      harness.until_true(self.context, function()
        for request, made in pairs(client.requests) do
          if made ~= true and not client.results[request] then return false end
        end
        return true
      end, "a result for every request of " .. name)
    end
  end
  self.context:poll(0)
  for name, client in pairs(self.clients) do
    for request, count in pairs(client.results) do
      harness.same(count, 1, ("results of %s of client %s"):format(request, name))
    end
    client.made:shutdown()
  end
  self.context:shutdown()
end

local function play(scenario)
  local box = harness.sandbox(harness.unpack(scenario.sandbox or {}))
  local variables = {}
  for name, value in pairs(box) do variables[name] = value end
  local player = setmetatable({ box = box, variables = variables, clients = {}, files = {},
    context = assert(eim.context()) }, Player)
  for number, step in ipairs(scenario.steps) do player:step(number, step) end
  player:finish()
  for _, path in ipairs(player.files) do os.remove(path) end
end

local list = assert(io.popen("ls " .. folder .. "/*.json"))
local count = 0
for path in list:lines() do
  local file = assert(io.open(path))
  local all = assert(json.decode(file:read("*a")))
  file:close()
  for _, scenario in ipairs(all.scenarios) do
    count = count + 1
    harness.test("scenario " .. path:match("([^/]+)%.json$") .. " " .. scenario.name, function() play(scenario) end)
  end
end
list:close()
harness.test("there are scenarios", function() harness.check(count > 0) end)
harness.finish()
