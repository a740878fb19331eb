"""Bodies of `POST /v1/events` as ledger events. Pure."""

from collections.abc import Mapping
from typing import Any

from gateway.access import Source
from gateway.ingress.http_models import NewEvent
from gateway.ingress.http_party import channel_of, identify, read_time
from gateway.ledger.evidence import told_moment
from gateway.ledger.happening import Happening
from gateway.web.problem import malformed

FUTURE = 300.0
"""Seconds by which clocks may disagree."""
_BETWEEN_TWO = frozenset(
    {
        "message.sent",
        "message.replied",
        "message.answered",
        "connection.accepted",
        "connection.declined",
        "connection.withdrawn",
        "meeting.held",
    }
)
"""Types that say something of one sender and one person, and so need both."""
_MOMENTS = {"consent.granted": ("expires_at",), "preference.changed": ("paused_until",)}
"""What `data` must tell readably, or an end or a wish would go unheard; what stops everything is taken as it
comes."""


def read_event(event: NewEvent, source: Source, now: float, *, late: float, at: str = "#") -> Happening:
    """What an event says. Raises Problem (malformed), with pointers that begin at `at`.

    One told more than `late` seconds after it happened is marked backdated.
    """
    channel = event.channel or _channel_of(event)
    recipients = identify(channel, event.recipient.addresses, f"{at}/recipient")
    occurred = read_time(event.occurred_at, f"{at}/occurred_at")
    if occurred > now + FUTURE:
        raise malformed(
            f"{at}/occurred_at",
            "This lies in the future. Check the clock, and the offset from UTC.",
            "È nel futuro. Controllare l'orologio e lo scarto da UTC.",
        )
    thread, answered = _thread(event)
    return Happening(
        type=event.type,
        controller=source.controller,
        source=source.name,
        source_event_id=event.source_event_id,
        occurred_at=occurred,
        received_at=now,
        channel=channel,
        recipients=recipients,
        sender=_find_sender(event, channel, at),
        thread=thread,
        in_reply_to=(answered,) if answered else (),
        text=event.text or "",
        purpose=_purpose(event, source, at),
        message=event.message or "",
        opens=source.opens_doors,
        backdated=now - occurred > late,
        data=_data(event, at),
    )


def _channel_of(event: NewEvent) -> str:
    """Where no channel is said: that of the recipient's first address."""
    for address in event.recipient.addresses:
        if channel := channel_of(address.type, ""):
            return channel
    return "other"


def _thread(event: NewEvent) -> tuple[str, str]:
    if event.thread is None:
        return "", ""
    answered = event.thread.in_reply_to or ""
    return event.thread.id or answered, answered


def _find_sender(event: NewEvent, channel: str, at: str) -> str:
    if event.sender is None:
        if event.type in _BETWEEN_TWO:
            raise malformed(
                f"{at}/sender",
                f"{event.type} happens between two: name the sender of yours that it concerns.",
                f"{event.type} avviene fra due persone: indicare il mittente interessato.",
            )
        return ""
    return identify(channel, event.sender.addresses, f"{at}/sender")[0].key


def _purpose(event: NewEvent, source: Source, at: str) -> str:
    if event.purpose and event.purpose.strip():
        return event.purpose.strip().lower()
    if event.type == "consent.granted" and not source.default_purpose:
        raise malformed(
            f"{at}/purpose",
            "A consent is given for a purpose: name it, for example newsletter.",
            "Un consenso vale per una finalità: indicarla, per esempio newsletter.",
        )
    return source.default_purpose if event.type == "consent.granted" else ""


def _check_data(event: NewEvent, at: str) -> None:
    told = event.data or {}
    for name in _MOMENTS.get(event.type, ()):
        try:
            told_moment(told.get(name))
        except ValueError:
            raise malformed(
                f"{at}/data/{name}",
                "This is no moment in time; write it as 2026-02-01T10:00:00Z, as a date or in unix seconds.",
                "Non è un istante; scriverlo come 2026-02-01T10:00:00Z, come data o in secondi unix.",
            ) from None
    if event.type == "preference.changed" and told.get("no_sales") not in (
        None,
        True,
        False,
        "true",
        "false",
    ):
        raise malformed(
            f"{at}/data/no_sales",
            "This is neither true nor false; write one of them.",
            "Non è né true né false; scrivere uno dei due.",
        )


def _data(event: NewEvent, at: str) -> Mapping[str, Any]:
    _check_data(event, at)
    told: dict[str, Any] = dict(event.data or {})
    if event.campaign is not None and (campaign := event.campaign.id or event.campaign.name):
        told.setdefault("campaign", campaign)
    if event.sequence is not None and event.sequence.step is not None:
        told.setdefault("step", event.sequence.step)
    if event.class_:
        told.setdefault("class", event.class_)
    if event.subject:
        told.setdefault("subject", event.subject)
    if event.recipient.jurisdiction:
        told.setdefault("jurisdiction", event.recipient.jurisdiction.lower())
    return told
