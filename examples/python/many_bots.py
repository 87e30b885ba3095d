"""A thousand bots in one process, on one event loop and one I/O thread.

They sit in a ring: each hands the message it gets to its neighbour, until it has been around.

    python many_bots.py [number]
"""

from __future__ import annotations

import asyncio
import resource
import sys
import time

import eim


class Bot:
    """One of them."""

    def __init__(self, number: int, count: int, client: eim.aio.Client) -> None:
        self.client = client
        self.next = f"bot{(number + 1) % count}"
        self.got: asyncio.Future[str] = asyncio.get_running_loop().create_future()
        self.first = number == 0
        client.on("message", self.received)

    async def received(self, message: eim.Message) -> None:
        """A message came: hand it on; the first one keeps it."""
        if not self.first:
            await self.client.send(eim.Text(to=self.next, text=message.text or ""))
        self.got.set_result(message.text or "")


async def main(count: int) -> None:
    """Log them all in, send one message around."""
    with eim.Sandbox() as sandbox:
        options = sandbox.options(login_timeout=60_000, request_timeout=60_000)
        gate = asyncio.Semaphore(50)  # logins at once

        async def begin(number: int) -> Bot:
            async with gate:
                bot = Bot(number, count, eim.aio.Client(**options))
                name = f"bot{number}"
                await bot.client.register_user(name, "secret")
                await bot.client.open(user=name, password="secret")
                return bot

        start = time.perf_counter()
        bots = await asyncio.gather(*(begin(number) for number in range(count)))
        online = time.perf_counter()
        await bots[0].client.send(eim.Text(to="bot1", text="around the world"))
        text = await bots[0].got
        around = time.perf_counter()
        memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
        print(f"{count} bots online after {online - start:.2f} s, {memory:.0f} MB")
        print(f"{text!r} went through all of them in {around - online:.2f} s")
        for bot in bots:
            bot.client.shutdown()


if __name__ == "__main__":
    asyncio.run(main(int(sys.argv[1]) if len(sys.argv) > 1 else 1000))
