"""The slow reader: stdlib's parser, held to a bounded amount of work.

For what the quick reader does not accept: broken, odd or deeply nested mail.
"""

from email.errors import CloseBoundaryNotFoundDefect, InvalidMultipartContentTransferEncodingDefect
from email.message import Message
from email.parser import BytesParser
from email.policy import compat32

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
        octets = str(value).encode("utf-8", "surrogateescape")
        fields.setdefault(name.lower(), []).append(octets.replace(b"\r", b"").replace(b"\n", b""))
    return fields


def _leaves(root: Message) -> tuple[list[Leaf], bool]:
    leaves: list[Leaf] = []
    whole = True
    waiting: list[tuple[Message, Branch]] = [(root, ())]
    while waiting and len(leaves) < MOST_LEAVES:
        part, branch = waiting.pop()
        whole = whole and not _is_ambiguous(part, outermost=part is root)
        if part.is_multipart() and part.get_content_maintype() != "message":
            choice = part.get_content_subtype() == "alternative" and len(branch) < _MOST_CHOICES
            inner = [
                (one, (*branch, (id(part), place)) if choice else branch)
                for place, one in enumerate(_inner(part))
            ]
            waiting.extend(reversed(inner))
        else:
            leaves.append(describe(part, _octets)._replace(branch=branch))
    return leaves, whole and not waiting


def _is_ambiguous(part: Message, *, outermost: bool) -> bool:
    """Whether mail programs may differ about what kind of part this is, or what parts it has."""
    # Where the very last boundary is missing, the message ends all the same.
    harmless = (*_HARMLESS, CloseBoundaryNotFoundDefect) if outermost else _HARMLESS
    if any(not isinstance(defect, harmless) for defect in part.defects):
        return True
    names = [name.lower() for name in part.keys()]  # noqa: SIM118 - a message iterates over names too
    if any(names.count(name) > 1 for name in _STRUCTURAL):
        return True
    if part.get_content_type() in _IN_PIECES or (part.is_multipart() and _has_two_ends(part)):
        return True
    # A comment may stand before or within the token (RFC 5322 3.2.2); not every program knows.
    return any("(" in str(part.get(name, "")).partition(";")[0] for name in _STRUCTURAL[:2])


def _has_two_ends(part: Message) -> bool:
    """Whether programs may differ about where the parts of a multipart begin and end."""
    if "boundary*" in str(part.get("content-type", "")).lower():
        return True  # RFC 2231, which not every program reads
    if str(part.get("content-transfer-encoding", "")).strip().lower() == "base64":
        return True
    boundary = part.get_boundary("")
    return bool(part.epilogue) and f"--{boundary}" in str(part.epilogue)


def _inner(part: Message) -> list[Message]:
    parts = part.get_payload()
    return [inner for inner in parts if isinstance(inner, Message)] if isinstance(parts, list) else []


def _octets(part: Message) -> bytes:
    if part.is_multipart():  # message/*: its size counts, its text is not ours
        return b"".join(_octets(inner) for inner in _inner(part))
    del part["content-transfer-encoding"]  # as they came: decoding is our own affair
    octets = part.get_payload(decode=True)
    return octets.replace(b"\r\n", b"\n") if isinstance(octets, bytes) else b""
