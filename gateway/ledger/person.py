"""One person on one address, as a controller knows them: everything that decides, in one value.

The event log is the truth; a Person is what the events add up to, kept beside it so that one read
answers every question a decision asks. Times are unix seconds, UTC; 0 means never.
"""

from collections.abc import Iterable, Mapping

from msgspec import Struct, field
from msgspec.structs import replace

CONTACTS_KEPT = 64
"""How many of the latest outbound contacts that caps count a Person remembers; caps above this are refused at
load."""

UNCOUNTED_KEPT = 8
"""How many of the latest receipts and answers are remembered beside as many as caps can count."""

ALIASES_KEPT = 8
"""How many further addresses of one person are linked."""


class Permission(Struct, frozen=True, array_like=True):
    """What a person agreed to for one purpose on one channel. `state`: requested, granted,
    withdrawn, objected, expired. `grade`: A (double opt-in) to D (imported claim). `own` says that it is
    the person's own double opt-in, or was entered by compliance with proof: such may follow a stop. `newer`
    is a later consent that is proved less well: it counts where a law has ended this one by its age."""

    purpose: str
    channel: str
    state: str
    grade: str = "D"
    basis: str = "consent"
    at: float = 0.0
    expires_at: float = 0.0
    event: str = ""
    jurisdiction: str = ""
    own: bool = False
    newer: "Permission | None" = None


class Stop(Struct, frozen=True, array_like=True):
    """Why nobody may write: unsubscribed, objected, complained, bounced, stop_request, erased.
    Empty `purposes` and `channels` mean all, but for `spares`: (purpose, channel) pairs to which the
    person agreed anew since, by an own double opt-in."""

    kind: str
    at: float
    purposes: tuple[str, ...] = ()
    channels: tuple[str, ...] = ()
    event: str = ""
    spares: tuple[tuple[str, str], ...] = ()


class Contact(Struct, frozen=True, array_like=True):
    """One accepted outbound message, as caps count it."""

    at: float
    class_: str
    channel: str
    sender: str
    message: str = ""
    purpose: str = ""
    step: int = 0


class Relationship(Struct, frozen=True, array_like=True):
    """What passed between one sender and this person. `answer` is the message that answered them last,
    `parted_at` when a connection was last declined or withdrawn; `declined` of the replies invite nothing."""

    first_out: float = 0.0
    last_out: float = 0.0
    sent: int = 0
    sent_since_reply: int = 0
    connected_at: float = 0.0
    backdated: bool = False
    replies: int = 0
    last_reply: float = 0.0
    unanswered_since: float = 0.0
    answers: int = 0
    meetings: int = 0
    last_meeting: float = 0.0
    purchases: int = 0
    last_purchase: float = 0.0
    threads: tuple[str, ...] = ()
    introduced: bool = False
    answer: str = ""
    parted_at: float = 0.0
    declined: int = 0

    @property
    def welcoming(self) -> int:
        """The replies that open a door: all but polite refusals and their like."""
        return max(0, self.replies - self.declined)


STRANGER = Relationship()

STORED_AS = {
    "permissions": "p", "stops": "s", "no_sales_at": "n", "paused_until": "u", "jurisdiction": "j",
    "time_zone": "z", "relationships": "r", "contacts": "c", "aliases": "a", "restricted_at": "x",
    "soft_bounces": "b",
}  # fmt: skip
"""What the fields of a Person are called in the database, where what is empty is left out; those of the
values in it are stored in their order, so that new ones go to the end."""


class Person(Struct, frozen=True, omit_defaults=True, rename=STORED_AS):
    """Everything that decides about one person in the name of one controller."""

    permissions: tuple[Permission, ...] = ()
    stops: tuple[Stop, ...] = ()
    no_sales_at: float = 0.0
    paused_until: float = 0.0
    jurisdiction: str = ""
    time_zone: str = ""
    relationships: Mapping[str, Relationship] = field(default_factory=dict)
    contacts: tuple[Contact, ...] = ()
    aliases: tuple[str, ...] = ()
    restricted_at: float = 0.0
    soft_bounces: int = 0


UNKNOWN = Person()


def restricted_like(person: Person, others: Iterable[Person]) -> Person:
    """The person with all that keeps others from being written to: their stops, of each the newest, but what
    was found out about an address alone, their wishes and restrictions."""
    others = tuple(others)
    stops = {_names(s): s for s in person.stops}
    for stop in (s for o in others for s in o.stops if s.kind != "bounced"):
        same = stops.get(_names(stop))
        if same is None or same.at < stop.at:
            stops[_names(stop)] = stop
    return replace(
        person,
        stops=tuple(stops.values()),
        no_sales_at=person.no_sales_at or max((o.no_sales_at for o in others), default=0.0),
        paused_until=max(person.paused_until, *(o.paused_until for o in others), 0.0),
        restricted_at=person.restricted_at or max((o.restricted_at for o in others), default=0.0),
    )


def _names(stop: Stop) -> tuple[object, ...]:
    return stop.kind, stop.purposes, stop.channels, stop.spares
