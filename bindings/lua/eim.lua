--- libeim for Lua 5.1 to 5.4 and LuaJIT: a client for the Easemob IM / Agora Chat service.
---
---   local eim = require "eim"
---   local client = eim.assert(eim.client{ appKey = "org#app" })
---   client:on("message", function(message) print(message.from, message.text) end)
---   eim.assert(client:await(client:open{ user = "alice", password = secret }))
---   while client:poll(1) do end
---
--- Whatever can fail returns nil and an error table (eim.Error). Times that are arguments are seconds,
--- options are as docs/configuration.md has them (milliseconds). README.md beside this file is the manual;
--- eim/types.lua describes events and options to the Lua language server.

local core = require "eim.core"
local errors = require "eim.errors"
local json = require "eim.json"
require "eim.calls"

---@class eim
local eim = {
  --- Version of the library, "0.1.0".
  version = core.eim_version_string(),
  json = json,
  --- null inside ext tables.
  null = json.null,
  client = require "eim.client".new,
  context = require "eim.context".new,
}

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
  return errors.checked(core.eim_log_set_level_name(tostring(level)))
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
  return errors.is_error(value)
end

-- The assert of 5.1 and 5.2 takes a text only and would complain of the error instead of throwing it.
local _, thrown = pcall(assert, nil, {})
local text_only = type(thrown) == "string"

--- Returns its arguments, or throws the error: itself where assert does that (5.3, 5.4, LuaJIT), its text on 5.1 and 5.2.
---@generic T
---@param value T?
---@param err? any
---@return T value
---@return any ...
function eim.assert(value, err, ...)
  if value then return value, err, ... end
  if err == nil then err = "assertion failed!" end
  error(text_only and tostring(err) or err, 0)
end

--- Seconds of a clock that never jumps.
---@return number
function eim.now()
  return core.eim_lua_now()
end

return eim
