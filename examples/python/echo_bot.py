"""An echo bot, blocking: answers every message with its text.

python echo_bot.py                     # against a local sandbox, with somebody to talk to
python echo_bot.py org#app bot         # the real service; EIM_PASSWORD holds the password
"""

from __future__ import annotations

import os
import sys

import eim


def serve(client: eim.Client, rounds: int | None = None) -> None:
    """Echo until the session ends, or so many messages."""
    for number, message in enumerate(client.messages(), 1):
        if message.text is not None:
            client.send(message.reply(message.text))
            print(f"{message.from_}: {message.text}")
        if number == rounds:
            return


def demo() -> None:
    """Everything on this machine: the service, the bot, and alice who talks to it."""
    with (
        eim.Sandbox(users={"bot": "secret", "alice": "secret"}) as sandbox,
        eim.Client(**sandbox.options()) as bot,
        eim.Client(**sandbox.options()) as alice,
    ):
        bot.open(user="bot", password="secret")
        alice.open(user="alice", password="secret")
        for text in ("hello", "how are you?", "😀"):
            alice.send(eim.Text(to="bot", text=text))
        serve(bot, rounds=3)
        answers = alice.messages()
        print("alice got", [next(answers).text for _ in range(3)])


def waiting(change: eim.StateChange) -> None:
    """The line is gone; the session looks after itself."""
    print("reconnecting:", change.cause)


def main() -> None:
    """Command line."""
    if len(sys.argv) < 3:
        demo()
        return
    with eim.Client(sys.argv[1]) as bot:
        bot.on("reconnecting", waiting)
        bot.open(user=sys.argv[2], password=os.environ["EIM_PASSWORD"])
        serve(bot)


if __name__ == "__main__":
    try:
        main()
    except KeyboardInterrupt:
        pass
    except eim.EimError as error:
        sys.exit(f"echo_bot: {error}")
