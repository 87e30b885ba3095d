--- The tables that tell something: metatables of errors and of what handlers get. Not for applications.

local json = require "eim.json"

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
  result = { __name = "eim.Result" },
}
local data = lazy{ data = "json" }
function metas.result.__index(result, name)
  if name == "bytes" then return "" end
  return data(result, name)
end
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

return metas
