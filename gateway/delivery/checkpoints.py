"""Signed checkpoints of the audit log, posted to somebody who keeps them: Standard Webhooks 1.0, one line of
the file of checkpoints as the body of each request."""

from hashlib import blake2b

import aiohttp

from gateway.delivery.announcer import open_client
from gateway.delivery.signature import sign
from gateway.delivery.target import WebhookTarget
from gateway.delivery.webhook import read_answer, read_text
from gateway.store.attempt import Kind


class CheckpointHook:
    """Where checkpoints are posted. Redirects are not followed."""

    def __init__(self, target: WebhookTarget, timeout: float = 20.0) -> None:
        self._target = target
        self._timeout = timeout

    async def post(self, line: bytes, now: float) -> bool:
        """Whether the checkpoint was taken: any answer of 2xx. The same line has the same webhook-id."""
        name = f"checkpoint-{blake2b(line, digest_size=12).hexdigest()}"
        headers = {
            "Content-Type": "application/json",
            "User-Agent": "Galateo",
            "webhook-id": name,
            "webhook-timestamp": str(int(now)),
            "webhook-signature": sign(name, int(now), line, self._target.secrets),
        }
        try:
            async with open_client(self._timeout) as client:
                asked = client.post(self._target.url, data=line, headers=headers, allow_redirects=False)
                async with asked as answer:
                    await read_text(answer)
                    return read_answer(answer.status, "", b"", now).kind is Kind.DELIVERED
        except (aiohttp.ClientError, TimeoutError, OSError):
            return False
