--- JSON for ext tables and the bodies of events. Small, strict, and exact with integers:
--- on Lua 5.3 and newer they are integers; below, one beyond 2^53 is kept as a string of its digits.

---@class eim.json
local json = {}

--- Stands for null inside tables.
json.null = setmetatable({}, { __tostring = function() return "null" end, __name = "eim.json.null" })

local array_meta = { __name = "eim.json.array" }
local max_depth = 100
local floor, huge = math.floor, math.huge
local byte, char, find, format, gsub, match, sub =
  string.byte, string.char, string.find, string.format, string.gsub, string.match, string.sub
local to_integer, math_type = math.tointeger, math.type

--- Mark a table as an array, so that an empty one is written as [].
---@param t? table
---@return table
function json.array(t)
  return setmetatable(t or {}, array_meta)
end

-- ---------------------------------------------------------------- decode

local function fail(position, what)
  error({ json = ("%s at byte %d"):format(what, position) }, 0)
end

local function utf8_char(code)
  if code < 0x80 then return char(code) end
  if code < 0x800 then return char(0xC0 + floor(code / 64), 0x80 + code % 64) end
  if code < 0x10000 then
    return char(0xE0 + floor(code / 4096), 0x80 + floor(code / 64) % 64, 0x80 + code % 64)
  end
  return char(0xF0 + floor(code / 262144), 0x80 + floor(code / 4096) % 64,
    0x80 + floor(code / 64) % 64, 0x80 + code % 64)
end

local escapes = { ['"'] = '"', ["\\"] = "\\", ["/"] = "/", b = "\b", f = "\f", n = "\n", r = "\r", t = "\t" }

local function hex4(text, at)
  local digits = match(text, "^%x%x%x%x", at)
  return digits and tonumber(digits, 16) or fail(at, "four hexadecimal digits expected")
end

-- at: behind the opening quote. Returns the string and the position behind the closing one.
local function decode_string(text, at)
  local parts
  while true do
    local stop = find(text, '["\\%c]', at)
    if not stop then fail(#text + 1, "end inside a string") end
    local what = sub(text, stop, stop)
    if what == "\127" then -- a control character to Lua, an ordinary one to JSON
      parts = (parts or "") .. sub(text, at, stop)
      at = stop + 1
    elseif what == '"' then
      local rest = sub(text, at, stop - 1)
      return parts and parts .. rest or rest, stop + 1
    elseif what ~= "\\" then
      fail(stop, "control character in a string")
    else
      parts = (parts or "") .. sub(text, at, stop - 1)
      local letter = sub(text, stop + 1, stop + 1)
      at = stop + 2
      if letter == "u" then
        local code = hex4(text, at)
        at = at + 4
        if code >= 0xD800 and code < 0xDC00 and sub(text, at, at + 1) == "\\u" then
          local low = hex4(text, at + 2)
          if low >= 0xDC00 and low < 0xE000 then
            code = 0x10000 + (code - 0xD800) * 0x400 + (low - 0xDC00)
            at = at + 6
          end
        end
        if code >= 0xD800 and code < 0xE000 then code = 0xFFFD end -- half of a pair
        parts = parts .. utf8_char(code)
      else
        parts = parts .. (escapes[letter] or fail(stop, "unknown escape"))
      end
    end
  end
end

local function decode_number(text, at)
  local digits = match(text, "^-?%d+", at)
  if not digits or match(digits, "^-?0%d") then fail(at, "not a value") end
  local behind = at + #digits
  local tail = match(text, "^%.%d+[eE][+-]?%d+", behind) or match(text, "^%.%d+", behind)
    or match(text, "^[eE][+-]?%d+", behind)
  if tail then return tonumber(digits .. tail), behind + #tail end
  local value = tonumber(digits)
  if to_integer then
    if math_type(value) == "integer" then return value, behind end
    return digits, behind -- beyond 64 bits
  end
  if value >= 9007199254740992 or value <= -9007199254740992 then return digits, behind end
  return value + 0, behind
end

local decode_value

local function skip(text, at)
  return find(text, "[^ \t\r\n]", at) or #text + 1
end

local function decode_array(text, at, depth)
  local result, count = {}, 0
  at = skip(text, at)
  if byte(text, at) == 93 then return json.array(result), at + 1 end
  while true do
    count = count + 1
    result[count], at = decode_value(text, at, depth)
    at = skip(text, at)
    local c = byte(text, at)
    if c == 93 then return json.array(result), at + 1 end
    if c ~= 44 then fail(at, "',' or ']' expected") end
    at = skip(text, at + 1)
  end
end

local function decode_object(text, at, depth)
  local result, key = {}, nil
  at = skip(text, at)
  if byte(text, at) == 125 then return result, at + 1 end
  while true do
    if byte(text, at) ~= 34 then fail(at, "a name expected") end
    key, at = decode_string(text, at + 1)
    at = skip(text, at)
    if byte(text, at) ~= 58 then fail(at, "':' expected") end
    at = skip(text, at + 1)
    result[key], at = decode_value(text, at, depth)
    at = skip(text, at)
    local c = byte(text, at)
    if c == 125 then return result, at + 1 end
    if c ~= 44 then fail(at, "',' or '}' expected") end
    at = skip(text, at + 1)
  end
end

function decode_value(text, at, depth)
  local c = byte(text, at)
  if c == 34 then return decode_string(text, at + 1) end
  if c == 123 or c == 91 then
    if depth >= max_depth then fail(at, "nested too deeply") end
    if c == 123 then return decode_object(text, at + 1, depth + 1) end
    return decode_array(text, at + 1, depth + 1)
  end
  if find(text, "^true", at) then return true, at + 4 end
  if find(text, "^false", at) then return false, at + 5 end
  if find(text, "^null", at) then return json.null, at + 4 end
  return decode_number(text, at)
end

local function guarded(fn, ...)
  local ok, result = pcall(fn, ...)
  if ok then return result end
  if type(result) == "table" and result.json then return nil, "json: " .. result.json end
  return nil, "json: " .. tostring(result)
end

local function decode_whole(text)
  local value, at = decode_value(text, skip(text, 1), 0)
  at = skip(text, at)
  if at <= #text then fail(at, "something behind the value") end
  return value
end

--- The value of a JSON text, or nil and what is wrong with it.
---@param text string
---@return any value
---@return string? err
function json.decode(text)
  if type(text) ~= "string" then return nil, "json: a string expected, got " .. type(text) end
  return guarded(decode_whole, text)
end

-- ---------------------------------------------------------------- encode

local function wrong(what)
  error({ json = what }, 0)
end

local short = { ['"'] = '\\"', ["\\"] = "\\\\", ["\b"] = "\\b", ["\f"] = "\\f", ["\n"] = "\\n", ["\r"] = "\\r",
  ["\t"] = "\\t", ["\127"] = "\127" }
setmetatable(short, { __index = function(_, c) return format("\\u%04x", byte(c)) end })

local function encode_string(value)
  return '"' .. gsub(value, '[%c"\\]', short) .. '"'
end

local function encode_number(value)
  if value ~= value or value == huge or value == -huge then wrong("a number that JSON does not have") end
  if math_type then
    if math_type(value) == "integer" then return format("%d", value) end
  elseif value == floor(value) and value > -9007199254740992 and value < 9007199254740992 then
    return format("%.0f", value)
  end
  local text = format("%.15g", value)
  if tonumber(text) ~= value then text = format("%.17g", value) end
  text = gsub(text, ",", ".") -- some locales
  if math_type and not find(text, "[%.eE]") then text = text .. ".0" end
  return text
end

local function is_array(t)
  if getmetatable(t) == array_meta then return true end
  local count = #t
  if count == 0 then return false end
  local keys = 0
  for _ in pairs(t) do keys = keys + 1 end
  return keys == count
end

local encode_value

local function encode_table(t, depth)
  if depth >= max_depth then wrong("nested too deeply, or in itself") end
  local parts = {}
  if is_array(t) then
    for i = 1, #t do parts[i] = encode_value(t[i], depth + 1) end
    return "[" .. table.concat(parts, ",") .. "]"
  end
  local names = {}
  for name in pairs(t) do
    if type(name) ~= "string" then wrong("a table has names and other keys: " .. tostring(name)) end
    names[#names + 1] = name
  end
  table.sort(names)
  for i, name in ipairs(names) do
    parts[i] = encode_string(name) .. ":" .. encode_value(t[name], depth + 1)
  end
  return "{" .. table.concat(parts, ",") .. "}"
end

function encode_value(value, depth)
  local kind = type(value)
  if value == json.null then return "null" end
  if kind == "string" then return encode_string(value) end
  if kind == "number" then return encode_number(value) end
  if kind == "boolean" then return tostring(value) end
  if kind == "table" then return encode_table(value, depth) end
  return wrong("a " .. kind .. " has no form in JSON")
end

--- The JSON text of a value (names in order), or nil and what is wrong with it.
---@param value any
---@return string? text
---@return string? err
function json.encode(value)
  return guarded(encode_value, value, 0)
end

return json
