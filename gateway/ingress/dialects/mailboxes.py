"""Mailboxes as APIs write them: `Name <address>, address`, or objects with a name and an address. Pure."""

import re

from gateway.ingress.dialects.bad import Bad
from gateway.ingress.dialects.fields import one_line
from gateway.ingress.dialects.letter import Party
from gateway.message.headers import decode_words
from gateway.message.mailbox import is_address

LONGEST = 200_000
# A quotation mark or bracket that nothing closes runs to the end.
_PIECES = re.compile(r'(?>(?:"(?>(?:[^"\\]|\\.)*)(?:"|\\?\Z)|<[^>]*+(?:>|\Z)|[^,;"<])+)')
_NAMED = re.compile(r"(.*)<([^<>]*)>\s*\Z", re.DOTALL)


def party(address: str, name: str, at: str) -> Party:
    """One mailbox. Raises Bad for what is no address."""
    address = one_line(address.strip(), at)
    if not is_address(address) or len(address) > 320:
        raise Bad("This is not a valid email address.", at)
    return Party(address=address, name=" ".join(one_line(name, at)[:200].split()))


def read_mailbox(text: str, at: str) -> Party:
    """`Name <address>`, `"Name" <address>` or `address`."""
    text = one_line(text.strip(), at)
    named = _NAMED.match(text)
    if not named:
        return party(text, "", at)
    name = named[1].strip()
    if len(name) > 1 and name[0] == name[-1] == '"':
        name = re.sub(r"\\(.)", r"\1", name[1:-1])
    return party(named[2], decode_words(name), at)


def read_mailboxes(text: str, at: str, *, most: int = 1000) -> tuple[Party, ...]:
    """A list with commas; empty places in it count for nothing."""
    if len(text) > LONGEST:
        raise Bad("This list of addresses is too long.", at, status=413)
    found = [piece for piece in _PIECES.findall(text) if piece.strip()]
    if len(found) > most:
        raise Bad(f"There may be at most {most} addresses.", at)
    return tuple(read_mailbox(piece, at) for piece in found)
