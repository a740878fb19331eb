"""The relays, the worker that keeps them busy, and who is told when that fails."""

import random
import time

from gateway.app.parts import Parts
from gateway.delivery.relay import Relay
from gateway.delivery.reports import Reports, Wish
from gateway.delivery.route import Routes
from gateway.delivery.session import Timeouts
from gateway.delivery.smtp import SmtpRelay
from gateway.delivery.target import parse_smtp, parse_webhook
from gateway.delivery.webhook import WebhookRelay
from gateway.delivery.worker import Worker
from gateway.intake.gate import GatedOutbox
from gateway.settings import Settings


def make_relays(settings: Settings) -> dict[str, Relay]:
    """The relays that the settings name: mail goes through `smtp`, everything else through `webhook`."""
    relays: dict[str, Relay] = {}
    if settings.relay is not None:
        timeout = settings.relay_timeout.total_seconds()
        relays["smtp"] = SmtpRelay(
            "smtp",
            parse_smtp(settings.relay.get_secret_value()),
            connections=settings.relay_connections,
            timeouts=Timeouts(command=timeout),
        )
    if settings.webhook_relay is not None and settings.webhook_secret is not None:
        target = parse_webhook(
            settings.webhook_relay.get_secret_value(), settings.webhook_secret.get_secret_value()
        )
        relays["webhook"] = WebhookRelay("webhook", target)
    return relays


FORMATS = {"smtp": "mime", "webhook": "json"}


def make_outbox(parts: Parts) -> GatedOutbox:
    """The store's outbox behind its gate."""
    settings = parts.settings
    return GatedOutbox(
        parts.store,
        parts.policies,
        parts.access,
        parts.keys,
        settings.hold_expiry.total_seconds(),
        return_path_domain=settings.return_path_domain,
    )


def make_reports(parts: Parts) -> Reports:
    """Who is told of what was refused or failed."""
    wishes = {s.name: Wish(notices=s.notices, dsn=s.dsn) for s in parts.access.sources.values()}
    return Reports(wishes, parts.settings.public_url.split("//")[-1].split("/")[0].split(":")[0])


def make_worker(parts: Parts, outbox: GatedOutbox, reports: Reports) -> Worker:
    """The delivery worker with its relays."""
    relays = make_relays(parts.settings)
    routes = Routes(
        formats={name: FORMATS[name] for name in relays},
        email="smtp" if "smtp" in relays else "",
        other="webhook" if "webhook" in relays else "",
        by_source={s.name: s.relay for s in parts.access.sources.values() if s.relay},
    )
    return Worker(
        outbox,
        relays,
        routes,
        parts.metrics,
        reports=reports,
        max_age=parts.settings.retry_max_age.total_seconds(),
        clock=time.time,
        rng=random.Random(),
    )
