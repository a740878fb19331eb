"""Reports about mail that went out: delivery status (RFC 3464) and abuse feedback (RFC 5965). Pure.

Whatever comes is read in bounded time, without raising; what cannot be read is simply not there.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass, replace

from gateway.message.body import decode_text, decode_transfer
from gateway.message.headers import Headers, read_ids
from gateway.message.mailbox import is_address
from gateway.message.parse import parse
from gateway.message.refusal import FULL, find_code, says_full, says_nobody

_LONGEST = 1_048_576
_MOST_PARTS = 50
_DEEPEST = 3
_MOST_RECIPIENTS = 200
_MOST_FIELDS = 100
_LONGEST_STATUS = 262_144
_BOUNDARY = re.compile(r"boundary\s{0,9}=\s{0,9}(?:\"([^\"]{1,200})\"|([^\s;\"]{1,200}))", re.IGNORECASE)
_XTEXT = re.compile(r"\+([0-9A-F]{2})")

# A line that names who did not get it, as Exim, OpenSMTPD and qmail write it: `addr`, `<addr>:`, `addr: why`.
_NAMED = re.compile(
    r"([ \t]{0,8})<?([^\s<>():@]{1,64}@[^\s<>():@]{1,255})>?(?:[ \t]+\([^()]{1,400}\))?(?::(.*))?"
)
_MOST_LINES = 2_000
_MOST_WHY = 12  # lines about one recipient

_KINDS = {
    "delivery": ("message/delivery-status", "message/global-delivery-status"),
    "feedback": ("message/feedback-report",),
    "disposition": ("message/disposition-notification", "message/global-disposition-notification"),
}
_COPIES = ("message/rfc822", "message/global", "text/rfc822-headers", "message/global-headers")

COMPLAINTS = frozenset({"abuse", "fraud", "virus", "other", "complaint", "miscategorized"})
"""Feedback types that are a complaint; `not-spam` and the authentication reports of RFC 6591 are not."""
WAYS_OUT = frozenset({"opt-out", "opt-out-list", "unsubscribe"})
"""Feedback types that ask for no more than the end of a subscription."""


@dataclass(frozen=True, slots=True, kw_only=True)
class DeliveryStatus:
    """What a DSN says of one recipient. `addresses` are all forms in which it names them, the original
    ones first; `action` is failed, delayed, delivered, relayed or expanded; `status` x.y.z or ""."""

    addresses: tuple[str, ...]
    action: str
    status: str
    diagnostic: str = ""

    @property
    def failed(self) -> bool:
        """Whether this recipient did not get the message and will not."""
        return self.action == "failed"

    @property
    def hard(self) -> bool:
        """Whether nobody is at this address: failed, for good, and beyond doubt about the address, by its
        RFC 3463 code (5.4.4 is a domain that is not there) or where that tells nothing by what was said."""
        return self.failed and (self.status == "5.4.4" or says_nobody(self.status, self.diagnostic))

    @property
    def code(self) -> str:
        """The status to tell: 5.2.2 where words alone say that the mailbox is full, and of a failure never
        nothing (5.0.0 is "undefined")."""
        if self.failed and self.status not in FULL and says_full(self.status, self.diagnostic):
            return "5.2.2"
        return self.status or ("5.0.0" if self.failed else "")


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """What a report says. `kind` is delivery, feedback or disposition (a read receipt, RFC 8098).

    `message_ids` are those of the message that it is about, with their brackets; `return_paths` and
    `addresses` the reverse-paths and recipients that it names.
    """

    kind: str
    statuses: tuple[DeliveryStatus, ...] = ()
    feedback: str = ""
    message_ids: tuple[str, ...] = ()
    return_paths: tuple[str, ...] = ()
    addresses: tuple[str, ...] = ()

    @property
    def complains(self) -> bool:
        """Whether someone complained."""
        return self.kind == "feedback" and self.feedback in COMPLAINTS

    @property
    def unsubscribes(self) -> bool:
        """Whether someone asked for the end of a subscription."""
        return self.kind == "feedback" and self.feedback in WAYS_OUT


@dataclass(frozen=True, slots=True)
class _Part:
    type: str
    headers: Headers
    octets: bytes


def read_report(raw: bytes) -> Report | None:
    """The report that a message is, or None where it is none."""
    parts = list(_walk(raw[:_LONGEST]))
    about = _read_original(parts)
    by_kind = {kind: [p for p in parts if p.type in types] for kind, types in _KINDS.items()}
    if by_kind["delivery"]:
        statuses = [status for part in by_kind["delivery"] for status in _read_delivery(part)]
        return replace(about, kind="delivery", statuses=_with_words(statuses, parts))
    if by_kind["feedback"]:
        return _read_feedback(by_kind["feedback"][0], about)
    if by_kind["disposition"]:
        return replace(about, kind="disposition")
    return _read_plain_bounce(raw, about, parts)


def read_letter(text: str, address: str) -> DeliveryStatus:
    """What a bounce that is for people alone says of the one who did not get the message; a status without
    diagnostic where it does not name them as qmail and others do."""
    return _with_reason(DeliveryStatus(addresses=(address,), action="failed", status=""), _read_reasons(text))


def _walk(raw: bytes) -> Iterator[_Part]:
    """The leaves of a message, with what is inside message/* left whole; at most a few levels deep."""
    waiting = [(raw.replace(b"\r\n", b"\n"), 0)]
    count = 0
    while waiting and count < _MOST_PARTS:
        octets, depth = waiting.pop(0)
        count += 1
        headers, body = _split(octets)
        declared = headers.get("content-type") or "text/plain"
        type_ = declared.partition(";")[0].strip().lower()
        match = _BOUNDARY.search(declared[:2000])
        if type_.startswith("multipart/") and match and depth < _DEEPEST:
            mark = b"--" + (match[1] or match[2]).strip().encode("latin-1", "replace")
            inner = _divide(body, mark)
            waiting[:0] = [(part, depth + 1) for part in inner]
        else:
            encoding = headers.get("content-transfer-encoding").strip().lower()
            yield _Part(type_, headers, decode_transfer(body, encoding, _LONGEST_STATUS))


def _split(octets: bytes) -> tuple[Headers, bytes]:
    """Header and body of a part; a part without header has text alone."""
    if octets.startswith(b"\n"):
        return Headers(), octets[1:]
    end = octets.find(b"\n\n")
    head, body = (octets, b"") if end < 0 else (octets[:end], octets[end + 2 :])
    return Headers(_fields(head)), body


def _fields(head: bytes) -> Iterator[tuple[str, bytes]]:
    unfolded = re.sub(rb"\n[ \t]", b" ", head[:65_536])
    for line in unfolded.split(b"\n")[:_MOST_FIELDS]:
        name, colon, value = line.partition(b":")
        if colon and 0 < len(name) < 100:
            yield name.decode("latin-1").strip().lower(), value


def _divide(body: bytes, mark: bytes) -> list[bytes]:
    """The parts between boundary lines, without what stands before the first and after the last."""
    found: list[bytes] = []
    pieces = (b"\n" + body).split(b"\n" + mark)
    for piece in pieces[1 : _MOST_PARTS + 1]:
        if piece.startswith(b"--"):
            break
        _, newline, part = piece.partition(b"\n")
        if newline:
            found.append(part)
    return found


# -- delivery ------------------------------------------------------------------------------------


def _read_delivery(part: _Part) -> Iterator[DeliveryStatus]:
    """The per-recipient groups of a delivery status; some servers encode them one by one."""
    blocks = re.split(rb"\n[ \t]*\n", part.octets[:_LONGEST_STATUS].strip(b"\n"))
    encoding = ""
    for block in [b for b in blocks if b.strip()][: _MOST_RECIPIENTS + 1]:
        fields = Headers(_fields(decode_transfer(block, encoding, _LONGEST_STATUS).strip(b"\n")))
        encoding = fields.get("content-transfer-encoding").lower()
        status = _read_status(fields)
        if status is not None:
            yield status


def _read_status(fields: Headers) -> DeliveryStatus | None:
    """One per-recipient group; None for the per-message group and for what names nobody."""
    named = [read_typed(fields.get(name)) for name in ("original-recipient", "final-recipient")]
    plain = [_XTEXT.sub(lambda m: chr(int(m[1], 16)), address) for address in named]
    addresses = tuple(dict.fromkeys(a for a in (*named, *plain) if is_address(a)))
    diagnostic = decode_text(fields.octets("diagnostic-code")[:400], "").strip()
    status = _read_code(fields.get("status")[:100], diagnostic)
    action = fields.get("action").partition("(")[0].strip().lower()
    if not action and status:
        action = "failed" if status.startswith("5") else "delayed"
    if not addresses or not action:
        return None
    return DeliveryStatus(addresses=addresses, action=action, status=status, diagnostic=diagnostic)


def _read_code(status: str, diagnostic: str) -> str:
    """The status, or the more telling one that the diagnostic names."""
    code = find_code(status)
    if code and not code.endswith(".0.0"):
        return code
    return find_code(diagnostic, code[:1]) or code


def read_typed(value: str) -> str:
    """The address of an `address-type; address` value (RFC 3464 2.1.2), brackets and comments gone."""
    _, semicolon, address = value[:1000].partition(";")
    bare = (address if semicolon else value[:1000]).strip()
    if "<" in bare:
        bare = bare.partition("<")[2].partition(">")[0]
    return bare.split(" ")[0].strip()


def _read_plain_bounce(raw: bytes, about: Report, parts: list[_Part]) -> Report | None:
    """What some servers send instead: a header that lists who did not get it."""
    failed = parse(raw[:_LONGEST]).headers.get("x-failed-recipients")
    named = [a.strip() for a in failed[:8000].split(",")]
    statuses = [
        DeliveryStatus(addresses=(a,), action="failed", status="5.0.0") for a in named if is_address(a)
    ]
    return replace(about, kind="delivery", statuses=_with_words(statuses, parts)) if statuses else None


def _with_words(statuses: list[DeliveryStatus], parts: list[_Part]) -> tuple[DeliveryStatus, ...]:
    """The statuses, those that say nothing themselves with what the text says of their recipient: Exim and
    OpenSMTPD give 5.0.0 for everything, and the reason to people alone."""
    statuses = statuses[:_MOST_RECIPIENTS]
    if all(s.diagnostic or not s.failed for s in statuses):
        return tuple(statuses)
    text = next((decode_text(p.octets, "") for p in parts if p.type == "text/plain"), "")
    said = _read_reasons(text)
    return tuple(s if s.diagnostic else _with_reason(s, said) for s in statuses)


def _with_reason(status: DeliveryStatus, said: dict[str, str]) -> DeliveryStatus:
    why = next((said[a.lower()] for a in status.addresses if a.lower() in said), "")
    return replace(status, diagnostic=why, status=_read_code(status.status, why))


def _read_reasons(text: str) -> dict[str, str]:
    """What a bounce says to people of each address that it names: on its line and on those below it, up to
    an empty line. What comes first counts: a copy of the message may follow."""
    found: dict[str, str] = {}
    lines = text.splitlines()[:_MOST_LINES]
    for n, line in enumerate(lines):
        named = _NAMED.fullmatch(line[:2000].rstrip())
        if named is None or named[2].lower() in found:
            continue
        why = [named[3] or ""]
        for below in lines[n + 1 : n + 1 + _MOST_WHY]:
            if not below.strip() or _NAMED.fullmatch(below[:2000].rstrip()):
                break
            why.append(below[:400])
        found[named[2].lower()] = " ".join(" ".join(why).split())[:400]
    return found


# -- feedback ------------------------------------------------------------------------------------


def _read_feedback(part: _Part, about: Report) -> Report:
    fields = Headers(_fields(part.octets.strip(b"\n")))
    named = [*fields.get_all("original-rcpt-to"), *fields.get_all("removal-recipient")]
    people = [read_typed(value) for value in named[:_MOST_RECIPIENTS]]
    path = read_typed(fields.get("original-mail-from"))
    return replace(
        about,
        kind="feedback",
        feedback=fields.get("feedback-type").partition("(")[0].strip().lower()[:64],
        return_paths=tuple(dict.fromkeys(p for p in (path, *about.return_paths) if is_address(p))),
        addresses=tuple(dict.fromkeys(a for a in (*people, *about.addresses) if is_address(a))),
    )


# -- the message that it is about ----------------------------------------------------------------


def _read_original(parts: list[_Part]) -> Report:
    """What the copy of the message that a report carries says: its ids, reverse-path and recipients."""
    for part in parts:
        if part.type in _COPIES:
            headers = Headers(_fields(part.octets.lstrip(b"\n").partition(b"\n\n")[0]))
            path = read_typed(headers.get("return-path"))
            to = [read_typed(value) for value in headers.get("to")[:8000].split(",")]
            return Report(
                kind="",
                message_ids=read_ids(headers.get("message-id")),
                return_paths=(path,) if is_address(path) else (),
                addresses=tuple(a for a in to if is_address(a))[:_MOST_RECIPIENTS],
            )
    return Report(kind="")
