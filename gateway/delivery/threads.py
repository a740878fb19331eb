"""To which message a report belongs, so that mail programs show the two together. Pure."""

import re
from collections.abc import Iterable

_SANE = re.compile(r"<[!-;=?A-~]{1,160}@[!-;=?A-~]{1,80}>")
_FIELD = re.compile(rb"(?i)(?:\A|\r\n)message-id:(?:[ \t]|\r\n[ \t])*(<[!-~]{3,250}>)[ \t]*(?=\r\n)")
_LONGEST_HEAD = 65_536


def sane_id(message_id: str) -> str:
    """A Message-ID that can stand in a header of ours, "" for what cannot."""
    return message_id if _SANE.fullmatch(message_id) else ""


def id_in(raw: bytes) -> str:
    """The Message-ID of RFC 5322 octets, "" where there is none or it cannot be meant."""
    end = raw.find(b"\r\n\r\n", 0, _LONGEST_HEAD)
    found = _FIELD.search(raw, 0, end + 2 if end >= 0 else _LONGEST_HEAD)
    return sane_id(found[1].decode("ascii")) if found else ""


def thread_fields(ids: Iterable[str]) -> tuple[tuple[str, str], ...]:
    """The fields of a report about messages with these Message-IDs: none where it is about several, which
    belong together nowhere else."""
    about = set(ids)
    one = sane_id(about.pop()) if len(about) == 1 else ""
    return (("In-Reply-To", one), ("References", one)) if one else ()
