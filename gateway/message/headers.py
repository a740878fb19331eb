"""Header fields: found by name without regard to case, unfolded, decoded when asked for."""

import re
from binascii import Error as BadBase64
from binascii import a2b_base64, a2b_qp
from collections.abc import Iterable, Iterator

from gateway.message.body import decode_text

LONGEST_VALUE = 2048  # octets of a value whose inside is parsed: subjects, names, types
LONGEST_THREAD = 16_384  # octets of References
MOST_REFERENCES = 100

_WORD = re.compile(r"=\?([A-Za-z0-9_.:+-]{1,60})(?:\*[A-Za-z0-9-]*)?\?([QqBb])\?((?>(?:[^?]|\?(?!=))*))\?=")
_ID = re.compile(r"<[^<>\s]{1,998}>")
_PERSON = re.compile(
    r'(?:"((?>(?:[^"\\]|\\.)*))"|([^"<>@,;:\\()]*+))[ \t]*+'
    r'<([^<>\s@",;:()\\]++@[^<>\s@",;:()\\]++)>\Z'
)
_ALONE = re.compile(r'[^<>\s@",;:()\\]++@[^<>\s@",;:()\\]++\Z')
_LOOSE = re.compile(r'[^<>\s@",;:()\\]{1,64}@[^<>\s@",;:()\\]{1,255}')

LONG_NAME = 40
"""Characters from which on a name says something: nobody is called so."""
_LONG_NAMES = re.compile(r'"([^"]{41,})"|\(([^()]{41,})\)|([^"<>,;:()@]{41,})')


class Headers:
    """The header fields of one message, in order, with values as raw octets until they are asked for.

    Values come back unfolded, without surrounding white space, as UTF-8 or else Latin-1; encoded
    words (RFC 2047) are left as they are, `decode_words` reads them.
    """

    __slots__ = ("_fields",)

    def __init__(self, fields: Iterable[tuple[str, bytes]] = ()) -> None:
        """`fields` are lower-case names and unfolded values."""
        self._fields: dict[str, list[bytes]] = {}
        for name, value in fields:
            self._fields.setdefault(name, []).append(value)

    @classmethod
    def of(cls, fields: dict[str, list[bytes]]) -> "Headers":
        """Headers over a mapping that the caller gives away."""
        headers = cls.__new__(cls)
        headers._fields = fields
        return headers

    def get(self, name: str, default: str = "") -> str:
        """The first value of that name, or `default`."""
        values = self._fields.get(name.lower())
        return decode_raw(values[0]) if values else default

    def get_all(self, name: str) -> tuple[str, ...]:
        """All values of that name, in order."""
        return tuple(decode_raw(value) for value in self._fields.get(name.lower(), ()))

    def octets(self, name: str) -> bytes:
        """The first value of that (lower-case) name as octets, empty when there is none."""
        values = self._fields.get(name)
        return values[0] if values else b""

    def names(self) -> tuple[str, ...]:
        """The names that occur, lower-case, in order of first occurrence."""
        return tuple(self._fields)

    def items(self) -> Iterator[tuple[str, str]]:
        """All fields, grouped by name."""
        for name, values in self._fields.items():
            for value in values:
                yield name, decode_raw(value)

    def __contains__(self, name: str) -> bool:
        return name.lower() in self._fields

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Headers) and list(self.items()) == list(other.items())

    __hash__ = None  # type: ignore[assignment]

    def __repr__(self) -> str:
        return f"Headers({len(self._fields)} names)"


def decode_raw(value: bytes) -> str:
    """The octets of a value as str: ASCII, else UTF-8 (RFC 6532), else Latin-1; NUL is replaced."""
    value = value.strip(b" \t")
    try:
        text = value.decode("utf-8")
    except UnicodeDecodeError:
        text = value.decode("latin-1")
    return text.replace("\0", "\ufffd") if "\0" in text else text


def decode_words(value: str) -> str:
    """The value with its encoded words (RFC 2047) read; words that do not decode stay as they are.

    White space between two encoded words goes, and a character split between two is put together.
    """
    value = value[:LONGEST_VALUE]
    if "=?" not in value:
        return value
    done: list[str] = []
    charset, pending, position = "", b"", 0
    for match in _WORD.finditer(value):
        octets = _octets(match[2], match[3])
        if octets is None:
            continue
        gap = value[position : match.start()]
        name = match[1].lower()
        if name != charset or gap.strip():
            done.append(decode_text(pending, charset))
            charset, pending = name, b""
        if gap.strip() or position == 0:
            done.append(gap)
        pending += octets
        position = match.end()
    done += (decode_text(pending, charset), value[position:])
    return "".join(done)


def _octets(encoding: str, text: str) -> bytes | None:
    try:
        if encoding in "Qq":
            return a2b_qp(text.encode("ascii"), header=True)
        return a2b_base64(text.encode("ascii") + b"==")
    except (BadBase64, UnicodeEncodeError):
        return None


def read_person(value: str) -> tuple[str, str]:
    """Display name and address of the first mailbox in a From value; either may be empty."""
    value = value[:LONGEST_VALUE].strip()
    if match := _PERSON.match(value):
        quoted, plain, address = match.groups()
        name = re.sub(r"\\(.)", r"\1", quoted) if quoted else plain or ""
        return " ".join(decode_words(name).split()), address
    if _ALONE.match(value):
        return "", value
    return _read_odd_person(value)


def read_long_names(value: str) -> list[str]:
    """The names of more than LONG_NAME characters that a From, To, Cc, Reply-To or Sender value shows."""
    found = [" ".join(decode_words(one[0] or one[1] or one[2]).split()) for one in _LONG_NAMES.findall(value)]
    return [name for name in found if len(name) > LONG_NAME]


def _read_odd_person(value: str) -> tuple[str, str]:
    # Comments, routes, groups, lists: what stdlib makes of them.
    from email.utils import getaddresses

    try:
        people = [(name, address) for name, address in getaddresses([value]) if "@" in address]
    except (RecursionError, ValueError, IndexError):  # parentheses in parentheses, and the like
        people = []
    if people:
        name, address = people[0]
        return " ".join(decode_words(name).split()), address
    loose = _LOOSE.search(value)
    name = value[: loose.start()] if loose else value
    return " ".join(decode_words(name).strip("<\"' \t").split()), loose[0] if loose else ""


def read_ids(value: str) -> tuple[str, ...]:
    """Message ids with their brackets, in order, each once, at most MOST_REFERENCES (the last)."""
    if not value:
        return ()
    found = dict.fromkeys(_ID.findall(value[-LONGEST_THREAD:]))
    return tuple(found)[-MOST_REFERENCES:]
