"""Consent imports: one line of CSV or JSONL to one checked ConsentInput. Pure.

A file may be of any length: it is read line by line, and a line that cannot be meant costs only itself.
"""

import csv
import re
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Mapping
from math import inf

import orjson

from gateway.intake.consents import DAY, STOPPING, ConsentInput
from gateway.ledger.evidence import faults, parse_time

REQUIRED = ("address", "channel", "purpose", "controller", "action", "at")
EVIDENCE = (
    "wording", "wording_version", "language", "form_url", "place", "ip", "user_agent", "confirmed_at",
    "confirmed_ip", "confirmed_user_agent", "confirmation_message", "contract", "recording",
    "signed_document", "sale_id", "sale_date", "assessment_id", "entered_by",
)  # fmt: skip
OTHER = ("basis", "source", "expires_at", "jurisdiction")
COLUMNS = (*REQUIRED, *EVIDENCE, *OTHER)

_EVIDENCE = frozenset(EVIDENCE)
_CLOSING = (*STOPPING, "expired")
"""What these take away is gone whatever stands beside it: evidence is kept and never held against them."""
_SEPARATOR = re.compile(r'"?sep=([,;\t])"?[,;\s]*\Z', re.IGNORECASE)
"""A line before the header by which some spreadsheets tell each other what stands between fields."""
_JSON = re.compile(r"\s*(\{|\[\s*(\{|\Z))")
_ASKING = ("requested", "granted")
"""Actions whose time is that of the request, so that no confirmation lies before it."""

LONGEST_FIELD = 10_000
LONGEST_LINE = 262_144
"""Characters of a line that are read; what is longer is no line of consents, and is refused."""
MOST_LINES = 50
"""Lines that a quoted field may span; with more, its closing quotation mark was forgotten."""

Read = Iterator[tuple[int, ConsentInput | str]]


class HeaderError(ValueError):
    """The first line of the file is not a header that an import can use."""


def bounded(readline: Callable[[int], str]) -> Iterator[str]:
    """The lines of a file, none longer than LONGEST_LINE: what is more of one is dropped. Where the file is
    read with newline="", a line ends as well with a carriage return alone, as some spreadsheets write it."""
    while line := readline(LONGEST_LINE):
        rest = line
        while not rest.endswith(("\n", "\r")) and (rest := readline(LONGEST_LINE)):
            pass
        yield line


class _Lines:
    """The lines of a file as they are taken, those of the record under way kept, so that they can be
    given back when it turns out to be none."""

    def __init__(self, lines: Iterable[str]) -> None:
        self._lines = iter(lines)
        self._back: deque[str] = deque()
        self._taken: list[str] = []
        self.number = 0

    def __iter__(self) -> Iterator[str]:
        return self

    def __next__(self) -> str:
        taken = self._taken
        if len(taken) >= MOST_LINES:
            raise csv.Error("a quotation mark is not closed")
        line = self._back.popleft() if self._back else next(self._lines)
        taken.append(line)
        self.number += 1
        return line

    def begin(self) -> None:
        """A record begins here."""
        self._taken = []

    def give_back(self) -> None:
        """All of the record but its first line is read again, as records of its own."""
        rest = self._taken[1:]
        self._back.extendleft(reversed(rest))
        self.number -= len(rest)


def read_csv(lines: Iterable[str], after: int = 0, latest: float = inf) -> Read:
    """(line number, input or what is wrong with it) for each line of a CSV file with a header, between
    commas or, as some spreadsheets write it, semicolons or tabs. Lines up to `after` are passed over;
    `latest` is the time after which nothing can have happened yet."""
    csv.field_size_limit(LONGEST_FIELD * 20)
    source = _Lines(lines)
    first = next(source, "")
    named = _SEPARATOR.match(first)
    header, separator = _read_header(next(source, ""), named[1]) if named else _read_header(first)
    fields = csv.reader(source, strict=True, delimiter=separator)
    width = len(header)
    while True:
        source.begin()
        try:
            row = next(fields)
        except StopIteration:
            return
        except csv.Error as error:
            row, found = [], f"not CSV: {error}"
        else:
            found = "" if len(row) == width or not row else _other_width(row, width)
        if found:
            source.give_back()
        if source.number <= after:
            continue
        if found:
            yield source.number, found
        elif row:
            yield source.number, _check(dict(zip(header, map(str.strip, row), strict=True)), latest)


def _other_width(row: list[str], width: int) -> str:
    return f"{'more' if len(row) > width else 'fewer'} fields than the header has columns"


def _read_header(line: str, separator: str = "") -> tuple[list[str], str]:
    if why := _no_header(line):
        raise HeaderError(why)
    separator = separator or max(",;\t", key=line.count)
    try:
        names = next(csv.reader([line], strict=True, delimiter=separator), [])
    except csv.Error as error:
        raise HeaderError(f"the header is not CSV: {error}") from error
    header = [name.strip().lower() for name in names]
    missing = [name for name in REQUIRED if name not in header]
    unknown = [name for name in header if name not in COLUMNS]
    if missing or unknown or len(set(header)) != len(header):
        said = [f"is missing {', '.join(missing)}"] if missing else []
        said += [f"has unknown columns {', '.join(unknown)}"] if unknown else []
        said += ["names a column twice"] if len(set(header)) != len(header) else []
        raise HeaderError(f"the header {'; '.join(said)}. Columns: {', '.join(COLUMNS)}")
    return header, separator


def _no_header(line: str) -> str:
    """What a file is that begins like this and is no CSV in UTF-8, and what to do, or nothing."""
    if line.startswith("PK\x03\x04"):
        return "this is a workbook or an archive, not CSV: save it as CSV UTF-8"
    if "\0" in line or "\ufffd" in line:
        return "the file is not in UTF-8: save it as CSV UTF-8"
    if _JSON.match(line):
        return "this is JSON, not CSV: write one object a line, into a file whose name ends with .jsonl"
    return ""


def read_jsonl(lines: Iterable[str], after: int = 0, latest: float = inf) -> Read:
    """The same for a file with one JSON object a line."""
    for number, line in enumerate(lines, 1):
        if number <= after or not line.strip():
            continue
        try:
            row = orjson.loads(line)
        except orjson.JSONDecodeError as error:
            yield number, f"not JSON: {error}"
            continue
        if not isinstance(row, dict):
            yield number, "not a JSON object"
        elif unknown := sorted(set(row) - set(COLUMNS)):
            yield number, f"unknown field {unknown[0][:100]}"
        elif odd := [name for name, value in row.items() if isinstance(value, (dict, list, bool))]:
            yield number, f"{odd[0]} is neither text nor a number"
        else:
            yield number, read_row({k: str(v) for k, v in row.items() if v is not None}, latest)


def read_row(row: Mapping[str, str], latest: float = inf) -> ConsentInput | str:
    """One checked line, or what is wrong with it in words."""
    return _check({name: value.strip() for name, value in row.items()}, latest)


def _check(values: dict[str, str], latest: float) -> ConsentInput | str:
    said = "".join(values.values())
    if len(said) > LONGEST_FIELD or "\0" in said or "\ufffd" in said:
        for name, value in values.items():
            if "\0" in value or len(value) > LONGEST_FIELD:
                return f"{name} holds a NUL or is too long"
            if "\ufffd" in value:
                return f"{name} holds octets that are not UTF-8; save the file as UTF-8"
    get = values.get
    action, purpose = get("action", "").lower(), get("purpose", "").lower()
    for name in REQUIRED:
        if not get(name) and not (name == "purpose" and action in STOPPING):
            return f"{name} is empty"
    try:
        at, expires = parse_time(values["at"]), parse_time(get("expires_at", ""))
    except ValueError as error:
        return str(error)
    if at > latest:
        return f"{values['at'][:40]!r} is yet to come: what was agreed to lies in the past"
    if action not in _CLOSING and (wrong := _unproven(values, action, at, latest)):
        return wrong
    line = ConsentInput(
        controller=values["controller"],
        channel=values["channel"].lower(),
        address=values["address"],
        purpose=purpose,
        action=action,
        at=at,
        basis=(get("basis") or "consent").lower(),
        jurisdiction=get("jurisdiction", "").lower(),
        expires_at=expires,
        source=get("source", ""),
        proof=_proof(values),
    )
    return line.problem() or line


def _unproven(values: dict[str, str], action: str, at: float, latest: float) -> str:
    """What is wrong with the evidence of a line that grants or asks, or nothing."""
    try:
        confirmed = parse_time(values.get("confirmed_at", ""))
    except ValueError as error:
        return str(error)
    if wrong := faults(values, latest):
        return next(iter(wrong.values()))
    if confirmed and confirmed < at - DAY and action in _ASKING:
        return "confirmed_at lies before at, which is the time of the request"
    return ""


def _proof(values: dict[str, str]) -> dict[str, str]:
    """The evidence as it was given; with the time as it was written, where that tells a zone."""
    proof = {name: value for name, value in values.items() if value and name in _EVIDENCE}
    at = values["at"]
    if len(at) > 10 and at[-1] not in "Zz":
        proof["at"] = at
    return proof
