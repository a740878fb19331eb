"""Holds made ready to be decided again, many at a time: three reads for all of them, each message taken
apart once, and its reading as it was stored wherever reading it again would say the same."""

import asyncio
from collections.abc import Mapping, Sequence

from msgspec.structs import replace

from gateway.access import Access
from gateway.intake.accept import codes_of
from gateway.intake.held import held_key, kept_reading
from gateway.intake.letterhead import Letterhead
from gateway.intake.person_facts import alias_refs
from gateway.intake.rebuild import controller_of, rebuild, source_of
from gateway.keys import Keys
from gateway.message.envelope import Message
from gateway.policy.live import LivePolicies
from gateway.policy.outcome import Decision, Outcome, Violation
from gateway.reading.read import Reader
from gateway.reading.reading import Reading
from gateway.review.deciding import Case, Rounds
from gateway.store.packing import unpack_decision
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
    "SELECT message_id, n, round, at, violations FROM decisions WHERE message_id IN ({marks})"
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

    async def load(self, holds: Sequence[HoldRow], seen: int | None = None) -> dict[str, Case]:
        """The cases of some holds, by hold id; none where the message is gone. `seen` is the round of the
        decision that the reviewer saw; without it, it is the one that a hold tells of. Raises StoreError."""
        ids = list(dict.fromkeys(hold.message_id for hold in holds))
        if not ids:
            return {}
        marks = ", ".join("?" * len(ids))
        rows = await self._store.few(_MESSAGES.format(marks=marks), ids)
        decided = await self._store.few(_DECISIONS.format(marks=marks), ids)
        kept = await self._store.few(_KEPT.format(marks=marks), [held_key(name) for name in ids])
        rounds: dict[tuple[str, int], dict[int, tuple[float, bytes]]] = {}
        for name, n, round_, at, said in decided:
            rounds.setdefault((name, n), {})[int(round_)] = (at, bytes(said))
        notes = {bytes(key): bytes(answer) for key, answer in kept}
        read: dict[str, tuple[Message, Reading]] = {}
        for number, row in enumerate(rows):
            if number % BREATH == BREATH - 1:
                await asyncio.sleep(0)
            if not row[11]:
                continue
            read[row[0]] = self._read(MessageRow(*row[:11]), bytes(row[11]), notes.get(held_key(row[0]), b""))
        return {
            hold.id: self._case(hold, *read[hold.message_id], rounds[hold.message_id, hold.n], seen)
            for hold in holds
            if hold.message_id in read and (hold.message_id, hold.n) in rounds
        }

    def _read(self, row: MessageRow, body: bytes, kept: bytes) -> tuple[Message, Reading]:
        message = rebuild(row, body)
        reading = kept_reading(row.reading, kept, self._policies.current.lexicons) if kept else None
        return message, reading or self._reader.read(message.content)

    def _case(
        self, hold: HoldRow, message: Message, reading: Reading, rounds: Rounds, seen: int | None
    ) -> Case:
        said = {n: violations for n, (_, violations) in rounds.items()}
        if message.class_ != hold.class_:
            message = replace(message, class_=hold.class_)
        return Case(
            hold=hold,
            message=message,
            reading=reading,
            source=source_of(self._access, message),
            controller=controller_of(self._access, message),
            aliases=alias_refs(self._keys, message.controller, message.recipients[hold.n]),
            seen=seen_in(said, hold.codes) if seen is None else held_in(said.get(seen, b"{}")),
            waived=waived_in(said[max(said)]),
            round=max(said) + 1,
            rounds=rounds,
            letterhead=self._letterhead,
        )


def seen_in(rounds: Mapping[int, bytes], codes: str) -> frozenset[str]:
    """What a release waives of a hold that was read with these codes: the holds of the decision that gave it
    them, though another may have been made since."""
    told = [rounds[n] for n in sorted(rounds, reverse=True)]
    return held_in(next((said for said in told if codes_of(_enforced(said)) == codes), told[0]))


def held_in(violations: bytes) -> frozenset[str]:
    """The enforced holds of a stored decision, each as `policy/code`."""
    return _unpack(violations).held


def told_in(rounds: Rounds) -> list[tuple[float, frozenset[str]]]:
    """When it was decided, oldest first, and what each decision held it for."""
    return [(at, held_in(said)) for _, (at, said) in sorted(rounds.items())]


def waived_in(violations: bytes) -> frozenset[str]:
    """What a stored decision lets pass for good."""
    return frozenset(_unpack(violations).lets_pass)


def _enforced(violations: bytes) -> tuple[Violation, ...]:
    return _unpack(violations).enforced


def _unpack(violations: bytes) -> Decision:
    return unpack_decision(violations, Outcome.HOLD, "", "")
