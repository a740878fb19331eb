"""What HTTP clients may use. No I/O; the clock is an argument."""

import math
from dataclasses import dataclass
from typing import Self

from gateway.access import Source
from gateway.ingress.smtp_limits import Pace
from gateway.policy.outcome import Words
from gateway.settings import Settings
from gateway.web.peer import Network
from gateway.web.problem import Problem


@dataclass(frozen=True, slots=True, kw_only=True)
class HttpLimits:
    """Sizes in octets, times in seconds, rates per second; 0 in `source_rate` means any. `late` is after
    how long an event counts as backdated; `proxies` are those whose X-Forwarded-For says who asks."""

    message_bytes: int = 25 * 1024 * 1024
    events_bytes: int = 2 * 1024 * 1024
    inflight_bytes: int = 256 * 1024 * 1024
    recipients: int = 100
    events: int = 500
    source_rate: float = 0.0
    body_timeout: float = 60.0
    late: float = 86400.0
    proxies: tuple[Network, ...] = ()

    @classmethod
    def from_settings(cls, settings: Settings) -> Self:
        """The limits that the settings give; the rest as it stands here."""
        return cls(
            message_bytes=settings.max_message_bytes,
            inflight_bytes=settings.max_inflight_bytes,
            recipients=settings.max_recipients,
            source_rate=settings.source_rate,
            body_timeout=min(60.0, settings.data_timeout.total_seconds()),
            proxies=tuple(settings.http_proxy_trusted),
        )


class Paces:
    """Each source's messages a second."""

    def __init__(self, rate: float) -> None:
        self._rate = rate
        self._paces: dict[str, tuple[float, Pace]] = {}

    def take(self, source: Source, now: float, count: int = 1) -> None:
        """Take the places of `count` messages; `now` is monotonic. Raises Problem (too-many-requests)."""
        rate = source.rate or self._rate
        if not rate:
            return
        known = self._paces.get(source.name)
        if known is None or known[0] != rate:
            known = self._paces[source.name] = (rate, Pace(rate, now))
        if known[1].reserve(now, 0.0, count) < 0:
            raise _too_quick(rate, known[1].wait(count))


def _too_quick(rate: float, wait: float) -> Problem:
    return Problem(
        "too-many-requests",
        Words(
            f"This source may send {rate:g} messages a second. Nothing was stored; try again later.",
            f"Questa fonte può inviare {rate:g} messaggi al secondo. Nulla è registrato; riprovare dopo.",
        ),
        headers={"Retry-After": str(max(1, math.ceil(wait)))},
    )
