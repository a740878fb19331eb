"""`galateo read`: what the gateway reads in a message."""

import re
import sys
from bisect import bisect_left
from codecs import BOM_UTF8
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import click
import orjson
from msgspec.structs import replace

from gateway.cli.tongue import LANG, say, told
from gateway.message.content import Content
from gateway.reading.lexicon import BadLexicon
from gateway.reading.load import load_lexicons
from gateway.reading.read import Reader
from gateway.reading.reading import FINDINGS, Evidence, Finding, Greeting, Reading
from gateway.settings.settings import SHIPPED_LEXICONS

_TEXTS = (
    "channel", "subject", "body", "html", "sender_name", "recipient_name", "recipient_company", "lang",
)  # fmt: skip


def content_of(row: dict[str, Any]) -> Content:
    """A Content from one JSON object; fields that are missing or null are empty."""

    def word(key: str) -> str:
        value = row.get(key)
        return value if isinstance(value, str) else ""

    return Content(
        channel="email" if word("channel") in ("", "email") else word("channel"),
        subject=word("subject"),
        text=word("body"),
        html=word("html"),
        sender_name=word("sender_name"),
        recipient_name=word("recipient_name"),
        recipient_company=word("recipient_company"),
        language=word("lang"),
        own_words=tuple(v for v in (word("recipient_name"), word("recipient_company")) if v),
    )


def as_json(ident: object, reading: Reading) -> dict[str, object]:
    """The reading as one JSON object."""
    found = {name: _finding(getattr(reading, name)) for name in FINDINGS}
    greeting = {
        "value": reading.greeting.kind,
        "score": 1.0,
        "name": reading.greeting.name,
        "evidence": [_evidence(one) for one in reading.greeting.evidence],
    }
    return {
        "id": ident,
        "language": reading.language,
        **found,
        "greeting": greeting,
        "truncated": reading.truncated,
    }


def _point_into(body: str, reading: Reading) -> Reading:
    """The reading with offsets into the body as it came, whose lines may end in CR and LF."""
    breaks = [match.start() - number for number, match in enumerate(re.finditer("\r\n", body))]
    if not breaks:
        return reading

    def move(one: Evidence) -> Evidence:
        if one.part != "body" or one.end <= one.start:
            return one
        start, end = (place + bisect_left(breaks, place) for place in (one.start, one.end))
        return replace(one, text=body[start:end], start=start, end=end)

    def moved(found: Finding | Greeting) -> Finding | Greeting:
        return replace(found, evidence=tuple(move(one) for one in found.evidence))

    return replace(reading, **{name: moved(getattr(reading, name)) for name in (*FINDINGS, "greeting")})


def _finding(finding: Finding) -> dict[str, object]:
    return {
        "value": finding.value,
        "score": finding.score,
        "evidence": [_evidence(one) for one in finding.evidence],
    }


def _evidence(one: Evidence) -> dict[str, object]:
    shown: dict[str, object] = {"text": one.text, "start": one.start, "end": one.end, "why": one.why}
    if one.part != "body":
        shown["part"] = one.part
    return shown


def _contents(source: str) -> Iterator[tuple[object, Content]]:
    if source.lower().endswith(".eml"):
        from gateway.message.parse import parse

        yield Path(source).name, parse(Path(source).read_bytes()).content
        return
    data = sys.stdin.buffer.read() if source == "-" else Path(source).read_bytes()
    for number, line in enumerate(data.removeprefix(BOM_UTF8).split(b"\n"), 1):
        if not line.strip():
            continue
        try:
            row = orjson.loads(line)
        except orjson.JSONDecodeError as error:
            wrong = say("not a JSON object", "non è un oggetto JSON")
            raise click.UsageError(f"{source}:{number}: {wrong} ({error})") from None
        if not isinstance(row, dict):
            wrong = say("expected a JSON object with", "qui va un oggetto JSON con")
            raise click.UsageError(f"{source}:{number}: {wrong} id, channel, subject, body")
        for key in _TEXTS:
            if not isinstance(row.get(key) or "", str):
                wrong = say("must be text", "deve essere un testo")
                raise click.UsageError(f"{source}:{number}: {key} {wrong}")
        yield row.get("id"), content_of(row)


def _read(reader: Reader, content: Content) -> Reading:
    reading = reader.read(content)
    return reading if content.html.strip() else _point_into(content.text, reading)


@click.command("read")
@click.argument(
    "source",
    metavar="[FILE.jsonl|FILE.eml|-]",
    default="-",
    type=click.Path(exists=True, dir_okay=False, allow_dash=True),
)
@click.option(
    "--lexicons",
    type=click.Path(exists=True, file_okay=False, path_type=Path),
    default=None,
    help="Folder of lexicons; by default those of the gateway.",
)
@LANG
def read_command(source: str, lexicons: Path | None) -> None:
    """Say what the gateway reads in each message, with the words that show it.

    One JSON object per line in (id, channel, subject, body; optional sender_name, recipient_name,
    recipient_company, lang, html), one per line out.
    """
    try:
        reader = Reader(load_lexicons(lexicons or SHIPPED_LEXICONS))
    except BadLexicon as error:
        raise click.UsageError(f"{lexicons or SHIPPED_LEXICONS}: {told(error)}") from None
    for ident, content in _contents(source):
        sys.stdout.buffer.write(
            orjson.dumps(as_json(ident, _read(reader, content)), option=orjson.OPT_APPEND_NEWLINE)
        )
    sys.stdout.buffer.flush()
