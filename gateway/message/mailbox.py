"""The mailbox in MAIL FROM and RCPT TO (RFC 5321 4.1.2, RFC 6531 3.3)."""

import ipaddress
import re
import unicodedata
from dataclasses import dataclass

import idna

LOCAL_OCTETS = 64
DOMAIN_OCTETS = 255
PATH_OCTETS = 2048  # with a source route and the parameters; an SMTP line is shorter still

_ATOM = r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]"
_LABEL = r"[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?"
_DOT_ATOM = rf"(?>{_ATOM}++(?:\.{_ATOM}++)*)"
_ORDINARY = re.compile(
    (
        rf"<((?=[^@]{{1,64}}@){_DOT_ATOM}@(?=[^>]{{1,255}}>)(?>{_LABEL}(?:\.{_LABEL})*))>"
        r"(?: ++([!-~][ -~]*+)?)?\Z"
    ).encode()
)
_LOCAL = re.compile(rf"{_DOT_ATOM}\Z")
_DOMAIN = re.compile(rf"(?>{_LABEL}(?:\.{_LABEL})*)\Z")
_QUOTED = re.compile(r'"((?>(?:[^"\\]|\\.)*))"', re.DOTALL)
_ROUTE = re.compile(r"@[^@,:\s]++(?>(?:,@[^@,:\s]++)*):")
_BARE = re.compile(rf"({_DOT_ATOM}@(?>{_LABEL}(?:\.{_LABEL})*))(?= |\Z)")


@dataclass(frozen=True, slots=True)
class Mailbox:
    """One address as given, without brackets and source route; "" is the null path `<>`."""

    address: str

    @property
    def local(self) -> str:
        """The part before the last @, quotes included."""
        return self.address.rpartition("@")[0]

    @property
    def domain(self) -> str:
        """The part after the last @: a domain or an address literal in brackets."""
        return self.address.rpartition("@")[2]

    @property
    def is_null(self) -> bool:
        """Whether this is the null path, which only a sender may be."""
        return not self.address


NULL = Mailbox("")


def parse_mailbox(arg: bytes | str, *, utf8: bool = False) -> Mailbox | None:
    """The mailbox of a path that stands alone, or None when it is not one.

    `<local@domain>`, `<"quoted local"@domain>`, `<local@[192.0.2.1]>`, `<>`; a source route is checked
    and dropped (RFC 5321 appendix C). Brackets may be missing around an ordinary address, as some
    clients send it. Non-ASCII passes only with `utf8` (SMTPUTF8). Control characters never pass.
    """
    parsed = parse_path(arg, utf8=utf8)
    return parsed[0] if parsed and not parsed[1] else None


def parse_path(arg: bytes | str, *, utf8: bool = False) -> tuple[Mailbox, str] | None:
    """The mailbox at the start of the argument and the parameters behind it, else None.

    `<a@b.example> SIZE=5 BODY=8BITMIME` gives the mailbox and `SIZE=5 BODY=8BITMIME`.
    """
    octets = arg if isinstance(arg, bytes) else arg.encode("utf-8", "surrogatepass")
    if match := _ORDINARY.match(octets):
        address, rest = match.groups(b"")
        return Mailbox(address.decode("ascii")), rest.decode("ascii") if rest else ""
    return _parse_odd(octets, utf8)


def _parse_odd(octets: bytes, utf8: bool) -> tuple[Mailbox, str] | None:
    try:
        text = octets.decode("utf-8" if utf8 else "ascii").strip(" ")
    except UnicodeDecodeError:
        return None
    if len(octets) > PATH_OCTETS or not _is_printable(text):
        return None
    if not text.startswith("<"):
        bare = _BARE.match(text)
        return _finish(bare[1], text[bare.end() :]) if bare else None
    route = _ROUTE.match(text, 1)
    if route and not all(_is_domain(hop[1:]) for hop in route[0][:-1].split(",")):
        return None
    start = route.end() if route else 1
    end = _end_of_path(text, start)
    if end < 0 or (route and end == start):
        return None
    return _finish(text[start:end], text[end + 1 :])


def _end_of_path(text: str, start: int) -> int:
    """Where the closing bracket stands, skipping a quoted local part; -1 when there is none."""
    quoted = _QUOTED.match(text, start)
    return text.find(">", quoted.end() if quoted else start)


def _finish(address: str, rest: str) -> tuple[Mailbox, str] | None:
    if rest and not rest.startswith(" "):
        return None
    if not address:
        return NULL, rest.strip(" ")
    return (Mailbox(address), rest.strip(" ")) if is_address(address) else None


def is_address(address: str) -> bool:
    """Whether this is `local@domain` by RFC 5321 and 6531, with the lengths of 4.5.3.1."""
    local, at, domain = address.rpartition("@")
    return bool(at) and _is_printable(address) and _is_local(local) and _is_domain(domain)


def _is_printable(text: str) -> bool:
    if text.isascii():
        return text.isprintable()
    # C*: control, format (zero width, bidirectional), surrogate; Z*: spaces that look like nothing.
    return all(c == " " or unicodedata.category(c)[0] not in "CZ" for c in text)


def _is_local(local: str) -> bool:
    if not 0 < len(local.encode("utf-8", "surrogatepass")) <= LOCAL_OCTETS:
        return False
    if local.startswith('"'):
        return bool(_QUOTED.fullmatch(local))
    # RFC 6531 adds every non-ASCII character to what an atom may hold.
    plain = local if local.isascii() else "".join(c if c.isascii() else "u" for c in local)
    return bool(_LOCAL.match(plain))


def _is_domain(domain: str) -> bool:
    if domain.startswith("["):
        return domain.endswith("]") and _is_literal(domain[1:-1])
    if domain.isascii():
        return len(domain) <= DOMAIN_OCTETS and bool(_DOMAIN.match(domain))
    try:
        return len(domain) <= DOMAIN_OCTETS and len(idna.encode(domain, uts46=True)) <= DOMAIN_OCTETS
    except (idna.IDNAError, UnicodeError):
        return False


def _is_literal(text: str) -> bool:
    six = text[:5].lower() == "ipv6:"
    try:
        if six:
            return not ipaddress.IPv6Address(text[5:]).scope_id
        return bool(ipaddress.IPv4Address(text))
    except ValueError:
        return False
