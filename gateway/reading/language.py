"""Language by counting function words: no detector, no model."""

from collections.abc import Mapping

_PLAIN = bytes(
    (c | 32) if 65 <= c <= 90 else c if 97 <= c <= 122 or 48 <= c <= 57 else 32 for c in range(256)
)
LANGUAGES = ("it", "en", "de", "fr", "es")
Votes = tuple[float, ...]
NO_VOTES: Votes = (0.0, 0.0, 0.0, 0.0, 0.0)


def split_words(text: bytes) -> list[bytes]:
    """The words of folded text, in lower case."""
    return text.translate(_PLAIN).split()


def weigh_words(words: Mapping[str, frozenset[str]]) -> dict[bytes, Votes]:
    """Each function word with its vote for each language; shared words count for less."""
    table: dict[bytes, Votes] = {}
    for word in set().union(*words.values()):
        owners = [code for code in LANGUAGES if word in words.get(code, frozenset())]
        share = (1.0, 0.45, 0.25, 0.15, 0.1)[len(owners) - 1]
        table[word.encode()] = tuple(share if code in owners else 0.0 for code in LANGUAGES)
    return table


def count_votes(words: list[bytes], table: Mapping[bytes, Votes]) -> Votes:
    """The votes of these words."""
    found = [table[word] for word in words if word in table]
    if not found:
        return NO_VOTES
    return tuple(map(sum, zip(*found, strict=True)))


def elect(votes: Votes, *, least: float = 1.0, lead: float = 1.15) -> str:
    """The language with most votes, `und` where there are too few or no winner stands out."""
    order = sorted(votes, reverse=True)
    if order[0] < least or order[0] < order[1] * lead:
        return "und"
    return LANGUAGES[votes.index(order[0])]
