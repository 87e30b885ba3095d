--- Messages to send: from the tables people write to those of the core. Not for applications.

local core = require "eim.core"
local errors = require "eim.errors"
local json = require "eim.json"
local metas = require "eim.views"

local INVALID = errors.INVALID
local failure, checked, unknown, arguments = errors.failure, errors.checked, errors.unknown, errors.arguments

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
  url = "string", path = "string", secret = "string", filename = "string", file_length = "number",
  width = "number", height = "number", isGif = "boolean", length = "number", thumb = "string", thumb_secret = "string", lat = "number", lng = "number",
  addr = "string", buildingName = "string", action = "string", customEvent = "string", customExts = "table",
  title = "string", summary = "string", compatibleText = "string", combineLevel = "number",
  messages = "table",
  deliverOnlineOnly = "boolean", priority = "string", receiverList = "table", msgConfig = "table",
  isChatThread = "boolean",
}
local types = { txt = 1, img = 1, video = 1, loc = 1, audio = 1, file = 1, cmd = 1, custom = 1, combine = 1 }

local build

-- What a combined message is made of, as JSON: messages that arrived, and new ones.
local function list_of(verb, messages)
  local views = {}
  for i, message in ipairs(messages) do
    local handle, err = getmetatable(message) == metas.message and rawget(message, "handle"), nil
    if not handle then handle, err = build(("%s: messages[%d]"):format(verb, i), message) end
    if not handle then return nil, err end
    views[i] = handle:to_json()
  end
  return "[" .. table.concat(views, ",") .. "]"
end

-- The core's message, or nil and an error.
function build(verb, message)
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
      if name ~= "ext" and name ~= "text" and name ~= "messages" then view[name] = value end
    end
    view.type, view.msg, view.chatType = kind, text, chat_names[chat_type]
    local encoded, why = json.encode(view)
    if not encoded then return nil, failure(INVALID, "%s: %s", verb, why) end
    if ext then encoded = encoded:sub(1, -2) .. ',"ext":' .. ext .. "}" end
    if message.messages then
      local list, err = list_of(verb, message.messages)
      if not list then return nil, err end
      encoded = encoded:sub(1, -2) .. ',"messages":' .. list .. "}"
    end
    status, made = core.eim_message_from_json(encoded)
  end
  if not status then return checked(status, made) end
  return made
end

return { build = build, chat_types = chat_types }
