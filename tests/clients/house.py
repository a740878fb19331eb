"""One gateway for real clients: newsletters need consent and are refused without, promotions are held.

`ana@example.test` agreed to the newsletter, nobody else did to anything.
"""

import json
import os
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest

from gateway.access import hash_secret
from tests.flow.harness import Gateway, Sink, consent, policies

HERE = Path(__file__).parent
SECRET = "a-secret-of-the-tool"
KEY = f"tool.{SECRET}"
CASES = {
    "accepted": ("transactional", ["ana@example.test"], "accepted"),
    "held": ("promotion", ["bo@example.test"], "held offers/consent."),
    "refused": ("newsletter", ["bo@example.test"], "rejected newsletters/consent."),
    "mixed": ("newsletter", ["ana@example.test", "bo@example.test"], "accepted 1"),
}
"""What each case sends, to whom, and what the SMTP reply says of it."""
POSTMARK_TOKEN = "6f0c2a41-8d0e-4b53-9a53-2f6c8f3f7a11"


def _policy(name: str, class_: str, rule: str, outcome: str) -> str:
    return (
        f"version: 1\npolicy: {name}\ntitle: Those who agreed\nowner: compliance@example.com\n"
        f"why: Whoever gets it said yes.\nmode: enforce\napplies_to:\n  class: [{class_}]\n"
        f"rules:\n  - rule: {rule}\n    outcome: {outcome}\n"
    )


POLICIES = (
    _policy("newsletters", "newsletter", "consent", "reject"),
    _policy("offers", "promotion, outreach", "consent", "hold"),
    _policy("invitations", "connection_request", "bare_invitation", "reject"),
)

ACCESS = """
controllers:
  - {name: acme, jurisdiction: it, identity: Acme}
sources:
  - name: tool
    controller: acme
    secret: "%s"
    dialects:
      postmark: {key: "sha256:%s", test: true}
      ses: {access_key: AKIAEXAMPLE000000001, secret: a-secret-key-of-the-tool}
  - {name: letters, controller: acme, secret: "%s", default_class: newsletter, default_purpose: newsletter}
  - {name: offers, controller: acme, secret: "%s", default_class: promotion, default_purpose: offers}
reviewers: []
"""
"""`letters` and `offers` are for tools that declare no class by themselves."""


@dataclass(frozen=True, slots=True)
class Served:
    """A running gateway and the relay that it delivers to."""

    gateway: Gateway
    sink: Sink

    @property
    def url(self) -> str:
        """Of the ingest API."""
        return f"http://127.0.0.1:{self.gateway.http_port}"

    @property
    def given(self) -> dict[str, Any]:
        """What a client needs to know."""
        return {
            "url": self.url,
            "host": f"127.0.0.1:{self.gateway.http_port}",
            "smtp": self.gateway.smtp_port,
            "user": "tool",
            "secret": SECRET,
            "key": KEY,
            "token": POSTMARK_TOKEN,
            "access_key": "AKIAEXAMPLE000000001",
            "secret_key": "a-secret-key-of-the-tool",
        }

    def ask(self, command: list[str], folder: Path, case: str) -> Any:
        """Run a client with one case; what it saw, as it tells on its last line."""
        environment = {**os.environ, "CASE": case, "GIVEN": json.dumps(self.given), "NO_PROXY": "*"}
        done = subprocess.run(
            command, cwd=folder, env=environment, capture_output=True, timeout=60, check=False
        )
        said = done.stdout.decode().strip().splitlines()
        assert said, done.stderr.decode()[-3000:]
        return json.loads(said[-1])


@pytest.fixture(scope="session")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    """A gateway with an access file."""
    folder = tmp_path_factory.mktemp("gateway")
    access = folder / "access.yaml"
    token = sha256(POSTMARK_TOKEN.encode()).hexdigest()
    secret = hash_secret(SECRET)
    access.write_text(ACCESS % (secret, token, secret, secret))
    rules = policies(folder / "rules", *POLICIES)
    with Sink() as sink, Gateway(folder, relay=sink.url, policies=rules, access=access) as gateway:
        liked = consent("ACoAAexample04", controller="acme", channel="linkedin", purpose="offers")
        gateway.consents([consent("ana@example.test", controller="acme"), liked])
        yield Served(gateway, sink)
