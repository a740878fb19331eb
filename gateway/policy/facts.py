"""What is known about one recipient at one moment, as rules ask for it."""

from collections.abc import Mapping

from msgspec import Struct, field

from gateway.ledger.person import STRANGER, UNKNOWN, Person, Relationship


class Copies(Struct, frozen=True, kw_only=True, array_like=True):
    """How much of this text went to others before. `share` is words of phrases seen before by at
    least `seen` others over all words counted (0 to 1). `counts` gives, for each phrase of the
    reading in order, to how many other people it went; `since` is the unix time of the earliest."""

    counts: tuple[int, ...] = ()
    since: float = 0.0


NO_COPIES = Copies()


class Pace(Struct, frozen=True, kw_only=True):
    """How much this sender did lately. `sent` maps (class, window seconds) to accepted messages;
    `backlog` are the unix times since when replies to this sender wait for an answer, oldest first."""

    sent: Mapping[tuple[str, int], int] = field(default_factory=dict)
    next_free: Mapping[tuple[str, int], float] = field(default_factory=dict)
    backlog: tuple[float, ...] = ()


NO_PACE = Pace()


class Facts(Struct, frozen=True, kw_only=True):
    """One recipient, as the controller and this sender know them.

    `person` is the address written to; `linked` are the other addresses of the same person
    (restrictions and caps are read over all, consent over `person` alone). `relationship` is with
    this sender. `known_reply` says that the message answers a reply of theirs in that thread.
    `paused` are the pauses that the message falls under, each by its kind (source, campaign) and since when.
    `trusted` are what this source is trusted with (jurisdiction, consent). `has_reply_feed` is False
    where nobody tells the gateway about replies.
    """

    person: Person = UNKNOWN
    linked: tuple[Person, ...] = ()
    relationship: Relationship = STRANGER
    jurisdiction: str = "unknown"
    known_reply: bool = False
    copies: Copies = NO_COPIES
    pace: Pace = NO_PACE
    has_reply_feed: bool = False
    source_kind: str = "tool"
    identity: str = ""
    time_zone: str = ""
    way_out_added: bool = False
    trusted: frozenset[str] = frozenset()
    paused: tuple[tuple[str, float], ...] = ()
