"""A reading as a JSON column, and back. Pure.

What a stored reading must say for years is written here: names and places never change their meaning.
"""

from collections.abc import Sequence
from itertools import repeat
from operator import attrgetter

import msgspec

from gateway.reading.reading import FINDINGS, NOT_FOUND, Finding, Greeting, Phrase, Reading

FAINT = 0.05
"""A score below this, of a finding that is not there, is not worth keeping."""

_FINDINGS = attrgetter(*FINDINGS)
_encode = msgspec.json.Encoder().encode
_Row = tuple[int, int, int, bool, bool]
"""A phrase without its hash."""


class _Packed(
    msgspec.Struct,
    frozen=True,
    rename={"language": "l", "found": "f", "greeting": "g", "length": "n", "phrases": "p", "truncated": "t"},
):
    """The column."""

    language: str
    found: dict[str, Finding]
    greeting: Greeting
    length: int
    phrases: tuple[_Row, ...] = ()
    truncated: bool = False


_decode = msgspec.json.Decoder(_Packed).decode


def pack_reading(reading: Reading) -> bytes:
    """A reading without its text, but for the words that are evidence."""
    found = {
        name: finding
        for name, finding in zip(FINDINGS, _FINDINGS(reading), strict=True)
        if finding is not NOT_FOUND and (finding.value or finding.score >= FAINT)
    }
    data: dict[str, object] = {"l": reading.language, "f": found, "g": reading.greeting, "n": reading.length}
    if reading.phrases:
        data["p"] = [phrase[1:] for phrase in reading.phrases]
    if reading.truncated:
        data["t"] = True
    return _encode(data)


def unpack_reading(data: bytes, hashes: Sequence[int] | None = None) -> Reading:
    """The reading that `pack_reading` wrote; phrase hashes are gone and read as 0, unless they are given.
    ValueError where there are not as many hashes as phrases."""
    packed = _decode(data)
    rows = packed.phrases
    if hashes is None:
        hashes = (0,) * len(rows)
    return Reading(
        language=packed.language,
        greeting=packed.greeting,
        length=packed.length,
        truncated=packed.truncated,
        phrases=_phrases(hashes, rows),
        **packed.found,
    )


def _phrases(hashes: Sequence[int], rows: Sequence[_Row]) -> tuple[Phrase, ...]:
    """All of it in C: a tenth of the time of calling Phrase for each."""
    if len(hashes) != len(rows):
        raise ValueError("as many hashes as phrases")
    if not rows:
        return ()
    columns = zip(*rows, strict=True)
    return tuple(map(tuple.__new__, repeat(Phrase), zip(hashes, *columns, strict=True)))
