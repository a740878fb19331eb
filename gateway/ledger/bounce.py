"""What a bounce that somebody tells of says of the address (RFC 3463). Pure."""

from collections.abc import Mapping
from typing import Any

from gateway.message.refusal import find_code, says_full, says_other

SOFT_BOUNCES = 5
"""As many full mailboxes in a row are as good as a hard bounce: nobody reads that mailbox."""


def is_hard(data: Mapping[str, Any]) -> bool:
    """Whether a bounce means that nobody is there: by its `kind`, and by its `status` (RFC 3463) where it has
    one, as providers call blocks and outages permanent too."""
    kind = str(data.get("kind") or "hard").lower()
    status = _status(data)
    return kind in ("hard", "permanent") and not status.startswith("4") and not says_other(status)


def is_full(data: Mapping[str, Any]) -> bool:
    """Whether a soft bounce counts toward giving up the address: a full mailbox, or where whoever told it
    names no `status`, their word. A policy, a route or the text that was refused says nothing of it."""
    status = _status(data)
    return not status or says_full(status, "")


def _status(data: Mapping[str, Any]) -> str:
    """The enhanced code in the status of a bounce (`550 5.1.1 unknown user` has one), else all of it."""
    said = str(data.get("status") or "").strip()
    return find_code(said) or said
