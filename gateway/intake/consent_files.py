"""Consent imports: one line of CSV or JSONL to one checked ConsentInput. Pure."""

import csv
from collections.abc import Iterable, Iterator, Mapping
from datetime import UTC, datetime

import orjson

from gateway.intake.consents import ConsentInput

REQUIRED = ("address", "channel", "purpose", "controller", "action", "at")
EVIDENCE = (
    "wording", "wording_version", "language", "form_url", "ip", "user_agent", "confirmed_at", "confirmed_ip",
    "contract", "recording", "signed_document", "sale_id", "assessment_id", "entered_by",
)  # fmt: skip
OTHER = ("basis", "source", "expires_at", "jurisdiction")
COLUMNS = (*REQUIRED, *EVIDENCE, *OTHER)

LONGEST_FIELD = 10_000


class HeaderError(ValueError):
    """The first line of the file is not a header that an import can use."""


def read_csv(lines: Iterable[str]) -> Iterator[tuple[int, ConsentInput | str]]:
    """(line number, input or what is wrong with it) for each line of a CSV file with a header."""
    csv.field_size_limit(LONGEST_FIELD * 20)
    reader = csv.DictReader(lines, restkey="too many columns", strict=True)
    header = list(reader.fieldnames or ())
    missing = [name for name in REQUIRED if name not in header]
    unknown = [name for name in header if name not in COLUMNS]
    if missing or unknown or len(set(header)) != len(header):
        said = [f"is missing {', '.join(missing)}"] if missing else []
        said += [f"has unknown columns {', '.join(unknown)}"] if unknown else []
        said += ["names a column twice"] if len(set(header)) != len(header) else []
        raise HeaderError(f"the header {'; '.join(said)}. Columns: {', '.join(COLUMNS)}")
    while True:
        try:
            row = next(reader)
        except StopIteration:
            return
        except csv.Error as error:
            yield reader.line_num, f"not CSV: {error}"
            continue
        yield reader.line_num, read_row(row)


def read_jsonl(lines: Iterable[str]) -> Iterator[tuple[int, ConsentInput | str]]:
    """The same for a file with one JSON object a line."""
    for number, line in enumerate(lines, 1):
        if not line.strip():
            continue
        try:
            row = orjson.loads(line)
        except orjson.JSONDecodeError as error:
            yield number, f"not JSON: {error}"
            continue
        if not isinstance(row, dict):
            yield number, "not a JSON object"
        elif unknown := sorted(set(row) - set(COLUMNS)):
            yield number, f"unknown field {unknown[0]}"
        else:
            yield number, read_row({k: str(v) for k, v in row.items() if v is not None})


def read_row(row: Mapping[str | None, str | None]) -> ConsentInput | str:
    """One checked line, or what is wrong with it in words."""
    if None in row or "too many columns" in row:
        return "more fields than the header has columns"
    values = {str(name): (value or "").strip() for name, value in row.items()}
    for name, value in values.items():
        if "\0" in value or len(value) > LONGEST_FIELD:
            return f"{name} holds a NUL or is too long"
    missing = [
        n for n in REQUIRED if not values.get(n) and not (n == "purpose" and values.get("action") in _STOPS)
    ]
    if missing:
        return f"{missing[0]} is empty"
    try:
        at, expires = parse_time(values["at"]), parse_time(values.get("expires_at", ""))
        if values.get("confirmed_at"):
            parse_time(values["confirmed_at"])
    except ValueError as error:
        return str(error)
    line = ConsentInput(
        controller=values["controller"],
        channel=values["channel"].lower(),
        address=values["address"],
        purpose=values.get("purpose", ""),
        action=values["action"].lower(),
        at=at,
        basis=values.get("basis") or "consent",
        jurisdiction=values.get("jurisdiction", ""),
        expires_at=expires,
        source=values.get("source", ""),
        proof={name: values[name] for name in EVIDENCE if values.get(name)},
    )
    return line.problem() or line


_STOPS = ("withdrawn", "objected", "WITHDRAWN", "OBJECTED")


def parse_time(text: str) -> float:
    """ISO 8601 with a zone (Z or an offset), or a date, to unix seconds; 0 for nothing."""
    if not text:
        return 0.0
    try:
        at = datetime.fromisoformat(text)
    except ValueError as error:
        raise ValueError(f"{text[:40]!r} is not a time; write 2026-03-01T10:00:00Z") from error
    if at.tzinfo is None:
        if len(text) > 10:
            raise ValueError(f"{text[:40]!r} has no time zone; write 2026-03-01T10:00:00Z")
        at = at.replace(tzinfo=UTC)
    return at.timestamp()
