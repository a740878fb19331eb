"""What can be said at RCPT already, before the message is known: very little, and only for sure.

A dead address is refused there for everyone. Any other stop counts there only for a source that sends
nothing but marketing: for all others the class is not known yet, and a receipt must get through. What the
person agreed to anew since depends on the class as well.
"""

from collections.abc import Awaitable

from gateway.access import Source
from gateway.keys import Keys
from gateway.ledger.person import Stop
from gateway.message.envelope import Recipient
from gateway.metrics import Metrics
from gateway.store.protocol import Store, StoreError

NOT_MARKETING = frozenset({"transactional", "conversation"})

BOUNCED = "nobody is at this address, or its mailbox stays full: mail to it bounced. Take it off the list"


class Refusals:
    """Answers the SMTP listener's question at RCPT."""

    def __init__(self, store: Store, keys: Keys, metrics: Metrics) -> None:
        self._store = store
        self._keys = keys
        self._metrics = metrics

    def refuse(self, source: Source, recipient: Recipient) -> str | Awaitable[str | None] | None:
        """Why this recipient is refused now, in words for the sender; None to go on. At once where the
        store answers at once."""
        ref = (source.controller, self._keys.subject(recipient.channel, recipient.key))
        stops = self._store.stops(ref)
        if isinstance(stops, tuple):
            return self._judge(stops, source, recipient.channel) if stops else None
        return self._wait(stops, source, recipient.channel)

    async def _wait(self, stops: Awaitable[tuple[Stop, ...]], source: Source, channel: str) -> str | None:
        try:
            return self._judge(await stops, source, channel)
        except StoreError:
            self._metrics.message(source.name, channel, "unknown", "deferred")  # as after DATA
            raise

    def _judge(self, stops: tuple[Stop, ...], source: Source, channel: str) -> str | None:
        reason = judge(stops, source, channel)
        if reason is not None:
            # No message that follows is for this recipient, so none is counted twice.
            self._metrics.message(source.name, channel, "unknown", "rejected")
        return reason


def judge(stops: tuple[Stop, ...], source: Source, channel: str) -> str | None:
    """What these stops mean at RCPT."""
    for stop in stops:
        if stop.kind == "bounced" and _covers(stop, channel):
            return BOUNCED
    marketing_only = NOT_MARKETING.isdisjoint(source.classes)
    if marketing_only and any(_covers(s, channel) and _is_whole(s, channel) for s in stops):
        return "this person asked not to be written to. Take them off the list"
    return None


def _covers(stop: Stop, channel: str) -> bool:
    return not stop.channels or channel in stop.channels


def _is_whole(stop: Stop, channel: str) -> bool:
    return not stop.purposes and not any(spared == channel for _, spared in stop.spares)
