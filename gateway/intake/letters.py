"""The gateway's own letters to recipients: please confirm, and here is what we hold. No advertising. Pure."""

import textwrap
from dataclasses import dataclass

from gateway.intake.letter_texts import TEXTS
from gateway.message.compose import build
from gateway.policy.dates import day
from gateway.store.attempt import Report

LANGUAGES = tuple(TEXTS)
WIDTH = 76
LONGEST_WORDING = 4000

# Auto-generated (RFC 3834): no vacation notice comes back, no list takes it for a subscriber's mail.
_HEADERS = (("Auto-Submitted", "auto-generated"), ("X-Auto-Response-Suppress", "All"))


@dataclass(frozen=True, slots=True, kw_only=True)
class Office:
    """Where letters come from: `public_url` leads to the pages, `sender` is the address in From."""

    public_url: str
    sender: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Letter:
    """One letter to one address, in the name of a controller (`who` as readers know it)."""

    id: str
    address: str
    language: str
    who: str
    source: str
    controller: str
    at: float


def ask_to_confirm(
    office: Office, letter: Letter, *, token: str, purpose: str, wording: str, place: str, until: float
) -> Report:
    """The letter that asks for the second half of a double opt-in; `wording` is what the form showed."""
    texts = _texts(letter.language)
    shown = textwrap.indent(_wrap(wording[:LONGEST_WORDING]), "  ", lambda line: True)
    return _report(
        office,
        letter,
        texts["confirm.subject"].format(purpose=one_line(purpose)),
        texts["confirm.text"].format(
            purpose=one_line(purpose),
            who=one_line(letter.who),
            wording=shown,
            place=one_line(place) or texts["confirm.nowhere"],
            link=f"{office.public_url}/c/{token}?lang={letter.language}",
            until=day(until, letter.language),
        ),
    )


def show_holdings(office: Office, letter: Letter, *, token: str) -> Report:
    """The letter with the link that shows what is held."""
    texts = _texts(letter.language)
    link = f"{office.public_url}/me/{token}?lang={letter.language}"
    return _report(
        office, letter, texts["show.subject"], texts["show.text"].format(who=one_line(letter.who), link=link)
    )


def _texts(language: str) -> dict[str, str]:
    return TEXTS.get(language, TEXTS["en"])


def _report(office: Office, letter: Letter, subject: str, text: str) -> Report:
    raw = build(
        sender=office.sender,
        sender_name=one_line(letter.who)[:70],
        recipient=letter.address,
        subject=subject[:200],
        message_id=f"{letter.id}@{office.sender.rpartition('@')[2]}",
        date=letter.at,
        text="\n".join(_wrap(line) for line in text.split("\n")),
        headers=(*_HEADERS, ("Content-Language", letter.language)),
    )
    return Report(
        id=letter.id,
        address=letter.address,
        raw=raw,
        source=letter.source,
        controller=letter.controller,
        smtputf8=not letter.address.isascii(),
    )


def _wrap(text: str) -> str:
    lines = (line for paragraph in text.splitlines() or [""] for line in _lines(paragraph))
    return "\n".join(lines)


def _lines(paragraph: str) -> list[str]:
    """Wrapped where there is white space; a link stays whole."""
    return textwrap.wrap(
        paragraph, WIDTH, break_long_words=False, break_on_hyphens=False, drop_whitespace=True,
        replace_whitespace=False, subsequent_indent=paragraph[: len(paragraph) - len(paragraph.lstrip())],
    ) or [""]  # fmt: skip


def one_line(text: str) -> str:
    """The text without line breaks or controls, so that it stays where it is put."""
    return "".join(c if c.isprintable() else " " for c in text).strip()
