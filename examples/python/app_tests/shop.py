"""An imaginary application: a shop that takes orders by chat. What its tests test."""

from __future__ import annotations

import eim

PRICES = {"tea": 3, "cake": 5}


class Shop:
    """Answers orders such as "2 tea", remembers what was paid, and tells the kitchen."""

    def __init__(self, client: eim.Client, kitchen: str) -> None:
        self.client, self.kitchen = client, kitchen
        self.sold: dict[str, int] = {}
        self.lines_lost = 0
        client.on("message", self.hear)
        client.on("reconnecting", self.line_lost)

    def line_lost(self, _: eim.StateChange) -> None:
        """The session comes back by itself; the shop only counts."""
        self.lines_lost += 1

    def hear(self, message: eim.Message) -> None:
        """One order. Handlers run on the client's thread and must not wait: hence _nowait."""
        count, _, article = (message.text or "").partition(" ")
        if not count.isdigit() or article not in PRICES:
            self.client.send_nowait(message.reply("Sorry? Say for example: 2 tea"))
            return
        total = int(count) * PRICES[article]
        self.sold[message.from_] = self.sold.get(message.from_, 0) + total
        order = {"article": article, "count": int(count)}
        self.client.send_nowait(eim.Custom(to=self.kitchen, event="order", values=order))
        self.client.send_nowait(message.reply(f"{message.text}: {total} coins", {"total": total}))
