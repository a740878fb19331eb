"""The store's outbox behind its gate, and the worker that empties it."""

import os
import socket
import time
from collections.abc import Awaitable, Callable

from gateway.access import Access
from gateway.app.parts import Parts, StartError
from gateway.delivery.announcer import Announcer, endpoints_of
from gateway.delivery.checkpoints import CheckpointHook
from gateway.delivery.dkim import SigningOutbox
from gateway.delivery.echo import Echoes, echoes_of
from gateway.delivery.endings import Endings
from gateway.delivery.outbox import Outbox
from gateway.delivery.setup import host_of, make_wishes
from gateway.delivery.setup import make_worker as make
from gateway.delivery.target import TargetError, parse_webhook
from gateway.delivery.worker import Worker
from gateway.intake.gate import GatedOutbox
from gateway.settings import Settings


def make_outbox(parts: Parts) -> GatedOutbox:
    """What waits for delivery; what waited long is decided again before it leaves."""
    settings = parts.settings
    return GatedOutbox(
        parts.store,
        parts.policies,
        parts.access,
        parts.keys,
        settings.hold_expiry.total_seconds(),
        return_path_domain=settings.return_path_domain,
        told=hearing(parts.access, "message.delivered"),
        clock=parts.store.now,
    )


def hearing(access: Access, event: str) -> frozenset[str]:
    """The controllers of which somebody subscribed to a type of event."""
    hooks = [
        (source.controller, hook.events) for source in access.sources.values() for hook in source.webhooks
    ]
    return frozenset(controller for controller, events in hooks if not events or event in events)


def sign_what_leaves(parts: Parts, outbox: Outbox) -> Outbox:
    """The outbox with DKIM signatures on mail, where there are keys."""
    if not parts.signing:
        return outbox
    return SigningOutbox(outbox, parts.signing, time.time, resign=parts.settings.dkim_signed == "sign")


def make_worker(parts: Parts, outbox: GatedOutbox) -> Worker:
    """The delivery worker with its relays. Raises StartError where a relay's URL cannot be meant."""
    try:
        signed = sign_what_leaves(parts, outbox)
        return make(signed, parts.settings, parts.access, parts.metrics, clock=parts.store.now)
    except TargetError as error:
        raise StartError(f"GALATEO_RELAY or GALATEO_WEBHOOK_RELAY: {error}") from error


def make_endings(parts: Parts) -> Endings:
    """What tells sources how their holds ended."""
    return Endings(parts.store, make_wishes(parts.access), host_of(parts.settings), parts.store.now)


def make_announcer(parts: Parts) -> Announcer:
    """What tells subscribers. Raises StartError where a webhook of the access file cannot be meant."""
    try:
        endpoints = endpoints_of(parts.access.sources.values())
    except TargetError as error:
        raise StartError(str(error)) from error
    return Announcer(parts.store, endpoints, process_name(), clock=parts.store.now)


def process_name() -> str:
    """This process among all that share a database."""
    return f"{socket.gethostname()}:{os.getpid()}"


def make_checkpoint_post(settings: Settings) -> Callable[[bytes, float], Awaitable[bool]] | None:
    """What posts checkpoints of the audit log, if anything. Raises StartError where its URL cannot
    be meant."""
    if settings.checkpoint_webhook is None or settings.checkpoint_secret is None:
        return None
    try:
        target = parse_webhook(
            settings.checkpoint_webhook.get_secret_value(), settings.checkpoint_secret.get_secret_value()
        )
    except TargetError as error:
        raise StartError(f"GALATEO_CHECKPOINT_WEBHOOK: {error}") from error
    return CheckpointHook(target).post


def make_echoes(parts: Parts) -> Echoes:
    """What tells tools of refusals in their own words. Raises StartError as `make_announcer` does."""
    try:
        return Echoes(echoes_of(parts.access.sources.values()))
    except TargetError as error:
        raise StartError(str(error)) from error
