--- What a client can ask of the server: methods of eim.Client (eim/client.lua). Not for applications.

local errors = require "eim.errors"
local json = require "eim.json"
local metas = require "eim.views"
local outgoing = require "eim.outgoing"
local Client = require "eim.client".Client

local INVALID = errors.INVALID
local failure, checked = errors.failure, errors.checked
local unknown, arguments, text_argument = errors.unknown, errors.arguments, errors.text_argument
local build, chat_types = outgoing.build, outgoing.chat_types

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
  return self:_begin("send", callback, function(token) return self._core:send(made, token) end)
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
  return self:_begin("markRead", callback, function(token) return self._core:send_read(handle, content, token) end)
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
  return self:_begin("markChannelRead", callback, function(token)
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
  return self:_begin("recall", callback, function(token)
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
  return self:_begin("edit", callback, function(token) return self._core:edit(messageId, made, token) end)
end

--- Enter a chat room. ext is text for its members; leaveOthers leaves all other rooms.
---@param room { room: string, ext?: string, leaveOthers?: boolean }
---@param callback? fun(result?: eim.Result, err?: eim.Error)
---@return eim.Request? request
---@return eim.Error? err
function Client:joinRoom(room, callback)
  local wrong = arguments("joinRoom", room, { room = "!string", ext = "string", leaveOthers = "boolean" })
  if wrong then return nil, wrong end
  return self:_begin("joinRoom", callback, function(token)
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
  return self:_begin("leaveRoom", callback, function(token) return self._core:leave_room(room, token) end)
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
  return self:_begin("request", callback, function(token)
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
  return self:_begin("upload", callback, function(token)
    return self._core:upload(file.path, file.filename, file.thumbnailWidth or 0, file.thumbnailHeight or 0, token)
  end)
end

--- Receive a file, for example message.body.url, into path, which is replaced when all of it is there; a
--- download that ended early is resumed. Without path into memory: the result's bytes. More than maxBytes
--- (0: any, in memory 16 MiB) is refused. The result's data has file_length.
---@param file { url: string, path?: string, secret?: string, maxBytes?: integer, thumbnail?: boolean }
---@param callback? fun(result?: eim.Result, err?: eim.Error)
---@return eim.Request? request
---@return eim.Error? err
function Client:download(file, callback)
  local wrong = arguments("download", file,
    { url = "!string", path = "string", secret = "string", maxBytes = "number", thumbnail = "boolean" })
  if wrong then return nil, wrong end
  return self:_begin("download", callback, function(token)
    return self._core:download(file.url, file.secret, file.path, file.maxBytes or 0, file.thumbnail or false, token)
  end)
end

--- The messages in a combined (forwarded) message, as whoever combined them tells them: the result's
--- messages. Combined ones among them are unfolded by another call.
---@param message eim.Message
---@param callback? fun(result?: eim.Result, err?: eim.Error)
---@return eim.Request? request
---@return eim.Error? err
function Client:downloadCombined(message, callback)
  local handle, err = received("downloadCombined", message)
  if not handle then return nil, err end
  return self:_begin("downloadCombined", callback, function(token)
    return self._core:download_combined(handle, token)
  end)
end

return Client
