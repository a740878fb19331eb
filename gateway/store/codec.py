"""A Person as a few bytes of JSON, and back. Only what differs from the empty person is written."""

from collections.abc import Mapping
from typing import Any

import msgspec

from gateway.ledger.person import UNKNOWN, Person

_encode = msgspec.json.Encoder().encode
_decode = msgspec.json.Decoder(Person).decode


def pack_person(person: Person) -> bytes:
    """The stored form of a person; `unpack_person` gives it back unchanged."""
    return _encode(person)


def unpack_person(data: bytes) -> Person:
    """The person that `pack_person` wrote."""
    return _decode(data) if len(data) > 2 else UNKNOWN


def person_of(told: Mapping[str, Any]) -> Person:
    """The person of the JSON object that `pack_person` wrote."""
    return msgspec.convert(told, Person) if told else UNKNOWN
