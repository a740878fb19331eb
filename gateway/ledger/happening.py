"""Something that happened out there, as a source tells it: a reply, a meeting, a complaint. Pure."""

from collections.abc import Mapping
from typing import Any, get_args

from msgspec import Struct, field

from gateway.message.envelope import Identifier
from gateway.terms import EventType

TYPES: tuple[str, ...] = get_args(EventType)

OPENING = frozenset(
    {
        "message.replied",
        "message.answered",
        "connection.accepted",
        "meeting.held",
        "purchase",
        "consent.granted",
    }
)
"""Types that can open a door: they count as such only from sources granted `events: open`."""


class Happening(Struct, frozen=True, kw_only=True):
    """One event. Times are unix seconds, UTC.

    `recipients` are the addresses of one person, the one on `channel` first. `sender` is the key of who
    wrote to them, "" where the event is about the whole controller. `opens` says that the source may
    open doors with it; without, it may only restrict. `backdated` marks an event told long after it
    happened. `text` is what the person wrote, for the stop words in it. `data` is what the source added:
    proof of a consent, the kind of a bounce, a changed preference.
    """

    type: str
    controller: str
    source: str
    source_event_id: str
    occurred_at: float
    received_at: float
    channel: str
    recipients: tuple[Identifier, ...]
    sender: str = ""
    thread: str = ""
    in_reply_to: tuple[str, ...] = ()
    text: str = ""
    purpose: str = ""
    message: str = ""
    opens: bool = False
    backdated: bool = False
    data: Mapping[str, Any] = field(default_factory=dict)
