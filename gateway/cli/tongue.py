"""`--lang` of the commands that an officer runs: what they say to people, in English or Italian.

What machines read, JSON, CSV and exit codes, is the same in both.
"""

import re
from functools import cache
from itertools import chain, zip_longest
from pathlib import Path
from typing import NamedTuple

import click
import orjson

BOOK = Path(__file__).with_name("italian.json")
"""What other parts say in English alone: `{}` stands for a value, `{~}` for one that is words itself."""
LONGEST = 2000
"""Characters of what is looked up; a longer text stays as it is."""
WORDS = "{~}"
_CHOSEN = "galateo.language"
_PLACED = re.compile(r"(line \d+: |[^\s:]+:\d+: |[^:]*\.yaml: |entry \d+ of keep: )(.+)", re.DOTALL)
_SENTENCE = re.compile(r"\b[a-z]+ [a-z]+ [a-z]+\b")
_MARK = re.compile(r"\{~?\}")
_PLACES = (("line ", "riga "), ("entry ", "voce "), (" of keep", " di keep"))


def _choose(context: click.Context, _: click.Parameter, language: str) -> None:
    context.meta[_CHOSEN] = language


LANG = click.option(
    "--lang",
    type=click.Choice(["en", "it"]),
    default="en",
    is_eager=True,  # what is wrong with another option is told in it
    expose_value=False,
    callback=_choose,
    help="The language of what is shown.",
)
"""The option, for every command that speaks to an officer."""


def language() -> str:
    """What the command that runs was asked to speak."""
    context = click.get_current_context(silent=True)
    return str(context.meta.get(_CHOSEN, "en")) if context else "en"


def say(en: str, it: str) -> str:
    """The one of two sentences that is asked for."""
    return it if language() == "it" else en


def lines_of(count: int) -> str:
    """So many lines, in words."""
    return say("1 line" if count == 1 else f"{count} lines", "1 riga" if count == 1 else f"{count} righe")


def told(said: object) -> str:
    """What another part says in English, in the language that is asked for; as it stands where nobody
    wrote it down."""
    text = str(said)
    return "\n".join(map(render, text.split("\n"))) if language() == "it" else text


def render(text: str, depth: int = 4) -> str:
    """The same in Italian, part by part, and in those the parts that are words themselves."""
    if not depth or len(text) > LONGEST:
        return text
    known = _looked_up(text, depth, whole=False) or _in_parts(text, depth) or _looked_up(text, depth)
    return known or _hinted(text, depth) or text


def _in_parts(text: str, depth: int) -> str:
    """A place and what is wrong there; or several things that are wrong."""
    if found := _PLACED.fullmatch(text):
        return _place(found[1]) + render(found[2], depth - 1)
    for mark in ("\n", "; "):
        parts = text.split(mark)
        if len(parts) > 1 and (told := mark.join(render(part, depth - 1) for part in parts)) != text:
            return told
    return ""


def _hinted(text: str, depth: int) -> str:
    """What is wrong, and in brackets what was probably meant."""
    wrong, _, hint = text.rpartition(" (")
    if not wrong or hint[-1:] != ")":
        return ""
    return f"{render(wrong, depth - 1)} ({render(hint[:-1], depth - 1)})"


def _place(text: str) -> str:
    for en, it in _PLACES:
        text = text.replace(en, it)
    return text


def _looked_up(text: str, depth: int, *, whole: bool = True) -> str:
    """By the book. Unless it is taken as a `whole`, no value reaches over a semicolon. What would come out
    half in English, half in Italian is not used."""
    for phrase in _book():
        values = phrase.values(text)
        if values is None or not (whole or phrase.within(values)):
            continue
        said = [
            render(value, depth - 1) if mark == WORDS else value
            for value, mark in zip(values, phrase.marks, strict=True)
        ]
        worded = [one for one, mark in zip(said, phrase.marks, strict=True) if mark == WORDS]
        if any(one in values and _SENTENCE.search(one) for one in worded):
            continue
        return "".join(chain.from_iterable(zip_longest(phrase.italian, said, fillvalue="")))
    return ""


class _Phrase(NamedTuple):
    """What stands around values in either language, and the mark of each."""

    english: list[str]
    italian: list[str]
    marks: list[str]

    def values(self, text: str) -> list[str] | None:
        """What the text says it of, each as short as can be; None where it says something else."""
        first, *rest = self.english
        if not rest or not text.startswith(first):
            return [] if text == first else None
        at, end, found = len(first), len(text) - len(rest[-1]), []
        for part in rest[:-1]:
            begins = text.find(part, at, end)
            if begins < 0:
                return None
            found.append(text[at:begins])
            at = begins + len(part)
        return [*found, text[at:end]] if at <= end and text.endswith(rest[-1]) else None

    def within(self, values: list[str]) -> bool:
        """Whether each value, but for what is words itself, is of one part."""
        return all(mark == WORDS or ";" not in value for value, mark in zip(values, self.marks, strict=True))


@cache
def _book() -> list[_Phrase]:
    """Those that say most themselves come first."""
    said: dict[str, str] = orjson.loads(BOOK.read_bytes())
    wordy = sorted(said, key=lambda one: -len(one.replace("{}", "")))
    return [_Phrase(one.split("{}"), _MARK.split(said[one]), _MARK.findall(said[one])) for one in wordy]
