"""Tells sources which of their held messages were rejected or expired: one letter for all of them, after a
minute, and then at most one an hour. Notes of that stand in the store, so nothing is lost in a crash, and of
several replicas one tells."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from gateway.delivery import notice
from gateway.delivery.notice import Item, What
from gateway.delivery.reports import GATHER, Wish
from gateway.intake.endings import (
    END,
    KEPT,
    NOTES,
    PAUSED,
    PREFIX,
    WAITING,
    Tell,
    hold_of,
    pause_of,
    range_of,
)  # fmt: skip
from gateway.intake.rebuild import rebuild
from gateway.message.envelope import Message
from gateway.policy.outcome import Decision
from gateway.review import CONDITION
from gateway.store.attempt import Report
from gateway.store.packing import unpack_decision
from gateway.store.protocol import Store
from gateway.store.queries import HOLD_COLUMNS
from gateway.store.records import HoldRow, MessageRow

PAUSE = 3600.0
"""Seconds between two letters to a source: whoever rejects hold by hold should not make a flood."""
SETTLED = 10.0
"""Seconds after which a note is told: those of before were committed by then."""
MOST = 10_000
"""Notes that one letter counts; of these it lists a hundred."""

_HOLDS = f"SELECT {HOLD_COLUMNS} FROM holds WHERE id IN ({{marks}}) ORDER BY id"  # noqa: S608
_MESSAGES = (
    "SELECT id, controller, source, sender, channel, class, purpose, campaign, received_at, meta, reading"
    " FROM messages WHERE id IN ({marks})"
)
_DECISIONS = (
    "SELECT message_id, n, outcome, class, policy_version, violations FROM decisions"
    " WHERE message_id IN ({marks}) ORDER BY message_id, n, round"
)


class Endings:
    """Tells them. `wishes` are by source, `host` is the gateway's own host name."""

    def __init__(
        self, store: Store, wishes: Mapping[str, Wish], host: str, clock: Callable[[], float]
    ) -> None:
        self._store = store
        self.adopt(wishes)
        self._host = host
        self._clock = clock

    def adopt(self, wishes: Mapping[str, Wish]) -> None:
        """Follow these wishes from now on."""
        self._wishes = {source: wish for source, wish in wishes.items() if wish.notices}

    async def tell(self) -> int:
        """Queue the letters that are due; how many. Raises StoreError."""
        if not self._wishes:
            return 0
        now, told = self._clock(), 0
        for named, oldest in await self._store.rows(WAITING, (PREFIX, END)):
            source = bytes(named).decode()
            ripe = now - (oldest - KEPT) >= GATHER
            wish = self._wishes.get(source)
            if ripe and wish is not None and not await self._is_paused(source, now):
                told += await self._tell(source, wish, now)
        return told

    async def _is_paused(self, source: str, now: float) -> bool:
        return bool(await self._store.few(PAUSED, (pause_of(source), now)))

    async def _tell(self, source: str, wish: Wish, now: float) -> bool:
        until = now - SETTLED + KEPT
        rows = await self._store.rows(NOTES, (*range_of(source), until, now, MOST))
        notes = [bytes(key) for (key,) in rows]
        if not notes:
            return False
        listed = [hold_of(key) for key in notes[: notice.MOST_LISTED]]
        controller, items = await self._items(wish, listed)
        if not items:  # of none of these anybody is to be told; perhaps of those behind them
            notes, report = notes[: len(listed)], None
        else:
            more = len(notes) - len(listed)
            report = self._write(source, wish, controller, items, more, now)
        done = await self._store.run(Tell(source, notes, until, report, PAUSE))
        return done and report is not None

    def _write(
        self, source: str, wish: Wish, controller: str, items: Sequence[Item], more: int, now: float
    ) -> Report:
        id = f"notice-{items[0].message_id}-{int(now * 1000)}"  # noqa: A001
        raw = notice.build(
            items,
            to=wish.notices,
            source=source,
            reporter=self._host,
            id=id,
            now=now,
            more=more,
            language=wish.language,
            held=True,
        )
        return Report(
            id=id,
            address=wish.notices,
            raw=raw,
            source=source,
            controller=controller,
            smtputf8=not wish.notices.isascii(),
        )

    async def _items(self, wish: Wish, ids: Sequence[str]) -> tuple[str, list[Item]]:
        """Whose they are, and what is told of these holds; not of those whose rows are gone."""
        holds = [HoldRow(*row) for row in await self._few(_HOLDS, ids)]
        names = list(dict.fromkeys(hold.message_id for hold in holds))
        messages = {row[0]: rebuild(MessageRow(*row), b"") for row in await self._few(_MESSAGES, names)}
        decided: dict[tuple[str, int], Decision] = {}
        for name, n, outcome, class_, version, violations in await self._few(_DECISIONS, names):
            if violations:  # else erased
                decided[name, n] = unpack_decision(bytes(violations), outcome, class_, version)
        items = []
        for hold in holds:
            message = messages.get(hold.message_id)
            if message is not None and _may_be_told(message, hold.n, wish):
                items.append(_item(hold, message, decided.get((hold.message_id, hold.n)), wish.language))
        return holds[0].controller if holds else "", items

    async def _few(self, sql: str, keys: Sequence[str]) -> list[tuple[Any, ...]]:
        return await self._store.few(sql.format(marks=", ".join("?" * len(keys))), keys) if keys else []


def _may_be_told(message: Message, n: int, wish: Wish) -> bool:
    """A report about a report, or about a letter to whoever is told, would go round in circles."""
    report = message.format == "mime" and not message.envelope_from
    return not report and message.recipients[n].address != wish.notices


def _item(hold: HoldRow, message: Message, decision: Decision | None, language: str) -> Item:
    if hold.status == "expired":
        what = What.EXPIRED
    else:
        what = What.REFUSED if hold.decided_by == CONDITION else What.REJECTED
    reason = ""
    if decision is not None and decision.enforced:
        first = decision.enforced[0]
        reason = f"{first.reason.in_(language)} {first.remedy.in_(language)}".strip()
    return Item(
        address=message.recipients[hold.n].address,
        message_id=hold.message_id,
        reason=reason,
        at=hold.decided_at,
        what=what,
        thread=message.message_id,
    )
