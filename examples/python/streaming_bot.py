"""A bot in front of a language model: it answers while the model is still writing.

The model is anything that speaks the usual streaming chat completions over HTTP (server-sent
events). Each conversation has a task of its own and remembers what was said; a new word of the
user, or "stop", ends the answer under way; "typing" is shown meanwhile, as a command message.

    python streaming_bot.py                # sandbox, a fake model and a user, all on this machine
    python streaming_bot.py org#app bot    # the real service; EIM_TOKEN holds an access token,
                                           # MODEL_URL is like http://127.0.0.1:8000/v1
"""

from __future__ import annotations

import asyncio
import json
import os
import sys
import urllib.parse
from collections.abc import AsyncIterator
from typing import Any

import eim

PIECE = 40  # characters, after which an answer is cut at the end of a sentence or line
Chat = list[dict[str, str]]


async def ask(url: str, chat: Chat) -> AsyncIterator[str]:
    """What the model says, token by token. Plain HTTP: put your client library in its place."""
    place = urllib.parse.urlsplit(url)
    body = json.dumps({"model": "any", "stream": True, "messages": chat}).encode()
    head = (
        f"POST {place.path}/chat/completions HTTP/1.1\r\nHost: {place.netloc}\r\n"
        "Content-Type: application/json\r\nConnection: close\r\n"
        f"Content-Length: {len(body)}\r\n\r\n"
    )
    reader, writer = await asyncio.open_connection(place.hostname, place.port or 80)
    try:
        writer.write(head.encode() + body)
        status = (await reader.readline()).split(maxsplit=2)
        if status[1:2] != [b"200"]:
            raise RuntimeError(f"the model answered {status}")
        async for line in reader:
            data = line.decode().strip().removeprefix("data: ")
            if not line.startswith(b"data: ") or data == "[DONE]":
                continue
            token = json.loads(data)["choices"][0]["delta"].get("content")
            if token:
                yield token
    finally:
        writer.close()  # of an answer that is given up, the model hears by this


class Conversation:
    """What one user and the bot have said, and the answer under way."""

    def __init__(self, client: eim.aio.Client, user: str, model_url: str) -> None:
        self.client, self.user, self.model_url = client, user, model_url
        self.chat: Chat = []
        self.answering: asyncio.Task[None] | None = None

    async def hear(self, message: eim.Message) -> None:
        """A new word of the user ends the answer to the one before."""
        if self.answering is not None:
            self.answering.cancel()
            await asyncio.wait([self.answering])
        if message.text == "stop":
            await self.client.send(message.reply("All right."))
            return
        self.chat.append({"role": "user", "content": message.text or ""})
        self.answering = asyncio.create_task(self.answer(message))

    async def answer(self, message: eim.Message) -> None:
        """Sends the answer in pieces that a person would send, the last one marked."""
        said = piece = ""
        part = 0
        try:
            await self.client.send(eim.Command(to=self.user, action="typing"))
            async for token in ask(self.model_url, self.chat):
                piece += token
                if len(piece) >= PIECE and piece.rstrip().endswith((".", "!", "?", "\n")):
                    part += 1
                    said += piece
                    await self.client.send(message.reply(piece.strip(), {"part": part}))
                    piece = ""
            said += piece
            last = {"part": part + 1, "last": 1}
            await self.client.send(message.reply(piece.strip() or "…", last))
        except (OSError, RuntimeError) as error:
            await self.client.send(message.reply(f"I cannot think just now ({error})."))
        finally:  # an answer that was cut short was said as far as it went
            self.chat.append({"role": "assistant", "content": said})


async def serve(client: eim.aio.Client, model_url: str) -> None:
    """Answer everybody, until the session ends."""
    conversations: dict[str, Conversation] = {}
    async for message in client.messages():
        if message.text is not None and message.chat_type is eim.ChatType.SINGLE:
            user = message.from_
            if user not in conversations:
                conversations[user] = Conversation(client, user, model_url)
            await conversations[user].hear(message)
    for conversation in conversations.values():
        if conversation.answering is not None:
            conversation.answering.cancel()


# ------------------------------------------------------------------ everything on this machine


async def fake_model(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """A language model that is not clever, behind the interface of those that are."""
    head = await reader.readuntil(b"\r\n\r\n")
    length = int(head.lower().split(b"content-length:")[1].split()[0])
    chat: Chat = json.loads(await reader.readexactly(length))["messages"]
    questions = [turn["content"] for turn in chat if turn["role"] == "user"]
    text = f"This is question {len(questions)}, it was: {questions[-1]}. "
    text += "Ships are older than wheels. The first were hollow trees! " * 3 + "That is all."
    writer.write(b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n\r\n")
    try:
        for word in text.split(" "):
            event: dict[str, Any] = {"choices": [{"delta": {"content": word + " "}}]}
            writer.write(f"data: {json.dumps(event)}\n\n".encode())
            await writer.drain()
        writer.write(b"data: [DONE]\n\n")
        await writer.drain()
    except ConnectionError:
        pass  # whoever asked has heard enough
    finally:
        writer.close()


async def demo() -> None:
    """The service, the model, the bot, and alice who talks to it."""
    model = await asyncio.start_server(fake_model, "127.0.0.1", 0)
    model_url = f"http://127.0.0.1:{model.sockets[0].getsockname()[1]}/v1"
    with eim.Sandbox(users={"bot": "secret", "alice": "secret"}) as sandbox:
        options = sandbox.options()
        async with eim.aio.Client(**options) as bot, eim.aio.Client(**options) as alice:
            await bot.open(user="bot", access_token=sandbox.token("bot"))
            await alice.open(user="alice", password="secret")
            serving = asyncio.create_task(serve(bot, model_url))
            questions = ["tell me of ships", "and of wheels"]
            print("alice:", questions[0])
            await alice.send(eim.Text(to="bot", text=questions.pop(0)))
            async for message in alice.messages():
                if message.text is None:
                    print("bot:", message.data["action"], "…")
                    continue
                print("bot:", message.text)
                if "last" in message.ext:
                    if not questions:
                        break
                    print("alice:", questions[0])
                    await alice.send(eim.Text(to="bot", text=questions.pop(0)))
            await bot.close()
            await serving
    model.close()


async def main() -> None:
    """Command line."""
    if len(sys.argv) < 3:
        await demo()
        return
    async with eim.aio.Client(sys.argv[1]) as client:
        await client.open(user=sys.argv[2], access_token=os.environ["EIM_TOKEN"])
        await serve(client, os.environ["MODEL_URL"])


if __name__ == "__main__":
    try:
        asyncio.run(main())
    except KeyboardInterrupt:
        pass
    except eim.EimError as error:
        sys.exit(f"streaming_bot: {error}")
