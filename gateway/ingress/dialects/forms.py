"""Forms in both encodings, as a list of fields in order: names may repeat (RFC 7578, WHATWG). Pure."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from urllib.parse import parse_qsl, unquote

from gateway.ingress.dialects.bad import Bad

URLENCODED = "application/x-www-form-urlencoded"
MULTIPART = "multipart/form-data"
MOST = 5000
"""Fields of one form."""
_LONGEST_HEAD = 4096

_BOUNDARY = re.compile(r'boundary=(?:"([^"\r\n]{1,70})"|([^\s;",]{1,70}))', re.IGNORECASE)
_PARAMETER = re.compile(r';\s*([a-z*]+)\s*=\s*(?:"((?>(?:[^"\\]|\\.)*))"|([^\s;"]+))', re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Part:
    """One field. `filename` is None where it is not a file; `type` is "" where none was said."""

    name: str
    octets: bytes
    filename: str | None = None
    type: str = ""

    @property
    def text(self) -> str:
        """The value as text; Bad where it is not UTF-8."""
        try:
            return self.octets.decode("utf-8")
        except UnicodeDecodeError:
            raise Bad("This is not UTF-8.", self.name[:60]) from None


@dataclass(frozen=True, slots=True)
class Form:
    """The fields of a form, in order."""

    parts: tuple[Part, ...]

    def all(self, name: str) -> list[str]:
        """Every value of that name."""
        return [part.text for part in self.parts if part.name == name]

    def get(self, name: str) -> str:
        """The first value of that name, "" for none."""
        return next((part.text for part in self.parts if part.name == name), "")

    def prefixed(self, prefix: str) -> list[tuple[str, str]]:
        """The fields whose name begins so, without the prefix."""
        found = (part for part in self.parts if part.name.startswith(prefix))
        return [(part.name[len(prefix) :], part.text) for part in found]

    def __contains__(self, name: str) -> bool:
        return any(part.name == name for part in self.parts)


def parse_form(content_type: str, raw: bytes) -> Form:
    """The form of a body. Raises Bad (415) for another type of body, and for one that is broken."""
    kind = content_type.partition(";")[0].strip().lower()
    if kind == URLENCODED:
        return Form(tuple(_urlencoded(raw)))
    if kind == MULTIPART:
        return Form(tuple(_multipart(content_type, raw)))
    raise Bad(f"Send {URLENCODED} or {MULTIPART}.", status=415)


def distinct(content_type: str, raw: bytes) -> Iterator[bytes]:
    """The octets by which a body differs from others: of a form in parts, these without the boundary, which
    clients draw anew for each attempt. Raises Bad for one that is broken."""
    if content_type.partition(";")[0].strip().lower() != MULTIPART:
        yield raw
        return
    for part in _multipart(content_type, raw):
        yield repr((part.name, part.filename, part.type, len(part.octets))).encode()
        yield part.octets


def _urlencoded(raw: bytes) -> Iterator[Part]:
    try:
        pairs = parse_qsl(raw.decode("ascii"), keep_blank_values=True, max_num_fields=MOST, errors="strict")
        for name, value in pairs:
            yield Part(name, value.encode())
    except UnicodeError:
        raise Bad("The form is not UTF-8 in percent-encoding.") from None
    except ValueError:
        raise Bad(f"The form has more than {MOST} fields.") from None


def _multipart(content_type: str, raw: bytes) -> Iterator[Part]:
    found = _BOUNDARY.search(content_type)
    if not found:
        raise Bad("The Content-Type names no boundary.")
    mark = b"\r\n--" + (found[1] or found[2]).encode("ascii", "replace")
    raw = b"\r\n" + raw
    at = raw.find(mark)
    for _ in range(MOST + 1):
        if at < 0:
            break
        start = at + len(mark)
        if raw.startswith(b"--", start):
            return
        at = raw.find(mark, start)
        if at < 0:
            break
        yield _part(raw, start, at)
    else:
        raise Bad(f"The form has more than {MOST} fields.")
    raise Bad("The form is broken off, or its boundary is another one.")


def _part(raw: bytes, start: int, end: int) -> Part:
    line = raw.find(b"\r\n", start, end + 2)
    if raw.startswith(b"\r\n\r\n", line):
        head, body = b"", line + 4
    else:
        head_end = raw.find(b"\r\n\r\n", line, end + 4)
        if line < 0 or head_end < 0 or head_end - line > _LONGEST_HEAD:
            raise Bad("A part of the form has no header, or one that is too long.")
        head, body = raw[line + 2 : head_end], head_end + 4
    name, filename, kind = "", None, ""
    for field in head.decode("utf-8", "replace").split("\r\n"):
        label, _, value = field.partition(":")
        if label.strip().lower() == "content-disposition":
            parameters = {k.lower(): _unquote(q or bare) for k, q, bare in _PARAMETER.findall(value)}
            name = _extended(parameters, "name") or ""
            filename = _extended(parameters, "filename")
        elif label.strip().lower() == "content-type":
            kind = value.partition(";")[0].strip().lower()
    return Part(name, raw[body:end] if body < end else b"", filename, kind)


def _extended(parameters: dict[str, str], name: str) -> str | None:
    """The parameter, or its form in RFC 8187, which some clients write although RFC 7578 says not to."""
    charset, mark, value = parameters.get(f"{name}*", "").partition("''")
    if mark and charset.lower() == "utf-8":
        return unquote(value, errors="replace")
    return parameters.get(name)


def _unquote(text: str) -> str:
    return text.replace("%22", '"').replace("%0D", "").replace("%0A", "").replace('\\"', '"')
