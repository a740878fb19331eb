"""The first words of held messages, and whom they are for: what a list shows of each."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from gateway.intake.rebuild import rebuild
from gateway.store.protocol import Store
from gateway.store.records import MessageRow

OCTETS = 32 * 1024
"""So much of a body is looked at; its subject stands at its head."""
LETTERS = 140
BREATH = 4
"""Messages that are taken apart before the loop may turn to other work."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Excerpt:
    """What a list shows of one message. `words` are its subject, or how it begins."""

    sender: str = ""
    recipient: str = ""
    address: str = ""
    words: str = ""


NOTHING = Excerpt()

_ROWS = (
    "SELECT held.id, held.n, messages.id, messages.controller, messages.source, messages.sender,"
    " messages.channel, messages.class, messages.purpose, messages.campaign, messages.received_at,"
    " messages.meta, messages.reading, substr(bodies.content, 1, {octets})"
    " FROM (SELECT id, n, message_id FROM holds WHERE id IN ({marks}) LIMIT {most}) AS held"
    " JOIN messages ON messages.id = held.message_id"
    " LEFT JOIN bodies ON bodies.message_id = messages.id ORDER BY held.id"
)
"""Holds first, by themselves: where tables are spread over several nodes, they lie apart from messages."""


async def excerpts(store: Store, hold_ids: Sequence[str], octets: int = OCTETS) -> dict[str, Excerpt]:
    """Excerpts of the messages behind some holds, by hold id, in the order of the ids; without `octets` to
    look at, only whom they are for."""
    if not hold_ids:
        return {}
    marks = ", ".join("?" * len(hold_ids))
    rows = await store.few(_ROWS.format(octets=octets, marks=marks, most=len(hold_ids)), list(hold_ids))
    found = {}
    for number, row in enumerate(rows):
        if octets and number % BREATH == BREATH - 1:
            await asyncio.sleep(0)
        found[row[0]] = _excerpt(row[1], row[2:-1], bytes(row[-1] or b""))
    return found


def _excerpt(n: int, columns: tuple[Any, ...], body: bytes) -> Excerpt:
    row = MessageRow(*columns)
    try:
        message = rebuild(row, body)
    except Exception:  # noqa: BLE001 - half a body need not be readable; the hold's own page shows it whole
        message = rebuild(row, b"")
    recipient = message.recipients[n]
    words = message.content.subject or " ".join(message.content.text[:600].split())
    return Excerpt(
        sender=plain(message.sender.name or message.sender.address),
        recipient=plain(recipient.name or recipient.address),
        address=plain(recipient.address),
        words=shorten(plain(words)),
    )


def shorten(text: str) -> str:
    """The first words, as many as a list has room for."""
    return text if len(text) <= LETTERS else f"{text[:LETTERS].rpartition(' ')[0] or text[:LETTERS]}…"


def plain(text: str) -> str:
    """Text from outside on one line, without characters that do not show or that turn the writing round."""
    return "".join(c if c.isprintable() else " " for c in text[:1000]).strip()
