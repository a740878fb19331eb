"""Reading JSON that others shaped: types are checked, unknown keys ignored as the real services do. Pure."""

import re
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from gateway.ingress.dialects.bad import Bad
from gateway.message import base64_text
from gateway.message.compose import File
from gateway.web.problem import Problem
from gateway.web.strict_json import parse_json

LONGEST_TEXT = 1_000_000
LONGEST_HTML = 5_000_000
LONGEST_LINE = 998
MOST_FILES = 50

Fields = Mapping[str, Any]

_CONTROL = re.compile("[\x00-\x1f\x7f-\x9f\u2028\u2029]")
_SPACE = re.compile(r"\s+")


def an_object(value: Any, at: str = "") -> Fields:
    """The value as an object; Bad where it is something else."""
    if not isinstance(value, dict):
        raise Bad("This must be an object.", at)
    return value


def object_of(data: Fields, name: str, at: str = "") -> Fields:
    """The object under that key, empty where there is none."""
    value = data.get(name)
    return {} if value is None else an_object(value, path(at, name))


def object_in(text: str, at: str) -> Fields:
    """The object that a text of JSON says, empty for a blank one; Bad where it says something else."""
    try:
        return an_object(parse_json(text.encode("utf-8", "replace")), at) if text.strip() else {}
    except Problem:
        raise Bad("This must be an object, in a string as JSON.", at) from None


def objects_of(data: Fields, name: str, at: str = "", *, most: int = 1000) -> list[Fields]:
    """The array of objects under that key, empty where there is none."""
    value = data.get(name)
    if value is None:
        return []
    where = path(at, name)
    if not isinstance(value, list):
        raise Bad("This must be an array.", where)
    if len(value) > most:
        raise Bad(f"There may be at most {most} entries.", where)
    return [an_object(item, f"{where}.{n}") for n, item in enumerate(value)]


def text_of(data: Fields, name: str, at: str = "", *, most: int = LONGEST_TEXT) -> str:
    """The text under that key, "" where there is none."""
    value = data.get(name)
    if value is None:
        return ""
    if not isinstance(value, str):
        raise Bad("This must be a string.", path(at, name))
    if len(value) > most:
        raise Bad(f"This may have at most {most} characters.", path(at, name), status=413)
    return value


def line_of(data: Fields, name: str, at: str = "", *, most: int = LONGEST_LINE) -> str:
    """The text under that key, which must be one line without control characters."""
    return one_line(text_of(data, name, at, most=most), path(at, name))


def one_line(text: str, at: str) -> str:
    """The text, where nothing in it could begin a header of its own."""
    if _CONTROL.search(text):
        raise Bad("This must be one line, without control characters.", at)
    return text


def flag_of(data: Fields, name: str, at: str = "") -> bool:
    """The truth value under that key, false where there is none."""
    value = data.get(name)
    if value is None or isinstance(value, bool):
        return bool(value)
    raise Bad("This must be true or false.", path(at, name))


def read_time(text: str) -> float:
    """Unix seconds of a time in ISO 8601, in UTC where it names no zone; 0 for "". Raises ValueError."""
    if not text:
        return 0.0
    at = datetime.fromisoformat(text)
    try:
        return (at if at.tzinfo else at.replace(tzinfo=UTC)).timestamp()
    except OverflowError as error:
        raise ValueError(text) from error


def scalars(data: Fields) -> dict[str, str]:
    """The values of an object that are text, numbers or truth values, as text."""
    return {
        name: value if isinstance(value, str) else str(value).lower()
        for name, value in data.items()
        if isinstance(value, (str, bool, int, float))
    }


def leaves(value: Any, most: int = 40) -> tuple[str, ...]:
    """The texts in a tree of objects and arrays: short ones, the first `most`."""
    found: list[str] = []
    stack = [value]
    while stack and len(found) < most:
        item = stack.pop()
        if isinstance(item, str):
            if item and len(item) < 200:
                found.append(item)
        elif isinstance(item, dict):
            stack += list(item.values())[:most]
        elif isinstance(item, list):
            stack += item[:most]
    return tuple(found)


def squeeze(text: str, most: int = 200) -> str:
    """A value to keep: one line, cut."""
    return _SPACE.sub(" ", _CONTROL.sub(" ", text[: 4 * most])).strip()[:most]


def decode_file(content: str, at: str) -> bytes:
    """Octets of Base64, line ends in it ignored."""
    try:
        return base64_text.decode("".join(content.split()))
    except ValueError:
        raise Bad("The attachment content must be base64 encoded.", at) from None


def octets_of(data: Fields, name: str, at: str) -> bytes:
    """The octets of an attachment, Base64 under that key. Raises Bad where it has none, or an address of
    them in their place: a file that leaves empty would be another one."""
    text = text_of(data, name, at, most=100_000_000)
    if not text and (data.get(name) is None or data.get("path") or data.get("url")):
        raise Bad(
            "An attachment needs its content, in base64: files are not fetched from an address.",
            path(at, name),
        )
    return decode_file(text, path(at, name))


def file_of(
    data: Fields, at: str, *, name: str, content: str, kind: str, cid: str, inline: bool = False
) -> File:
    """An attachment, under the names that the dialect has for its parts."""
    identity = line_of(data, cid, at, most=300).removeprefix("cid:").strip("<>")
    return File(
        filename=line_of(data, name, at, most=255),
        octets=octets_of(data, content, at),
        type=line_of(data, kind, at, most=200).partition(";")[0].strip() or "application/octet-stream",
        inline=inline or bool(identity),
        content_id=identity,
    )


def path(at: str, name: str) -> str:
    """The name of a field within another."""
    return f"{at}.{name}" if at else name
