--- Errors made here, and the checks of arguments that make them. Not for applications.

local core = require "eim.core"
local metas = require "eim.views"

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

return {
  INVALID = INVALID, CLOSED = CLOSED, TIMEOUT = TIMEOUT, AUTH = AUTH,
  failure = failure, is_error = is_error, checked = checked, unknown = unknown, arguments = arguments,
  text_argument = text_argument,
}
