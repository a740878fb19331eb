"""The slow reader: stdlib's parser, held to a bounded amount of work.

For what the quick reader does not accept: broken, odd or deeply nested mail.
"""

from email.errors import CloseBoundaryNotFoundDefect, InvalidMultipartContentTransferEncodingDefect
from email.message import Message
from email.parser import BytesParser
from email.policy import compat32

from gateway.message.body import PLAIN_ENCODINGS
from gateway.message.headers import decode_raw, decode_words
from gateway.message.leaf import Branch, Fields, Leaf, Part, describe

LONGEST = 4_194_304  # octets of a message that stdlib gets to see
LONGEST_HEADER = 262_144  # of which the header may be
MOST_CHECKS = 400_000  # lines times boundaries: what its time grows with
MOST_LEAVES = 200
_MOST_CHOICES = 16  # alternatives within alternatives
_HARMLESS = (InvalidMultipartContentTransferEncodingDefect,)
"""Defects that leave no doubt about what is shown: a multipart called encoded (but for one called base64,
which some do decode)."""
_IN_PIECES = ("message/partial", "message/external-body")
_MAILS = ("message/rfc822", "message/global", "message/news")
"""Messages within the message, which some programs show below it."""
_MOST_SUBJECTS = 10
_STRUCTURAL = ("content-type", "content-transfer-encoding", "content-disposition")


def read_tree(raw: bytes) -> tuple[Fields, int, list[Leaf], bool]:
    """Header fields, the offset of the blank line, the leaves, and whether all of it could be read.

    Never raises; of what is too long or too deep it reads the beginning.
    """
    end = find_header_end(raw)
    seen = _affordable(raw[:LONGEST] if end < LONGEST_HEADER else raw[:LONGEST_HEADER])
    try:
        message = BytesParser(Part, policy=compat32).parsebytes(seen)
        fields = _fields(message)
        leaves, whole = _leaves(message)
    except Exception:  # noqa: BLE001 - whatever stdlib makes of hostile octets, they are text to us
        return {}, end, [Leaf(seen[end:])], False
    return fields, end, leaves, whole and len(seen) == len(raw)


def find_header_end(raw: bytes) -> int:
    """The offset of the line end that makes up the first blank line; the length when there is none."""
    if raw[:1] == b"\n" or raw[:2] == b"\r\n":
        return 0
    clean = raw.find(b"\r\n\r\n")
    end = clean + 2 if clean >= 0 else len(raw)
    for mark in (b"\n\n", b"\n\r\n", b"\r\r"):
        at = raw.find(mark, 0, end)
        if at >= 0:
            end = at + 1
    return end


def _affordable(seen: bytes) -> bytes:
    """As much of the beginning as stdlib reads in a fraction of a second."""
    lines = seen.count(b"\n") + seen.count(b"\r") + 1
    checks = lines * (1 + seen.lower().count(b"boundary"))
    if checks <= MOST_CHECKS:
        return seen
    return seen[: max(4096, len(seen) * MOST_CHECKS // checks)]


def _fields(message: Message) -> Fields:
    fields: Fields = {}
    for name, value in message.raw_items():
        fields.setdefault(name.lower(), []).append(_encode(value))
    return fields


def _leaves(root: Message) -> tuple[list[Leaf], bool]:
    leaves: list[Leaf] = []
    whole = True
    waiting: list[tuple[Message, Branch, bool]] = [(root, (), False)]
    while waiting and len(leaves) < MOST_LEAVES:
        part, branch, attached = waiting.pop()
        whole = whole and not _is_ambiguous(part, outermost=attached or part is root)
        inner = _inner(part)
        if part.is_multipart() and part.get_content_maintype() != "message":
            choice = part.get_content_subtype() == "alternative" and len(branch) < _MOST_CHOICES
            waiting += [
                (one, (*branch, (id(part), place)) if choice else branch, attached)
                for place, one in reversed([*enumerate(inner)])
            ]
            continue
        holds = part.get_content_type() in _MAILS
        if not (attached and holds):  # its octets would be put together at every level
            leaves.append(describe(part, _octets)._replace(branch=branch, attached=attached))
        if holds:
            leaves += [Leaf(_subject(one).encode("utf-8", "replace"), attached=True) for one in inner]
            waiting += [(one, (), True) for one in reversed(inner)]
    return leaves, whole and not waiting


def _subject(message: Message) -> str:
    subjects = [value for name, value in message.raw_items() if name.lower() == "subject"]
    return "\n".join([decode_words(decode_raw(_encode(value))) for value in subjects[:_MOST_SUBJECTS]])


def _encode(value: str) -> bytes:
    return str(value).replace("\r", "").replace("\n", "").encode("utf-8", "surrogateescape")


def _is_ambiguous(part: Message, *, outermost: bool) -> bool:
    """Whether mail programs may differ about what kind of part this is, or what parts it has."""
    # Where the very last boundary is missing, the message ends all the same.
    harmless = (*_HARMLESS, CloseBoundaryNotFoundDefect) if outermost else _HARMLESS
    if any(not isinstance(defect, harmless) for defect in part.defects):
        return True
    names = [name.lower() for name in part.keys()]  # noqa: SIM118 - a message iterates over names too
    if any(names.count(name) > 1 for name in _STRUCTURAL):
        return True
    kind = part.get_content_type()
    if kind in _IN_PIECES or (part.is_multipart() and _has_two_ends(part)):
        return True
    if kind in _MAILS and _encoding(part) not in PLAIN_ENCODINGS:
        return True  # RFC 2046 5.2.1 has no encoding here; some programs decode it
    # A comment may stand before or within the token (RFC 5322 3.2.2); not every program knows.
    return any("(" in str(part.get(name, "")).partition(";")[0] for name in _STRUCTURAL[:2])


def _has_two_ends(part: Message) -> bool:
    """Whether programs may differ about where the parts of a multipart begin and end."""
    if "boundary*" in str(part.get("content-type", "")).lower():
        return True  # RFC 2231, which not every program reads
    if _encoding(part) == "base64":
        return True
    boundary = part.get_boundary("")
    return bool(part.epilogue) and f"--{boundary}" in str(part.epilogue)


def _encoding(part: Message) -> str:
    return str(part.get("content-transfer-encoding", "")).strip().lower()


def _inner(part: Message) -> list[Message]:
    parts = part.get_payload()
    return [inner for inner in parts if isinstance(inner, Message)] if isinstance(parts, list) else []


def _octets(part: Message) -> bytes:
    """A part's octets as they came: decoding is our own affair. Of message/* only the size counts."""
    if part.is_multipart():
        return b"".join(_octets(inner) for inner in _inner(part))
    encodings = part.get_all("content-transfer-encoding", [])
    del part["content-transfer-encoding"]
    octets = part.get_payload(decode=True)
    for encoding in encodings:  # it is read again where the message it belongs to is attached
        part["content-transfer-encoding"] = encoding
    return octets.replace(b"\r\n", b"\n") if isinstance(octets, bytes) else b""
