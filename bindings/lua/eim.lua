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

--- Seconds of a clock that never jumps.
---@return number
function eim.now()
  return core.eim_lua_now()
end

return eim
