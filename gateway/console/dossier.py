"""Everything that a reviewer needs to decide one hold, gathered from the store."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import orjson

from gateway.intake.rebuild import rebuild
from gateway.keys import lane_of
from gateway.ledger.person import STRANGER, Person, Relationship
from gateway.message.envelope import Message, Recipient
from gateway.policy.outcome import Decision, Violation
from gateway.reading.html import Page
from gateway.reading.read import Reader
from gateway.store.packing import unpack_decision
from gateway.store.protocol import Store
from gateway.store.records import ConsentRow, DecisionRow, HoldRow, Ref

COPIES = 3
TIMELINE = 30

_EVENTS = (
    "SELECT type, at, source FROM events WHERE lane = ? AND controller = ? AND subject = ?"
    " ORDER BY id DESC LIMIT ?"
)
_NEIGHBOR = "SELECT id FROM holds WHERE status = 'open' AND cluster = ? AND id < ? ORDER BY id DESC LIMIT 1"


@dataclass(frozen=True, slots=True, kw_only=True)
class Happening:
    """One line of a timeline: `kind` names it in the words of the console."""

    at: float
    kind: str
    detail: str = ""
    message: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Proof:
    """One event of the consent log, with its proof as (name, value) pairs."""

    row: ConsentRow
    said: list[tuple[str, str]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Dossier:
    """A hold with its message (None once it is gone), its decisions, and what is known of the person."""

    hold: HoldRow
    message: Message | None
    page: Page
    decisions: list[tuple[DecisionRow, Decision]]
    person: Person
    consents: list[Proof]
    timeline: list[Happening]
    other: tuple[str, str] | None = None
    links: list[tuple[str, str]] = field(default_factory=list)

    @property
    def recipient(self) -> Recipient | None:
        """Whom it is for."""
        return self.message.recipients[self.hold.n] if self.message else None

    @property
    def violations(self) -> Sequence[Violation]:
        """What stands against it as last decided, the worst first; once it is decided, why it was held."""
        found = (decision.enforced for _, decision in reversed(self.decisions))
        if self.hold.status == "open":
            return next(found, ())
        return next((violations for violations in found if violations), ())

    @property
    def told(self) -> list[tuple[float, frozenset[str]]]:
        """When it was decided, and what each decision held it for."""
        return [(row.at, decision.held) for row, decision in self.decisions]

    @property
    def relationship(self) -> Relationship:
        """What passed between this sender and this person."""
        return self.person.relationships.get(self.hold.sender, STRANGER)


async def gather(store: Store, reader: Reader, hold: HoldRow) -> Dossier:
    """The dossier of a hold."""
    ref = (hold.controller, hold.subject)
    found = await store.message(hold.message_id)
    message = rebuild(*found) if found else None
    rows = [row for row in await store.decisions(hold.message_id) if row.n == hold.n]
    page = reader.see(message.content) if message else Page(text="")
    consents = [prove(row) for row in await store.consents(ref)]
    person = await store.person(ref)
    return Dossier(
        hold=hold,
        message=message,
        page=page,
        decisions=[(row, read_decision(row)) for row in rows],
        person=person,
        consents=consents,
        timeline=await timeline(store, ref, person),
        other=await _neighbor(store, reader, hold),
        links=links_of(page),
    )


def read_decision(row: DecisionRow) -> Decision:
    """A stored decision."""
    return unpack_decision(row.violations, row.outcome, row.class_, row.policy_version)


def prove(row: ConsentRow) -> Proof:
    """A line of the consent log with what its proof says."""
    try:
        said = orjson.loads(row.proof or b"{}")
    except orjson.JSONDecodeError:
        said = {}
    return Proof(
        row=row, said=[(str(k), str(v)[:500]) for k, v in said.items()] if isinstance(said, dict) else []
    )


async def timeline(store: Store, ref: Ref, person: Person) -> list[Happening]:
    """What happened between us and this person, newest first."""
    found = [Happening(at=c.at, kind="sent", detail=c.class_, message=c.message) for c in person.contacts]
    rows: list[tuple[Any, ...]] = await store.few(_EVENTS, (lane_of(ref[1]), *ref, TIMELINE))
    found += [
        Happening(at=at, kind=kind, detail=source) for kind, at, source in rows if kind != "message.sent"
    ]
    found += [Happening(at=stop.at, kind=f"stop.{stop.kind}") for stop in person.stops]
    if person.no_sales_at:
        found.append(Happening(at=person.no_sales_at, kind="no_sales"))
    return sorted(found, key=lambda h: -h.at)[:TIMELINE]


async def _neighbor(store: Store, reader: Reader, hold: HoldRow) -> tuple[str, str] | None:
    """The text of the copy before this one in its cluster, with its hold's id: bodies of what was sent are
    gone, those of what is held are there."""
    for (hold_id,) in await store.few(_NEIGHBOR, (hold.cluster, hold.id)):
        found = await store.message(hold_id.partition("-")[0])
        if found and found[1]:
            return hold_id, reader.see(rebuild(*found).content).text
    return None


def links_of(page: Page) -> list[tuple[str, str]]:
    """The links of a page as (words, target), as plain text: here nobody follows them."""
    return [
        (" ".join(page.text[start:end].split())[:120], target[:500]) for start, end, target in page.links[:30]
    ]
