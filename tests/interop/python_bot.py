"""libeim's Python package as a bot with a command line: JSON lines in and out, for python.test.mjs.

    EIM_PASSWORD=pw python python_bot.py OPTIONS USER     (OPTIONS: JSON, as eim.aio.Client takes them)

It answers every text that begins with "echo ". In: {"call": "send", "kind": "Text", "args": {...}},
or another method of eim.aio.Client with its "args"; "message": the id of one that arrived, for
mark_read; "messages": ids of some for a Combine; "edits": the id of a sent one that becomes this.
Out: {"event": …} for what arrives, {"result": …} or {"error": …} for each command.
"""

import asyncio
import json
import os
import sys

import eim


def say(**line: object) -> None:
    print(json.dumps(line, ensure_ascii=False), flush=True)


async def command(client: eim.aio.Client, seen: dict[str, eim.Message], line: dict) -> object:
    call, args = line["call"], line.get("args", {})
    if "messages" in line:
        args["messages"] = [seen[id] for id in line["messages"]]
    if "edits" in line:
        return await client.edit(line["edits"], getattr(eim, line["kind"])(**args))
    if "kind" in line:
        return (await client.send(getattr(eim, line["kind"])(**args))).message_id
    if "message" in line:
        args["message"] = seen[line["message"]]
    answer = await getattr(client, call)(**args)
    if call == "download_combined":
        seen.update({message.id: message for message in answer})
        return [message.data for message in answer]
    return answer.body if isinstance(answer, eim.Response) else answer


async def obey(client: eim.aio.Client, seen: dict[str, eim.Message]) -> None:
    reader = asyncio.StreamReader()
    await asyncio.get_running_loop().connect_read_pipe(
        lambda: asyncio.StreamReaderProtocol(reader), sys.stdin
    )
    async for text in reader:
        try:
            say(result=await command(client, seen, json.loads(text)))
        except eim.EimError as error:
            say(error={"code": error.code, "name": error.name, "message": error.message})


async def main() -> None:
    seen: dict[str, eim.Message] = {}
    async with eim.aio.Client(**json.loads(sys.argv[1])) as client:
        client.on("receipt", lambda r: say(
            event=f"receipt {r.kind.name}", id=r.message_id, sender=r.from_, to=r.to, chat=r.chat_type.name,
            time=r.time, data=r.data))
        client.on("notice", lambda n: say(event=f"notice {n.name}", data=n.data))
        client.on("disconnected", lambda change: say(
            event="disconnected", code=change.cause.code if change.cause else 0))
        arriving = client.messages()
        await client.open(user=sys.argv[2], password=os.environ["EIM_PASSWORD"])
        say(event="online")
        asyncio.create_task(obey(client, seen))
        try:
            async for message in arriving:
                seen[message.id] = message
                say(event="message", message=message.data)
                if message.text and message.text.startswith("echo "):
                    await client.send(message.reply(message.text[5:], message.ext))
        except eim.KickedError:
            pass


asyncio.run(main())
