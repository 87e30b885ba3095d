--- Writes the options into eim/types.lua anew, behind the line "@class eim.Options" and its own fields.
--- Run as the tests are (scripts/test-lua.sh), when core/src/model/options.c has changed.
require "harness"
local eim = require "eim"

local path = assert(os.getenv("EIM_LUA_SOURCE")) .. "/eim/types.lua"
local file = assert(io.open(path))
local text = file:read("*a")
file:close()
local _, stop = assert(text:find("---@field pause[^\n]*\n"))
local kinds = { string = "string", bool = "boolean", int = "integer", float = "number", list = "string|string[]",
  enum = "string|integer" }
local lines = {}
for i, option in ipairs(eim.options()) do
  lines[i] = ("---@field %s%s %s %s%s"):format(option.name, option.name == "appKey" and "" or "?", kinds[option.type],
    option.range, option.unit ~= "" and " (" .. option.unit .. ")" or "")
end
file = assert(io.open(path, "w"))
file:write(text:sub(1, stop), table.concat(lines, "\n"), "\n")
file:close()
