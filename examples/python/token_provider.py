"""A session that outlives its tokens: the application is the token provider.

Your own server gives out tokens that live for minutes. Hand the function that asks for one to
open(): it is called for the login and again whenever the session wants a new one, long before the
old one ends. Here the sandbox plays your server, and its tokens live for 2 seconds.

    python token_provider.py
"""

from __future__ import annotations

import asyncio

import eim


async def main() -> None:
    """Stay online for three lives of a token."""
    with eim.Sandbox(users={"alice": "secret"}) as sandbox:
        asked = 0
        enough = asyncio.Event()

        async def get_token() -> str:
            """Stands for a request to your own server."""
            nonlocal asked
            asked += 1
            if asked == 4:
                enough.set()
            print(f"token number {asked}")
            return await asyncio.to_thread(sandbox.token, "alice", 2)

        options = sandbox.options(token_warning_lead_ms=0, token_warning_fraction=0.3)
        async with eim.aio.Client(**options) as client:

            @client.on("disconnected")
            def ended(change: eim.StateChange) -> None:
                print("ended:", change.cause or "by close()")

            await client.open(user="alice", access_token=get_token)
            async with asyncio.timeout(20):
                await enough.wait()
            print("still", client.state.name, "after", asked - 1, "lives of a token")


if __name__ == "__main__":
    asyncio.run(main())
