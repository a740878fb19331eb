"""What a case says about the person: words become Facts."""

import re
from collections.abc import Callable
from typing import Any

from msgspec.structs import replace

from gateway.ledger.person import Contact, Permission, Person, Relationship, Stop
from gateway.message.envelope import CHANNELS, CLASSES
from gateway.policy.document import did_you_mean
from gateway.policy.facts import Copies, Facts, Pace
from gateway.policy.jurisdiction import zone_named
from gateway.policy.moments import moment, number_within
from gateway.reading.reading import Reading

MONTH = 30 * 86400.0
KINDS = ("tool", "person")
TRUSTED = ("consent", "jurisdiction")
_COUNTRY = re.compile(r"[a-z]{2}(-[a-z0-9]{1,3})?|unknown")


class Unclear(Exception):
    """Words that no fact can be made of; the text says what was expected."""


def time_of(value: Any, now: float) -> float:
    """A moment; `true` means a month ago."""
    if value is True:
        return now - MONTH
    found = moment(value, now) if isinstance(value, str) else None
    if found is None:
        raise Unclear('say when, for example "2 hours ago", "yesterday" or "2026-11-02 09:30"')
    return found


def _list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]


def _whole(value: Any) -> int:
    if isinstance(value, bool) or not isinstance(value, int) or not 0 <= value <= 100_000:
        raise Unclear("say a whole number")
    return value


_BASES = {
    "soft opt-in": "soft_opt_in",
    "implied": "implied",
    "legitimate interest": "legitimate_interest",
    "consent": "consent",
}


def permission(text: Any, now: float, state: str) -> Permission:
    """`newsletter on email`, with any of `grade D`, `soft opt-in`, a time, `until ...` after commas."""
    head, *rest = [part.strip() for part in str(text).split(",")]
    match = re.fullmatch(r"(\S+) (?:on|by|via) (\S+)", head)
    if not match or match[2] not in CHANNELS:
        raise Unclear('say for what and where, for example "newsletter on email, grade A, 3 days ago"')
    found = Permission(purpose=match[1], channel=match[2], state=state, grade="A", at=now - MONTH)
    for part in rest:
        if part.casefold().startswith("grade"):
            if not re.fullmatch(r"grade [ABCD]", part):
                raise Unclear("a grade is A, B, C or D, for example: grade B")
            found = replace(found, grade=part[-1])
        elif part in _BASES:
            found = replace(found, basis=_BASES[part])
        elif part.startswith("until "):
            found = replace(found, expires_at=time_of(part[6:], now))
        else:
            found = replace(found, at=time_of(part, now))
    return found


def stop(kind: str, value: Any, now: float) -> Stop:
    """A time, or `newsletter on email, yesterday` for a stop that is not about everything."""
    if value is True or moment(str(value), now) is not None:
        return Stop(kind=kind, at=time_of(value, now))
    part = permission(value, now, "withdrawn")
    return Stop(kind=kind, at=part.at, purposes=(part.purpose,), channels=(part.channel,))


def _permissions(state: str) -> Callable[[Facts, Any, float], Facts]:
    def add(facts: Facts, value: Any, now: float) -> Facts:
        new = tuple(permission(text, now, state) for text in _list(value))
        return _person(facts, permissions=facts.person.permissions + new)

    return add


def _stops(kind: str) -> Callable[[Facts, Any, float], Facts]:
    def add(facts: Facts, value: Any, now: float) -> Facts:
        new = tuple(stop(kind, text, now) for text in _list(value))
        return _person(facts, stops=facts.person.stops + new)

    return add


def _person(facts: Facts, **changes: Any) -> Facts:
    return replace(facts, person=replace(facts.person, **changes))


def _known(facts: Facts, **changes: Any) -> Facts:
    return replace(facts, relationship=replace(facts.relationship, **changes))


def _person_time(name: str) -> Callable[[Facts, Any, float], Facts]:
    return lambda facts, value, now: _person(facts, **{name: time_of(value, now)})


def _known_time(name: str, **also: Any) -> Callable[[Facts, Any, float], Facts]:
    return lambda facts, value, now: _known(facts, **{name: time_of(value, now)}, **also)


def _replied(facts: Facts, value: Any, now: float) -> Facts:
    if value == []:
        raise Unclear("say when each reply came, or leave the key out")
    times = [time_of(item, now) for item in _list(value)]
    return _known(facts, replies=facts.relationship.replies + len(times), last_reply=max(times))


def _declined(facts: Facts, value: Any, now: float) -> Facts:
    facts = _replied(facts, value, now)
    return _known(facts, declined=facts.relationship.declined + len(_list(value)))


def _unanswered(facts: Facts, value: Any, now: float) -> Facts:
    at = time_of(value, now)
    known = facts.relationship
    return _known(
        facts, unanswered_since=at, replies=max(1, known.replies), last_reply=known.last_reply or at
    )


def _sent(facts: Facts, value: Any, now: float) -> Facts:
    n = _whole(value)
    known = facts.relationship
    return _known(
        facts, sent=n, sent_since_reply=n, introduced=n > 0, last_out=known.last_out or now - 3 * 86400
    )


def _contacts(facts: Facts, value: Any, now: float) -> Facts:
    found = number_within(str(value))
    if found is None or found[1] not in ("", *CLASSES):
        raise Unclear('say how many and since when, for example "5 within 1 day"')
    n, class_, span = found
    times = [now - span * (i + 1) / (n + 1) for i in range(n)]
    made = tuple(
        Contact(at=at, class_=class_ or "promotion", channel="email", sender="other") for at in times
    )
    return _person(facts, contacts=facts.person.contacts + made)


def _sender_sent(facts: Facts, value: Any, now: float) -> Facts:
    sent, free = dict(facts.pace.sent), dict(facts.pace.next_free)
    for item in _list(value):
        found = number_within(str(item))
        if found is None or found[1] not in CLASSES:
            raise Unclear('for example "20 connection_request within 1 hour"')
        n, class_, span = found
        sent[(class_, span)], free[(class_, span)] = n, now + span / 2
    return replace(facts, pace=replace(facts.pace, sent=sent, next_free=free))


def _backlog(facts: Facts, value: Any, now: float) -> Facts:
    found = number_within(str(value))
    if found is None:
        raise Unclear('say how many replies wait for how long, for example "20 for 7 days"')
    return replace(facts, pace=replace(facts.pace, backlog=(now - found[2],) * found[0]))


def _text(
    name: str, can_be: Callable[[str], object] = bool, wanted: str = "say it in words"
) -> Callable[[Facts, Any, float], Facts]:
    def put(facts: Facts, value: Any, now: float) -> Facts:
        if not isinstance(value, str) or not can_be(value):
            raise Unclear(wanted)
        changes: dict[str, Any] = {name: value}
        return replace(facts, **changes)

    return put


def _jurisdiction(facts: Facts, value: Any, now: float) -> Facts:
    code = value.casefold() if isinstance(value, str) else ""
    if not all(_COUNTRY.fullmatch(part) for part in code.split("+")):
        raise Unclear('say the two letters of a country, for example "it"; "unknown" where none is known')
    return replace(facts, jurisdiction=code)


def _trusted(facts: Facts, value: Any, now: float) -> Facts:
    named = _list(value)
    if not all(item in TRUSTED for item in named):
        raise Unclear(f"say with what the source is trusted, a list of: {', '.join(TRUSTED)}")
    return replace(facts, trusted=frozenset(named))


def _so(value: Any, now: float) -> bool:
    """Whether something is so: true, or when it came to be so; false."""
    if not isinstance(value, bool):
        time_of(value, now)
    return value is not False


def _introduced(facts: Facts, value: Any, now: float) -> Facts:
    return _known(facts, introduced=_so(value, now))


def _answered(facts: Facts, value: Any, now: float) -> Facts:
    return _known(facts, answers=1, unanswered_since=0.0) if _so(value, now) else facts


def _flag(name: str) -> Callable[[Facts, Any, float], Facts]:
    def put(facts: Facts, value: Any, now: float) -> Facts:
        if not isinstance(value, bool):
            raise Unclear("say true or false")
        changes: dict[str, Any] = {name: value}
        return replace(facts, **changes)

    return put


def _linked(facts: Facts, value: Any, now: float) -> Facts:
    if not isinstance(value, dict):
        raise Unclear("say what is known of the other address, for example {unsubscribed: yesterday}")
    strange = sorted(set(value) - set(WORDS))
    if strange:
        raise Unclear(f"unknown key {strange[0]!r}: {did_you_mean(strange[0], list(WORDS))}")
    other = facts_of(value, now).person
    return replace(facts, linked=(*facts.linked, other))


WORDS: dict[str, Callable[[Facts, Any, float], Facts]] = {
    "connected": _known_time("connected_at"),
    "introduced": _introduced,
    "replied": _replied,
    "declined": _declined,
    "unanswered": _unanswered,
    "answered": _answered,
    "met": _known_time("last_meeting", meetings=1),
    "bought": _known_time("last_purchase", purchases=1),
    "sent": _sent,
    "last_sent": _known_time("last_out"),
    "known_reply": _flag("known_reply"),
    "opted_in": _permissions("granted"),
    "asked": _permissions("requested"),
    "withdrawn": _permissions("withdrawn"),
    "unsubscribed": _stops("unsubscribed"),
    "objected": _stops("objected"),
    "complained": _stops("complained"),
    "bounced": _stops("bounced"),
    "erased": _stops("erased"),
    "said_stop": _stops("stop_request"),
    "no_sales": _person_time("no_sales_at"),
    "paused_until": _person_time("paused_until"),
    "restricted": _person_time("restricted_at"),
    "contacts": _contacts,
    "sender_sent": _sender_sent,
    "backlog": _backlog,
    "jurisdiction": _jurisdiction,
    "time_zone": _text("time_zone", zone_named, "say it as Europe/Rome or America/New_York"),
    "identity": _text("identity", lambda text: True),
    "source_kind": _text("source_kind", KINDS.__contains__, f"say one of: {', '.join(KINDS)}"),
    "way_out_added": _flag("way_out_added"),
    "trusted": _trusted,
    "linked": _linked,
}
"""Every word that `facts:` of a case knows, besides `earlier_copies` and `earlier_text`."""

ABOUT_TEXT = ("earlier_copies", "earlier_text")


def facts_of(words: dict[str, Any], now: float) -> Facts:
    """The Facts that a case tells. Its jurisdiction is Italy unless it says another."""
    facts = Facts(
        person=Person(),
        relationship=Relationship(),
        jurisdiction="it",
        has_reply_feed=True,
        pace=Pace(),
    )
    for key, value in words.items():
        if key in WORDS:
            facts = WORDS[key](facts, value, now)
    return facts


def copies_of(reading: Reading, earlier: int, before: Reading | None, now: float) -> Copies:
    """The text's own copies: every phrase went to `earlier` others, or only those that `before` has."""
    if not earlier:
        return Copies()
    known = {phrase.hash for phrase in before.phrases} if before else None
    counts = tuple(earlier if known is None or p.hash in known else 0 for p in reading.phrases)
    return Copies(counts=counts, since=now - 3600)
