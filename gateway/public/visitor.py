"""What visitors of a page filled in: all of it hostile until shown otherwise."""

import binascii
import re
from collections.abc import Callable, Iterator
from itertools import islice, zip_longest
from urllib.parse import parse_qsl

from aiohttp import web

from gateway.web.form import BadForm, read_octets
from gateway.web.media import media_type

FORM_OCTETS = 16_384
FORM_FIELDS = 200

_BOUNDARY = re.compile(r'boundary=(?:"([^"\r\n]{1,70})"|([^\s;",]{1,70}))', re.IGNORECASE)
_EMPTY_LINE = re.compile(rb"\r?\n\r?\n")
_FOLD = re.compile(rb"\r?\n[ \t]")
_NAME = re.compile(
    rb'^content-disposition:[^\r\n]*?;[ \t]*name=(?:"([^"\r\n]*)"|([^\s;"]+))', re.IGNORECASE | re.MULTILINE
)
_CODING = re.compile(rb"^content-transfer-encoding:[ \t]*([a-z0-9-]+)", re.IGNORECASE | re.MULTILINE)
_DECODE: dict[bytes, Callable[[bytes], bytes]] = {
    b"base64": binascii.a2b_base64,
    b"quoted-printable": binascii.a2b_qp,
}


async def read_form(request: web.Request) -> list[tuple[str, str]]:
    """The fields of a posted form, urlencoded or multipart, in order. Raises BadForm."""
    body = await read_octets(request, FORM_OCTETS)
    kind = media_type(request)
    if kind == "application/x-www-form-urlencoded":
        try:
            return parse_qsl(
                body.decode("utf-8"), keep_blank_values=True, max_num_fields=FORM_FIELDS, strict_parsing=False
            )
        except ValueError as error:
            raise BadForm from error
    if kind == "multipart/form-data":
        return _read_parts(request.headers.get("Content-Type", ""), body)
    raise BadForm


def _read_parts(content_type: str, body: bytes) -> list[tuple[str, str]]:
    """The fields of a form in parts (RFC 7578), in time that grows with its length and no faster: whoever has
    a link may post anything, and everybody else waits. What is broken off keeps the fields that came."""
    found = _BOUNDARY.search(content_type)
    if not found or not content_type.isascii():
        raise BadForm
    mark = re.escape((found[1] or found[2]).encode())
    line = re.compile(rb"\r?\n--" + mark + rb"(--)?[ \t]*(?=\r?\n|\Z)")
    body = b"\n" + body
    fields: list[tuple[str, str]] = []
    marks = list(islice(line.finditer(body), FORM_FIELDS + 1))
    for begin, end in zip_longest(marks, marks[1:]):
        if begin[1] or len(fields) == FORM_FIELDS:
            return fields
        fields += _read_part(body[begin.end() : end.start() if end else len(body)])
    if not marks:
        raise BadForm
    return fields


def _read_part(part: bytes) -> Iterator[tuple[str, str]]:
    """The name and the value of a part, where it has a name."""
    head, *value = _EMPTY_LINE.split(part, maxsplit=1)
    head = _FOLD.sub(b" ", head)
    name, coding = _NAME.search(head), _CODING.search(head)
    decode = _DECODE.get(coding[1].lower()) if coding else None
    if not name or not value:
        return
    try:
        octets = decode(value[0]) if decode else value[0]
    except ValueError as error:
        raise BadForm from error
    said = name[1] if name[1] is not None else name[2]
    yield said.decode("utf-8", "replace"), octets.decode("utf-8", "replace").strip("\r\n")
