"""A worker as the settings and the access file ask for it. Which relays there are stands here."""

import random
import time
from collections.abc import Callable, Mapping
from urllib.parse import urlsplit

from gateway.access import Access
from gateway.delivery.oneclick import OneClickRelay
from gateway.delivery.outbox import Outbox
from gateway.delivery.relay import Relay
from gateway.delivery.reports import Reports, Wish
from gateway.delivery.route import Routes
from gateway.delivery.session import Timeouts
from gateway.delivery.smtp import SmtpRelay
from gateway.delivery.target import SmtpTarget, TargetError, is_loopback, parse_smtp, parse_webhook
from gateway.delivery.upstream import UpstreamRelay, UpstreamTarget, parse_upstream
from gateway.delivery.webhook import WebhookRelay
from gateway.delivery.worker import Worker
from gateway.metrics import Metrics
from gateway.settings import Settings
from gateway.settings.values import Listen
from gateway.store.outbox import ONE_CLICK

# Every relay, by the name that access.yaml, metrics and logs know, and the format it takes.
FORMATS = {"smtp": "mime", "webhook": "json", ONE_CLICK: ONE_CLICK}


def make_worker(
    outbox: Outbox,
    settings: Settings,
    access: Access,
    metrics: Metrics,
    *,
    clock: Callable[[], float] = time.time,
    rng: random.Random | None = None,
) -> Worker:
    """The worker for RELAY and WEBHOOK_RELAY. Raises TargetError where one of them cannot be meant,
    OSError where a file of certificates cannot be read."""
    rng = rng or random.Random()
    host = host_of(settings)
    relays = make_relays(settings, host, clock=clock, rng=rng)
    relays |= make_upstreams(access, clock=clock, rng=rng)
    return Worker(
        outbox,
        relays,
        make_routes(relays, access),
        metrics,
        reports=Reports(make_wishes(access), host),
        max_age=settings.retry_max_age.total_seconds(),
        clock=clock,
        rng=rng,
    )


def host_of(settings: Settings) -> str:
    """The gateway's own host name."""
    return urlsplit(settings.public_url).hostname or "localhost"


def make_relays(
    settings: Settings, host: str, *, clock: Callable[[], float], rng: random.Random
) -> dict[str, Relay]:
    """The relays that are set up, by name; `host` is what EHLO says."""
    relays: dict[str, Relay] = {}
    if settings.relay is not None:
        smtp = parse_smtp(settings.relay.get_secret_value())
        check_elsewhere(smtp, settings)
        relays["smtp"] = SmtpRelay(
            "smtp",
            smtp,
            connections=settings.relay_connections,
            hostname=host,
            timeouts=Timeouts(command=settings.relay_timeout.total_seconds()),
            rng=rng,
        )
    if settings.webhook_relay is not None and settings.webhook_secret is not None:
        target = parse_webhook(
            settings.webhook_relay.get_secret_value(), settings.webhook_secret.get_secret_value()
        )
        relays["webhook"] = WebhookRelay("webhook", target, clock=clock, rng=rng)
    if relays:
        first = next(iter(relays.values()))
        relays[ONE_CLICK] = OneClickRelay(ONE_CLICK, first.circuit, allowed=settings.tool_networks)
    return relays


def check_elsewhere(target: SmtpTarget, settings: Settings) -> None:
    """Raises TargetError where the relay is a listener of this gateway: every message would go round for
    ever, as no hop in between counts it."""
    for name in ("smtp_listen", "smtps_listen", "reply_listen"):
        listen: Listen | None = getattr(settings, name)
        if listen is not None and target.port == listen.port and _is_same_host(target.host, listen.host):
            raise TargetError(
                f"the relay is the gateway itself, its own {name.upper()} ({listen}), and every message would"
                " come back to it. Name the mail server that delivers."
            )


def _is_same_host(host: str, listening: str) -> bool:
    everywhere = listening in ("", "0.0.0.0", "::")  # noqa: S104  # compared with, not listened on
    here = "localhost" in (host, listening) and is_loopback(host) and is_loopback(listening)
    return host == listening.lower() or here or (everywhere and is_loopback(host))


def make_upstreams(access: Access, *, clock: Callable[[], float], rng: random.Random) -> dict[str, Relay]:
    """The providers to whom sources' requests go on, by the relay's name."""
    return {
        f"upstream-{name}": UpstreamRelay(
            f"upstream-{name}", parse_upstream(source.upstream), clock=clock, rng=rng
        )
        for name, source in access.sources.items()
        if source.upstream
    }


def change_worker(
    worker: Worker, upstreams: Mapping[str, UpstreamTarget], access: Access, clock: Callable[[], float]
) -> None:
    """Deliver as another reading of the access file asks for. An upstream that it does not name any more
    still gets what was accepted for it, until the gateway ends."""
    relays = dict(worker.relays)
    for name, target in upstreams.items():
        known = relays.setdefault(name, UpstreamRelay(name, target, clock=clock))
        if isinstance(known, UpstreamRelay):
            known.retarget(target)
    worker.adopt(relays, make_routes(relays, access))
    worker.reports.adopt(make_wishes(access))


def make_routes(relays: dict[str, Relay], access: Access) -> Routes:
    """Mail to RELAY, all else to WEBHOOK_RELAY, but where a source names a relay of its own."""
    return Routes(
        formats={name: FORMATS.get(name, "json") for name in relays},
        email="smtp" if "smtp" in relays else "",
        other="webhook" if "webhook" in relays else "",
        by_source={name: source.relay for name, source in access.sources.items() if source.relay},
    )


def make_wishes(access: Access) -> dict[str, Wish]:
    """What each source wants to be told of failures."""
    return {
        name: Wish(notices=source.notices, dsn=source.dsn, language=access.language(source))
        for name, source in access.sources.items()
        if source.notices or source.dsn
    }
