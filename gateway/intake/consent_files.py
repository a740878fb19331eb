"""Consent imports: one line of CSV or JSONL to one checked ConsentInput. Pure."""

import csv
from collections.abc import Iterable, Iterator, Mapping
from datetime import UTC, datetime

import orjson

from gateway.intake.consents import STOPPING, ConsentInput

REQUIRED = ("address", "channel", "purpose", "controller", "action", "at")
EVIDENCE = (
    "wording", "wording_version", "language", "form_url", "ip", "user_agent", "confirmed_at", "confirmed_ip",
    "contract", "recording", "signed_document", "sale_id", "assessment_id", "entered_by",
)  # fmt: skip
OTHER = ("basis", "source", "expires_at", "jurisdiction")
COLUMNS = (*REQUIRED, *EVIDENCE, *OTHER)

_EVIDENCE = frozenset(EVIDENCE)

LONGEST_FIELD = 10_000


class HeaderError(ValueError):
    """The first line of the file is not a header that an import can use."""


def read_csv(lines: Iterable[str]) -> Iterator[tuple[int, ConsentInput | str]]:
    """(line number, input or what is wrong with it) for each line of a CSV file with a header."""
    csv.field_size_limit(LONGEST_FIELD * 20)
    reader = csv.reader(lines, strict=True)
    try:
        header = next(reader, [])
    except csv.Error as error:
        raise HeaderError(f"the header is not CSV: {error}") from error
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
        if row:
            yield reader.line_num, _read_fields(header, row)


def _read_fields(header: list[str], row: list[str]) -> ConsentInput | str:
    if len(row) > len(header):
        return "more fields than the header has columns"
    if len(row) < len(header):
        return "fewer fields than the header has columns"
    return _check(dict(zip(header, map(str.strip, row), strict=True)))


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
    return _check({str(name): (value or "").strip() for name, value in row.items()})


def _check(values: dict[str, str]) -> ConsentInput | str:
    said = "".join(values.values())
    if "\0" in said or len(said) > LONGEST_FIELD:
        for name, value in values.items():
            if "\0" in value or len(value) > LONGEST_FIELD:
                return f"{name} holds a NUL or is too long"
    for name in REQUIRED:
        if not values.get(name) and not (name == "purpose" and values.get("action", "").lower() in STOPPING):
            return f"{name} is empty"
    try:
        at, expires = parse_time(values["at"]), parse_time(values.get("expires_at", ""))
        parse_time(values.get("confirmed_at", ""))
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
        proof={name: value for name, value in values.items() if value and name in _EVIDENCE},
    )
    return line.problem() or line


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
