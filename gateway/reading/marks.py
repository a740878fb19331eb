"""Marks in links: what a link carries to know its reader by, which nobody reads.

Tools put another mark in every copy, and a paragraph with a link would be new in each. So it is known without
its marks: they are made alike, of the same length, and offsets stay true.
"""

import re

from gateway.reading.sheet import Chunk

_LINK = re.compile(r"://[^/?#\s\"'<>]+[/?#][^\s\"'<>]+")
_PIECE = re.compile(r"(?P<other>%[0-9A-Fa-f]{2}|&#?\w+;?)|[A-Za-z0-9_-]{5,}")
_TURN = re.compile(r"[A-Za-z](?=[0-9])|[0-9](?=[A-Za-z])")
_LEAST_TURNS, _BETWEEN_TURNS = 2, 7
"""A mark goes from letters to digits and back so many times, once in so many signs at least; words do not."""
_RUN = re.compile(r"[A-Za-z0-9]+")
_LEAST_WORD = 4
"""Letters between dashes, from which on they may be a word beside a mark, and are read."""
_FIRST, _LAST = 0xE000, 0xF8FF
"""Signs of private use: they stand for marks while a part of a page is kept."""
_PRIVATE = re.compile(f"[{chr(_FIRST)}-{chr(_LAST)}]")
_PLACES = re.compile(f"([{chr(_FIRST)}-{chr(_LAST)}])\\1*")


def even(text: str) -> str:
    """The text with the marks in its links made alike, each as long as it was."""
    return _LINK.sub(_even_link, text) if "://" in text else text


def _even_link(link: "re.Match[str]") -> str:
    return _PIECE.sub(_even_piece, link[0])


def _even_piece(piece: "re.Match[str]") -> str:
    word = piece[0]
    if piece["other"] or not is_mark(word):
        return word
    if word.isdigit():
        return "7" * len(word)
    return _RUN.sub(_even_run, word)


def _even_run(run: "re.Match[str]") -> str:
    signs = run[0]
    if (
        len(signs) >= _LEAST_WORD
        and signs.isalpha()
        and signs in (signs.lower(), signs.upper(), signs.title())
    ):
        return signs
    return ("x7" * len(signs))[: len(signs)]


def is_mark(word: str) -> bool:
    """Whether a word of a link is none that people write: a number, or letters and digits in turn."""
    if word.isdigit():
        return True
    turns = len(_TURN.findall(word))
    return turns >= _LEAST_TURNS and turns * _BETWEEN_TURNS >= len(word)


def lift(part: str) -> tuple[str, list[str]]:
    """A part of a page with a sign of private use, repeated, in the place of each mark; and the marks."""
    marks: list[str] = []
    if "data:" in part or _PRIVATE.search(part):
        return part, marks

    def lift_piece(piece: "re.Match[str]") -> str:
        word = piece[0]
        if piece["other"] or not is_mark(word) or len(marks) > _LAST - _FIRST:
            return word
        marks.append(word)
        return chr(_FIRST + len(marks) - 1) * len(word)

    return _LINK.sub(lambda link: _PIECE.sub(lift_piece, link[0]), part), marks


def put_back(chunk: Chunk, marks: list[str]) -> Chunk:
    """What a part without its marks comes to, with them."""

    def fill(text: str) -> str:
        return text if text.isascii() else _PLACES.sub(lambda place: marks[ord(place[1]) - _FIRST], text)

    wide, parts, length, blank, links, images, said = chunk
    targets = tuple([(start, end, fill(target)) for start, end, target in links])
    return wide, tuple(map(fill, parts)), length, blank, targets, images, tuple(map(fill, said))
