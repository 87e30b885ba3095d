"""A bot that answers piece by piece, as a language model does, with asyncio.

Each answer has a task of its own, so that a slow one holds up nobody else. The "model" is a
coroutine here; put yours in its place.

    python aio_bot.py                      # against a local sandbox
    python aio_bot.py org#app bot          # the real service; EIM_TOKEN holds an access token
"""

from __future__ import annotations

import asyncio
import os
import sys
from collections.abc import AsyncIterator

import eim


async def model(prompt: str) -> AsyncIterator[str]:
    """Stands for a language model: yields an answer word by word."""
    for word in f"You said: {prompt}".split():
        await asyncio.sleep(0.01)
        yield word


async def answer(client: eim.aio.Client, message: eim.Message) -> None:
    """Stream the answer: a message for each few words, the last one marked."""
    words: list[str] = []
    part = 0
    async for word in model(message.text or ""):
        words.append(word)
        if len(words) == 3:
            part += 1
            await client.send(message.reply(" ".join(words), {"part": part, "last": False}))
            words.clear()
    await client.send(message.reply(" ".join(words) or "…", {"part": part + 1, "last": True}))


async def serve(client: eim.aio.Client) -> None:
    """Answer everybody, until the session ends."""
    async with asyncio.TaskGroup() as answers:
        async for message in client.messages():
            if message.text is not None:
                answers.create_task(answer(client, message))


async def demo() -> None:
    """Everything on this machine: the service, the bot, and alice who talks to it."""
    with eim.Sandbox(users={"bot": "secret", "alice": "secret"}) as sandbox:
        options = sandbox.options()
        async with eim.aio.Client(**options) as bot, eim.aio.Client(**options) as alice:
            await bot.open(user="bot", access_token=sandbox.token("bot"))
            await alice.open(user="alice", password="secret")
            serving = asyncio.create_task(serve(bot))
            await alice.send(eim.Text(to="bot", text="tell me a story about ships"))
            async for message in alice.messages():
                print("bot:", message.text)
                if message.ext["last"]:
                    break
            await bot.close()
            await serving


async def main() -> None:
    """Command line."""
    if len(sys.argv) < 3:
        await demo()
        return
    async with eim.aio.Client(sys.argv[1]) as client:
        await client.open(user=sys.argv[2], access_token=os.environ["EIM_TOKEN"])
        await serve(client)


if __name__ == "__main__":
    try:
        asyncio.run(main())
    except KeyboardInterrupt:
        pass
    except eim.EimError as error:
        sys.exit(f"aio_bot: {error}")
