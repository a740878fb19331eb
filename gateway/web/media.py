"""What a body says it is, from its Content-Type (RFC 9110 8.3), in time that grows with the header's length.

The library reads this header as that of a mail; some values of a few kilobytes take it seconds, in which
nobody else is served.
"""

import re

from aiohttp import web

_CHARSET = re.compile(r';[ \t]*charset=(?:"([^"]*)"|([^\s;"]+))', re.IGNORECASE)


def media_type(request: web.BaseRequest) -> str:
    """The type and subtype in small letters; octets of no known kind where the request says none."""
    found = request.headers.get("Content-Type", "").partition(";")[0].strip().lower()
    return found if found.count("/") == 1 else "application/octet-stream"


def charset(request: web.BaseRequest) -> str:
    """The character set in small letters, "" where the request says none."""
    found = _CHARSET.search(request.headers.get("Content-Type", ""))
    return (found[1] or found[2] or "").lower() if found else ""


def is_utf8(request: web.BaseRequest) -> bool:
    """Whether the text of the body is UTF-8, as it is where nothing else is said."""
    return charset(request) in ("", "utf-8", "utf8")
