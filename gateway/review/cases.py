"""Holds made ready to be decided again, many at a time: three reads for all of them, each message taken
apart once, and its reading as it was stored wherever reading it again would say the same."""

import asyncio
from collections.abc import Sequence

import orjson
from msgspec.structs import replace

from gateway.access import Access
from gateway.intake.held import held_key, kept_reading
from gateway.intake.letterhead import Letterhead
from gateway.intake.person_facts import alias_refs
from gateway.intake.rebuild import controller_of, rebuild, source_of
from gateway.keys import Keys
from gateway.message.envelope import Message
from gateway.policy.live import LivePolicies
from gateway.policy.outcome import Outcome
from gateway.reading.read import Reader
from gateway.reading.reading import Reading
from gateway.review.deciding import Case
from gateway.store.protocol import Store
from gateway.store.records import HoldRow, MessageRow

BREATH = 4
"""Messages that are taken apart before the loop may turn to other work."""

_MESSAGES = (
    "SELECT messages.id, controller, source, sender, channel, class, purpose, campaign, received_at, meta,"
    " reading, content FROM messages JOIN bodies ON bodies.message_id = messages.id"
    " WHERE messages.id IN ({marks})"
)
_DECISIONS = (
    "SELECT message_id, n, round, violations FROM decisions WHERE message_id IN ({marks})"
    " ORDER BY message_id, n, round"
)
_KEPT = "SELECT key, answer FROM replays WHERE key IN ({marks})"


class Cases:
    """Loads them. All of it is what was committed: what changes meanwhile, the unit itself sees."""

    def __init__(
        self,
        store: Store,
        reader: Reader,
        policies: LivePolicies,
        access: Access,
        keys: Keys,
        letterhead: Letterhead | None,
    ) -> None:
        self._store = store
        self._reader = reader
        self._policies = policies
        self._access = access
        self._keys = keys
        self._letterhead = letterhead

    async def load(self, holds: Sequence[HoldRow]) -> dict[str, Case]:
        """The cases of some holds, by hold id; none where the message is gone. Raises StoreError."""
        ids = list(dict.fromkeys(hold.message_id for hold in holds))
        if not ids:
            return {}
        marks = ", ".join("?" * len(ids))
        rows = await self._store.few(_MESSAGES.format(marks=marks), ids)
        decided = await self._store.few(_DECISIONS.format(marks=marks), ids)
        kept = await self._store.few(_KEPT.format(marks=marks), [held_key(name) for name in ids])
        last = {(row[0], row[1]): (int(row[2]), bytes(row[3])) for row in decided}
        notes = {bytes(key): bytes(answer) for key, answer in kept}
        read: dict[str, tuple[Message, Reading]] = {}
        for number, row in enumerate(rows):
            if number % BREATH == BREATH - 1:
                await asyncio.sleep(0)
            if not row[11]:
                continue
            read[row[0]] = self._read(MessageRow(*row[:11]), bytes(row[11]), notes.get(held_key(row[0]), b""))
        return {
            hold.id: self._case(hold, *read[hold.message_id], *last[hold.message_id, hold.n])
            for hold in holds
            if hold.message_id in read and (hold.message_id, hold.n) in last
        }

    def _read(self, row: MessageRow, body: bytes, kept: bytes) -> tuple[Message, Reading]:
        message = rebuild(row, body)
        reading = kept_reading(row.reading, kept, self._policies.current.lexicons) if kept else None
        return message, reading or self._reader.read(message.content)

    def _case(
        self, hold: HoldRow, message: Message, reading: Reading, round_: int, violations: bytes
    ) -> Case:
        if message.class_ != hold.class_:
            message = replace(message, class_=hold.class_)
        return Case(
            hold=hold,
            message=message,
            reading=reading,
            source=source_of(self._access, message),
            controller=controller_of(self._access, message),
            aliases=alias_refs(self._keys, message.controller, message.recipients[hold.n]),
            seen=seen_in(violations),
            round=round_ + 1,
            letterhead=self._letterhead,
        )


def seen_in(violations: bytes) -> frozenset[str]:
    """The codes that a release waives: enforced holds of the last decision, and what was waived in it."""
    said = orjson.loads(violations)
    held = [v["code"] for v in said.get("v", ()) if v["outcome"] == Outcome.HOLD and v["mode"] != "observe"]
    return frozenset(held) | frozenset(said.get("waived", ()))
