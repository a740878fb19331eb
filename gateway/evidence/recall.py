"""A stored message, its reading and facts as a replay asks them. What rules seldom ask (the words that are
evidence, the phrases) is made when it is asked for: decoding costs more than deciding."""

from collections.abc import Callable, Mapping
from functools import lru_cache
from typing import Any, NamedTuple, cast

import orjson
from msgspec import NODEFAULT, Struct
from msgspec.structs import fields

from gateway.ledger.relationship import together
from gateway.message.content import Content
from gateway.message.envelope import Consent, Message, Recipient, Sender
from gateway.policy.facts import NO_COPIES, NO_PACE, Copies, Facts, Pace
from gateway.reading.reading import Evidence, Greeting, Phrase, Reading
from gateway.store.codec import person_of
from gateway.store.packing import unpack_recipient


class TextGone(Exception):
    """A rule asked for the text of a message, of which only the reading is kept."""


class NotAsked(Exception):
    """A rule asked for a pace that nobody asked for when the message came in."""


class _Gone:
    """Stands for the text that is gone. Quoting from it gives nothing; reading it fails."""

    channel = "email"
    html = "gone"

    def __getattr__(self, name: str) -> Any:
        raise TextGone(name)


_GONE = cast("Content", _Gone())


class _Asked(dict[tuple[str, int], int]):
    """The sums that were asked for then; asking for another fails."""

    def get(self, key: tuple[str, int], default: Any = None) -> Any:
        if key not in self:
            raise NotAsked(key)
        return self[key]


class _Phrase(NamedTuple):
    """A Phrase whose hash nobody knows any more."""

    hash: int
    words: int
    start: int
    end: int
    asks: bool = False
    run: bool = False


_NEVER_ASKED = Pace(sent=_Asked())

_PHRASE = cast("Callable[..., Phrase]", _Phrase)


def _defaults(kind: type[Struct]) -> dict[str, Any]:
    """What the fields of a value are where nothing is given."""
    found = {}
    for each in fields(kind):
        if each.default is not NODEFAULT:
            found[each.name] = each.default
        elif each.default_factory is not NODEFAULT:
            found[each.name] = each.default_factory()
    return found


def _evidence(rows: list[Any]) -> tuple[Evidence, ...]:
    return tuple([Evidence(*row) for row in rows])


class _Finding:
    """A Finding that makes its evidence when it is asked for."""

    __slots__ = ("_rows", "score", "value")

    def __init__(self, value: bool, score: float, rows: list[Any]) -> None:
        self.value = value
        self.score = score
        self._rows = rows

    @property
    def evidence(self) -> tuple[Evidence, ...]:
        """The words that show it."""
        return _evidence(self._rows)


class _Recalled:
    """A Reading: a name that is not here yet is made of what was stored."""

    _told: Mapping[str, Any]

    def __getattr__(self, name: str) -> Any:
        make = _LATER.get(name)
        if make is None:
            raise AttributeError(name)
        found = self.__dict__[name] = make(self._told)
        return found


def _greeting(told: Mapping[str, Any]) -> Greeting:
    kind, name, rows = told["g"]
    return Greeting(kind=kind, name=name, evidence=_evidence(rows))


def _phrases(told: Mapping[str, Any]) -> tuple[Phrase, ...]:
    rows = orjson.loads(told[PHRASES])["p"] if PHRASES in told else ()
    return tuple([_PHRASE(0, *row) for row in rows])


_LATER: Mapping[str, Callable[[Mapping[str, Any]], Any]] = {"greeting": _greeting, "phrases": _phrases}
_READING = type(
    "_Reading", (_Recalled,), {name: v for name, v in _defaults(Reading).items() if name not in _LATER}
)
_MESSAGE = type("_Message", (), _defaults(Message))


PHRASES = "phrases"
"""Where the JSON of the phrases waits until it is asked for: half of a reading, and few ask."""


def _split(data: bytes) -> tuple[bytes, bytes]:
    """A packed reading without its phrases, and what follows. No string holds a bare quotation mark, so that
    this key is the only one of its kind."""
    at = data.find(b',"p":[[')
    return (data[:at] + b"}", b"{" + data[at + 1 :]) if at > 0 else (data, b"")


def recall_reading(data: bytes) -> Reading:
    """The reading that `pack_reading` wrote."""
    head, rest = _split(data)
    told = orjson.loads(head)
    reading = _READING()
    said = reading.__dict__
    for name, (value, score, rows) in told["f"].items():
        said[name] = _Finding(value, score, rows)
    said["_told"], said["language"], said["length"] = told, told["l"], told["n"]
    if rest:
        told[PHRASES] = rest
        said["truncated"] = rest.endswith(b',"t":true}')
    elif "t" in told:
        said["truncated"] = told["t"]
    return cast("Reading", reading)


def recall_message(meta: bytes, n: int, **known: Any) -> tuple[Message, Recipient]:
    """A message without its text, and its recipient of that number alone. `known` are fields that have
    columns of their own."""
    told = orjson.loads(meta)
    address, key, name, account = told.pop("s")
    recipients, claimed = told.pop("r"), told.pop("consent", None)
    message = _MESSAGE()
    said = message.__dict__
    said.update(told)
    said.update(known)
    said["sender"] = Sender(address=address, key=key, name=name, account=account)
    said["content"] = _GONE
    if "in_reply_to" in told:
        said["in_reply_to"] = tuple(told["in_reply_to"])
    if claimed:
        said["claimed_consent"] = Consent(
            basis=claimed[0], type=claimed[1], reference=claimed[2], at=claimed[3]
        )
    recipient = unpack_recipient(recipients[n])
    said["recipients"] = (recipient,) * len(recipients)
    return cast("Message", message), recipient


_PLAIN = ("known_reply", "has_reply_feed", "way_out_added", "identity", "time_zone", "source_kind")


def recall_facts(data: bytes) -> Facts:
    """The facts that `pack_facts` wrote, where asking for a pace that was not asked then fails."""
    told = orjson.loads(data)
    person = person_of(told["p"])
    linked, copies = tuple(map(person_of, told.get("l", ()))), told.get("c")
    return Facts(
        person=person,
        linked=linked,
        relationship=together(person, linked, told["s"]),
        jurisdiction=told["j"],
        copies=Copies(counts=tuple(copies[0]), since=copies[1]) if copies else NO_COPIES,
        pace=_pace(*told["b"]) if "b" in told else NO_PACE,
        trusted=_trusted(*told.get("t", ())),
        paused=tuple((kind, at) for kind, at in told.get("paused", ())),
        **{name: told[name] for name in _PLAIN if name in told},
    )


@lru_cache(maxsize=64)
def _trusted(*names: str) -> frozenset[str]:
    return frozenset(names)


def _pace(asked: list[Any], backlog: list[float]) -> Pace:
    if not asked and not backlog:
        return _NEVER_ASKED
    return Pace(
        sent=_Asked({(class_, window): n for class_, window, n, _ in asked}),
        next_free={(class_, window): free for class_, window, _, free in asked},
        backlog=tuple(backlog),
    )
