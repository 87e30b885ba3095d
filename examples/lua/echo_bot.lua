--- Sends back what it is sent. EIM_PASSWORD=… lua echo_bot.lua ORG#APP USER
--- EIM_API_URL and EIM_URL name the hosts (of the sandbox, say); unset: discovered.
local eim = require "eim"
local bot = {}

function bot.start(options, user, password)
  local client, err = eim.client(options)
  if not client then return nil, err end
  client:on("message", function(message)
    if not message.text or message.chatType ~= "singleChat" then return end
    client:send({ to = message.from, text = message.text, ext = message.ext }, function(_, send_err)
      if send_err then print("not sent: " .. tostring(send_err)) end
    end)
  end)
  local ok
  ok, err = client:await(client:open{ user = user, password = password })
  if not ok then return nil, err end
  return client
end

if arg and arg[0] and arg[0]:find("echo_bot%.lua$") then
  local client = eim.assert(bot.start({ appKey = arg[1], apiUrl = os.getenv("EIM_API_URL"), url = os.getenv("EIM_URL") },
    arg[2], os.getenv("EIM_PASSWORD")))
  print("online: " .. tostring(client))
  for event, name in client:events() do
    if name ~= "result" then print(event) end
    if name == "disconnected" then break end
  end
end

return bot
