"""The store's outbox behind its gate, and the worker that empties it."""

from gateway.app.parts import Parts, StartError
from gateway.delivery.setup import make_worker as make
from gateway.delivery.target import TargetError
from gateway.delivery.worker import Worker
from gateway.intake.gate import GatedOutbox


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
    )


def make_worker(parts: Parts, outbox: GatedOutbox) -> Worker:
    """The delivery worker with its relays. Raises StartError where a relay's URL cannot be meant."""
    try:
        return make(outbox, parts.settings, parts.access, parts.metrics)
    except TargetError as error:
        raise StartError(f"GALATEO_RELAY or GALATEO_WEBHOOK_RELAY: {error}") from error
