"""Language by counting function words: no detector, no model."""

from collections.abc import Iterable, Mapping

_PLAIN = bytes(
    (c | 32) if 65 <= c <= 90 else c if 97 <= c <= 122 or 48 <= c <= 57 else 32 for c in range(256)
)
LANGUAGES = ("it", "en", "de", "fr", "es")
Votes = int
"""Hundredths of a vote for each of LANGUAGES, in 24 bits each: votes add up as numbers do."""
_BITS = 24
_FIELD = (1 << _BITS) - 1
_PLACES = tuple(_BITS * place for place in range(len(LANGUAGES)))


def split_words(text: bytes) -> list[bytes]:
    """The words of folded text, in lower case."""
    return text.translate(_PLAIN).split()


def vote(code: str, hundredths: int) -> Votes:
    """So many hundredths of a vote for a language."""
    return hundredths << _PLACES[LANGUAGES.index(code)]


def weigh_words(words: Mapping[str, frozenset[str]]) -> dict[bytes, Votes]:
    """Each function word with its vote for each language; shared words count for less."""
    table: dict[bytes, Votes] = {}
    for word in set().union(*words.values()):
        owners = [code for code in LANGUAGES if word in words.get(code, frozenset())]
        share = (100, 45, 25, 15, 10)[len(owners) - 1]
        table[word.encode()] = sum(vote(code, share) for code in owners)
    return table


def count_votes(words: Iterable[bytes], table: Mapping[bytes, Votes]) -> Votes:
    """The votes of these words."""
    return sum(filter(None, map(table.get, words)))


def most_votes(votes: Votes) -> float:
    """How many votes the leading language has."""
    return max([votes >> place & _FIELD for place in _PLACES]) / 100 if votes else 0.0


def elect(votes: Votes, *, least: float = 1.0, lead: float = 1.15) -> str:
    """The language with most votes, `und` where there are too few or no winner stands out."""
    if not votes:
        return "und"
    counts = [votes >> place & _FIELD for place in _PLACES]
    most = max(counts)
    leader = counts.index(most)
    counts[leader] = 0
    return "und" if most < least * 100 or most < max(counts) * lead else LANGUAGES[leader]
