"""Refusals told to the tool in its own words, so that they show up inside it: listmonk's bounce API,
SendGrid's event webhook. Only for sources that ask for it; what waits here is lost in a crash, the decision
is not.
"""

import asyncio
import base64
import logging
from collections import deque
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import aiohttp
import orjson
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import load_der_private_key

from gateway.access import Source
from gateway.delivery.announcer import open_client
from gateway.delivery.target import TargetError

log = logging.getLogger("galateo.echo")

MOST = 10_000
"""Refusals that wait; the oldest go."""
BATCH = 100
PAUSES = (1.0, 10.0, 60.0)
STOPS = frozenset({"suppressed", "stop_request", "no_sales"})
"""Rules by which the person said no: the tool may stop writing to them. Any other refusal is about the
message, and the address must not be taken for dead."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Refusal:
    """One recipient who got nothing. `at` is unix seconds, `n` counts the message's recipients."""

    source: str
    message_id: str
    n: int
    address: str
    external_id: str
    campaign: str
    rule: str
    reason: str
    at: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Listmonk:
    """`POST /webhooks/bounce` with an API user."""

    url: str
    user: str
    token: str

    batch = 1

    def request(self, refusals: list[Refusal]) -> tuple[bytes, dict[str, str]]:
        """Body and headers; listmonk takes one at a time."""
        (refusal,) = refusals
        told: dict[str, Any] = {
            "source": "galateo",
            "type": "complaint" if refusal.rule in STOPS else "soft",
            "meta": {"reason": refusal.reason, "message_id": refusal.message_id},
        }
        if refusal.external_id:
            told["subscriber_uuid"] = refusal.external_id
        else:
            told["email"] = refusal.address
        if refusal.campaign:
            told["campaign_uuid"] = refusal.campaign
        pair = base64.b64encode(f"{self.user}:{self.token}".encode()).decode()
        return orjson.dumps(told), {"Authorization": f"Basic {pair}"}


@dataclass(frozen=True, slots=True, kw_only=True)
class SendGrid:
    """`dropped` events, signed with a key of the gateway's own."""

    url: str
    key: ec.EllipticCurvePrivateKey

    batch = BATCH

    def request(self, refusals: list[Refusal]) -> tuple[bytes, dict[str, str]]:
        """Body and headers, as the Event Webhook has them."""
        body = orjson.dumps([_dropped(refusal) for refusal in refusals])
        stamp = str(int(refusals[-1].at))
        signature = self.key.sign(stamp.encode() + body, ec.ECDSA(SHA256()))
        return body, {
            "X-Twilio-Email-Event-Webhook-Timestamp": stamp,
            "X-Twilio-Email-Event-Webhook-Signature": base64.b64encode(signature).decode(),
        }


def _dropped(refusal: Refusal) -> dict[str, Any]:
    return {
        "email": refusal.address,
        "timestamp": int(refusal.at),
        "event": "dropped",
        "reason": "Unsubscribed Address" if refusal.rule in STOPS else "Blocked",
        "response": refusal.reason,
        "sg_event_id": f"{refusal.message_id}-{refusal.n}-dropped",
        "sg_message_id": f"{refusal.message_id}.{refusal.n}",
    }


Echo = Listmonk | SendGrid


def echoes_of(sources: Iterable[Source]) -> dict[str, Echo]:
    """By source, how its refusals are told: `dialects.listmonk.bounces` with url, user and token, or
    `dialects.sendgrid.events` with url and key. Raises TargetError, with the source's name."""
    found: dict[str, Echo] = {}
    for source in sources:
        for dialect, option, make in (("listmonk", "bounces", _listmonk), ("sendgrid", "events", _sendgrid)):
            given = source.dialects.get(dialect)
            asked = given.get(option) if isinstance(given, Mapping) else None
            if asked is None:
                continue
            where = f"source {source.name!r}: dialects.{dialect}.{option}"
            if not isinstance(asked, Mapping) or not str(asked.get("url", "")).startswith(
                ("https://", "http://")
            ):
                raise TargetError(f"{where}: this needs the url to post to")
            try:
                found[source.name] = make({name: str(value) for name, value in asked.items()})
            except (KeyError, ValueError, TypeError, UnsupportedAlgorithm) as error:
                raise TargetError(f"{where}: {_NEEDS[dialect]}") from error
    return found


_NEEDS = {
    "listmonk": "this needs url, and user and token of an API user",
    "sendgrid": "this needs url, and as key a private key on P-256 (PKCS 8, DER) in Base64",
}


def _listmonk(given: Mapping[str, str]) -> Echo:
    return Listmonk(url=given["url"], user=given["user"], token=given["token"])


def _sendgrid(given: Mapping[str, str]) -> Echo:
    key = load_der_private_key(base64.b64decode(given["key"], validate=True), None)
    if not isinstance(key, ec.EllipticCurvePrivateKey) or not isinstance(key.curve, ec.SECP256R1):
        raise TypeError
    return SendGrid(url=given["url"], key=key)


class Echoes:
    """Tells refusals to those who asked, each source in its own order."""

    def __init__(self, echoes: Mapping[str, Echo], *, pauses: tuple[float, ...] = PAUSES) -> None:
        self._echoes = echoes
        self._pauses = pauses
        self._waiting: dict[str, deque[Refusal]] = {}
        self._wake: dict[str, asyncio.Event] = {}
        self._changed = asyncio.Event()
        self.adopt(echoes)

    def adopt(self, echoes: Mapping[str, Echo]) -> None:
        """Tell these from now on. What waits for a source that does not ask any more is dropped."""
        self._echoes = echoes
        for name in self._waiting.keys() | echoes.keys():
            waiting = self._waiting.setdefault(name, deque(maxlen=MOST))
            self._wake.setdefault(name, asyncio.Event())
            if name not in echoes:
                waiting.clear()
        self._changed.set()

    def hears(self, source: str) -> bool:
        """Whether this source asked."""
        return source in self._echoes

    def add(self, refusal: Refusal) -> None:
        """Tell it soon; returns at once."""
        if refusal.source in self._echoes:
            self._waiting[refusal.source].append(refusal)
            self._wake[refusal.source].set()

    async def run(self) -> None:
        """Tell until cancelled; while nobody asks there is nothing to do."""
        serving: set[str] = set()
        async with open_client() as client, asyncio.TaskGroup() as group:
            while True:
                self._changed.clear()
                for name in self._waiting.keys() - serving:
                    serving.add(name)
                    group.create_task(self._serve(client, name))
                await self._changed.wait()

    async def _serve(self, client: aiohttp.ClientSession, name: str) -> None:
        waiting, wake = self._waiting[name], self._wake[name]
        while True:
            await wake.wait()
            wake.clear()
            while waiting:
                echo = self._echoes[name]  # whoever does not ask any more has nothing waiting
                batch = [waiting.popleft() for _ in range(min(echo.batch, len(waiting)))]
                if not await self._tell(client, echo, batch):
                    log.error("echo.gave_up", extra={"source": name, "refusals": len(batch)})

    async def _tell(self, client: aiohttp.ClientSession, echo: Echo, batch: list[Refusal]) -> bool:
        body, headers = echo.request(batch)
        headers |= {"Content-Type": "application/json", "User-Agent": "Galateo"}
        for pause in (*self._pauses, None):
            try:
                request = client.post(echo.url, data=body, headers=headers, allow_redirects=False)
                async with request as answer:
                    if answer.status < 300:
                        return True
                    if answer.status < 500 and answer.status not in (408, 425, 429):
                        return False
            except (aiohttp.ClientError, TimeoutError, OSError):
                pass
            if pause is not None:
                await asyncio.sleep(pause)
        return False
