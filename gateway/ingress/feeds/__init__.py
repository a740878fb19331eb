"""What providers tell of mail and people, each in its own words, translated to the one Happening."""

import time
from collections.abc import Callable, Iterator, Mapping, Set
from typing import Any

from aiohttp import ClientError, ClientSession, ClientTimeout, web

from gateway.access import Access, AccessError, Fault
from gateway.ingress.dialects.paths import BadPath
from gateway.ingress.feeds.desk import FeedDesk, Receive, Tell
from gateway.ingress.feeds.hubspot import HUBSPOT
from gateway.ingress.feeds.inbound import INBOUND
from gateway.ingress.feeds.mailgun import MAILGUN
from gateway.ingress.feeds.mapped import MAPPED, check_fields
from gateway.ingress.feeds.mautic import MAUTIC
from gateway.ingress.feeds.postmark import POSTMARK
from gateway.ingress.feeds.proof import Fetch
from gateway.ingress.feeds.senders import BREVO, MANDRILL, RESEND
from gateway.ingress.feeds.sendgrid import SENDGRID
from gateway.ingress.feeds.ses import SES
from gateway.ingress.feeds.told import Feed
from gateway.ingress.feeds.typeform import TYPEFORM
from gateway.ingress.feeds.unipile import UNIPILE
from gateway.ingress.http_limits import HttpLimits
from gateway.intake.matching import Matching

__all__ = ["FEEDS", "INBOUND", "feed_faults", "feed_names", "feed_routes"]

PATH = "/v1/feeds/{provider}/{source}"
FEEDS: tuple[Feed, ...] = (
    SENDGRID,
    MAILGUN,
    POSTMARK,
    SES,
    MAUTIC,
    TYPEFORM,
    HUBSPOT,
    UNIPILE,
    BREVO,
    MANDRILL,
    RESEND,
    *MAPPED,
)
"""Every feed."""
_BY_MAP = frozenset(feed.name for feed in MAPPED)
_LONGEST = 65_536


async def fetch_aws(url: str) -> bytes:
    """A certificate, or the answer to a confirmation; redirects are not followed. Raises OSError."""
    try:
        async with (
            ClientSession(timeout=ClientTimeout(total=10)) as session,
            session.get(url, allow_redirects=False) as response,
        ):
            body = await response.content.read(_LONGEST)
            if response.status != 200:
                raise OSError(f"AWS answered {response.status}")
            return body
    except (ClientError, TimeoutError) as error:
        raise OSError("AWS could not be asked") from error


def feed_routes(
    *,
    access: Access,
    tell: Tell,
    limits: HttpLimits,
    clock: Callable[[], float] = time.time,
    fetch: Fetch = fetch_aws,
    matching: Matching | None = None,
    receive: Receive | None = None,
) -> list[web.RouteDef]:
    """The route of every feed. Raises AccessError where the access file speaks of one wrongly."""
    if faults := list(feed_faults(access)):
        raise AccessError("\n".join(map(access.say, faults)))
    feeds = {feed.name: feed for feed in FEEDS}
    inbound = {feed.name: feed for feed in INBOUND}
    desk = FeedDesk(access, tell, limits, feeds, fetch, clock, matching, inbound, receive)
    return [web.post(PATH, desk.post), web.head(PATH, desk.look)]


def feed_names() -> list[str]:
    """The name of every feed, as it stands in the path."""
    return [*(feed.name for feed in FEEDS), *(feed.name for feed in INBOUND)]


def feed_faults(access: Access) -> Iterator[Fault]:
    """What the access file says wrongly of feeds."""
    names = frozenset(feed_names())
    for source in access.sources.values():
        for name, options in source.feeds.items():
            path, text = _fault(name, options, names)
            if text:
                yield Fault(source=source.name, path=("feeds", name, *path), text=text)


def _fault(name: str, options: Any, names: Set[str]) -> tuple[tuple[str, ...], str]:
    if name not in names:
        return (), f"there is no such feed; there are {', '.join(sorted(names))}"
    if not isinstance(options, Mapping):
        return (), "this must be a mapping of options"
    if "fields" not in options:
        return (), ""
    if name not in _BY_MAP:
        return ("fields",), f"this feed has no map; those with one are {', '.join(sorted(_BY_MAP))}"
    try:
        check_fields(options["fields"])
    except BadPath as error:
        return ("fields", *error.at), str(error)
    return (), ""
