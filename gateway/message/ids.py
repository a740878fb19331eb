"""Sortable identifiers: 48 bits of milliseconds, then 80 bits of entropy, as in ULID."""

_ALPHABET = "0123456789abcdefghjkmnpqrstvwxyz"
_PAIRS = tuple(a + b for a in _ALPHABET for b in _ALPHABET)
_VALUES = {c: i for i, c in enumerate(_ALPHABET)}
_ENTROPY_OCTETS = 10
_LATEST = (1 << 48) - 1


def new_id(now: float, entropy: bytes) -> str:
    """26 characters of lower-case Crockford base32 that sort by time.

    `now` is unix seconds, kept to the millisecond; `entropy` is at least ten octets, of which the
    first ten count. Raises ValueError when there are fewer, or the time does not fit.
    """
    if len(entropy) < _ENTROPY_OCTETS:
        raise ValueError("an id needs ten octets of entropy")
    moment = round(now * 1000)
    if not 0 <= moment <= _LATEST:
        raise ValueError("the time of an id lies between 1970 and 10889")
    p = _PAIRS
    low = int.from_bytes(entropy[5:10], "big")
    high = int.from_bytes(entropy[:5], "big")
    # 50 bits hold the moment, so that thirteen pairs of ten bits make up 130 bits.
    return (
        p[moment >> 40] + p[moment >> 30 & 1023] + p[moment >> 20 & 1023]
        + p[moment >> 10 & 1023] + p[moment & 1023]
        + p[high >> 30] + p[high >> 20 & 1023] + p[high >> 10 & 1023] + p[high & 1023]
        + p[low >> 30] + p[low >> 20 & 1023] + p[low >> 10 & 1023] + p[low & 1023]
    )  # fmt: skip


def is_id(text: str) -> bool:
    """Whether the text has the shape of an id made here."""
    return len(text) == 26 and text[0] in "01234567" and all(c in _VALUES for c in text)


def time_of(identifier: str) -> float:
    """The unix seconds at which the id was made, to the millisecond; ValueError for anything else."""
    if not is_id(identifier):
        raise ValueError("not an id")
    moment = 0
    for c in identifier[:10]:
        moment = moment << 5 | _VALUES[c]
    return moment / 1000
