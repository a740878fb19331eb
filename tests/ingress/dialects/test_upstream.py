"""What was accepted goes on to the provider with the provider's own key; what was refused does not."""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import pytest

from gateway.access import hash_secret
from gateway.delivery.target import TargetError
from gateway.delivery.upstream import parse_upstream
from gateway.ingress.dialects.forms import parse_form
from tests.clients.house import POLICIES
from tests.flow.harness import Gateway, consent, policies
from tests.flow.recorders import Request, Sink, Target
from tests.ingress.dialects.shop import basic

SECRET = "a-secret-of-the-tool"
ACCESS = """
controllers:
  - {{name: acme, jurisdiction: it, identity: Acme}}
sources:
{sources}
reviewers: []
"""
SOURCE = """
  - name: {name}
    controller: acme
    secret: "{secret}"
    upstream: {{provider: {name}, url: "http://127.0.0.1:{port}", key: their-own-key}}
"""


@dataclass(slots=True)
class Passage:
    """A gateway between a tool and a provider."""

    gateway: Gateway
    provider: Target

    def post(self, path: str, body: Any, **headers: str) -> Any:
        sent = {name.replace("_", "-"): value for name, value in headers.items()}
        return self.gateway.request("POST", path, body, sent)

    def arrived(self, count: int) -> list[Request]:
        """What the provider got since the last time."""
        found = self.provider.wait(count)
        self.provider.requests.clear()
        return sorted(found, key=lambda request: request.body)


@pytest.fixture(scope="module")
def passage(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Passage]:
    folder = tmp_path_factory.mktemp("gateway")
    secret = hash_secret(SECRET)
    with Target(lambda _: (202, {})) as provider, Sink() as sink:
        names = ("sendgrid", "mailgun", "postmark")
        sources = "".join(SOURCE.format(name=n, secret=secret, port=provider.port) for n in names)
        (folder / "access.yaml").write_text(ACCESS.format(sources=sources))
        rules = policies(folder / "rules", *POLICIES)
        with Gateway(folder, relay=sink.url, policies=rules, access=folder / "access.yaml") as gateway:
            gateway.consents([consent("ana@example.test", controller="acme")])
            yield Passage(gateway, provider)
        assert not sink.deliveries


TEXT = {"type": "text/plain", "value": "We opened a workshop."}


def sendgrid(*people: dict[str, Any], **fields: Any) -> dict[str, Any]:
    return {
        "personalizations": list(people),
        "from": {"email": "news@acme.test"},
        "subject": "News",
        "content": [TEXT],
        "headers": {"X-Galateo-Class": "newsletter", "X-Galateo-Purpose": "newsletter", "X-Team": "growth"},
        **fields,
    }


ANA, BO = {"email": "ana@example.test", "name": "Ana"}, {"email": "bo@example.test"}


def test_sendgrid_without_the_refused(passage: Passage) -> None:
    body = sendgrid(
        {"to": [ANA], "cc": [BO], "dynamic_template_data": {"items": [], "none": None, "n": 1.5}},
        {"to": [BO]},
        categories=["spring"],
        content=[TEXT, {"type": "text/x-amp-html", "value": "<html amp4email>Last chance</html>"}],
        tracking_settings={"open_tracking": {"enable": True}},
    )
    answer = passage.post("/v3/mail/send", body, Authorization=f"Bearer sendgrid:{SECRET}")
    assert answer.status == 202
    (request,) = passage.arrived(1)
    assert (request.path, request.headers["authorization"]) == ("/v3/mail/send", "Bearer their-own-key")
    sent = json.loads(request.body)
    assert sent["personalizations"] == [
        {"dynamic_template_data": {"items": [], "none": None, "n": 1.5}, "to": [ANA]}
    ]
    assert sent["headers"] == {"X-Team": "growth"}
    assert sent["categories"] == ["spring"]
    assert sent["content"] == [TEXT], "nobody here has read the rest"
    assert sent["tracking_settings"] == body["tracking_settings"]


def test_what_is_held_does_not_go_on(passage: Passage) -> None:
    body = sendgrid({"to": [BO]}, template_id="d-1")
    body["headers"]["X-Galateo-Class"] = "promotion"
    before = len(passage.gateway.holds())
    answer = passage.post("/v3/mail/send", body, Authorization=f"Bearer sendgrid:{SECRET}")
    assert answer.status == 202
    assert len(passage.gateway.holds()) == before + 1
    # Its template was asked for, and nothing was sent.
    assert [request.method for request in passage.provider.requests] == ["GET"]
    passage.provider.requests.clear()


def test_mailgun_without_the_refused(passage: Passage) -> None:
    words = {"ana@example.test": {"first": "Ana"}, "bo@example.test": {"first": "Bo"}}
    form = [
        ("from", "news@acme.test"),
        ("to", "Ana <ana@example.test>"),
        ("to", "bo@example.test"),
        ("subject", "Hi %recipient.first%"),
        ("text", "We opened a workshop."),
        ("amp-html", "<html amp4email>Last chance</html>"),
        ("recipient-variables", json.dumps(words)),
        ("o:tag", "a"),
        ("o:tag", "b"),
        ("h:X-Galateo-Class", "newsletter"),
        ("h:X-Galateo-Purpose", "newsletter"),
    ]
    answer = passage.post(
        "/v3/mg.acme.test/messages",
        urlencode(form).encode(),
        Authorization=basic("api", f"mailgun:{SECRET}"),
        Content_Type="application/x-www-form-urlencoded",
    )
    assert answer.status == 200, answer.body
    (request,) = passage.arrived(1)
    assert request.headers["authorization"] == basic("api", "their-own-key")
    sent = parse_form(request.headers["content-type"], request.body)
    assert sent.all("to") == ["Ana <ana@example.test>"]
    assert json.loads(sent.get("recipient-variables")) == {"ana@example.test": {"first": "Ana"}}
    assert sent.get("subject") == "Hi %recipient.first%"
    assert sent.all("o:tag") == ["a", "b"]
    assert "h:X-Galateo-Class" not in sent
    assert "amp-html" not in sent


def test_postmark_without_the_refused(passage: Passage) -> None:
    body = {
        "From": "news@acme.test",
        "To": "Ana <ana@example.test>, bo@example.test",
        "Subject": "News",
        "TextBody": "We opened a workshop.",
        "MessageStream": "broadcast",
        "Headers": [
            {"Name": "X-Galateo-Class", "Value": "newsletter"},
            {"Name": "X-Galateo-Purpose", "Value": "newsletter"},
        ],
    }
    answer = passage.post("/email", body, X_Postmark_Server_Token=f"postmark:{SECRET}")
    assert answer.status == 200, answer.body
    assert "these inactive addresses: bo@example.test" in json.loads(answer.body)["Message"]
    (request,) = passage.arrived(1)
    assert request.headers["x-postmark-server-token"] == "their-own-key"
    assert json.loads(request.body) == {
        "From": "news@acme.test",
        "Subject": "News",
        "TextBody": "We opened a workshop.",
        "MessageStream": "broadcast",
        "To": "Ana <ana@example.test>",
    }


@pytest.mark.parametrize(
    "options",
    [
        {},
        {"provider": "smoke", "key": "k"},
        {"provider": "sendgrid"},
        {"provider": "sendgrid", "key": "k", "key_file": "f"},
        {"provider": "sendgrid", "key": "a\r\nb"},
        {"provider": "sendgrid", "key": "k", "url": "http://api.example.com"},
        {"provider": "sendgrid", "key": "k", "url": "https://api.example.com/?x=1"},
        {"provider": "sendgrid", "key_file": "/nowhere/at/all"},
        {"provider": "sendgrid", "key": "k", "more": 1},
    ],
)
def test_an_upstream_that_cannot_be_meant(options: dict[str, Any]) -> None:
    with pytest.raises(TargetError):
        parse_upstream(options)


def test_a_key_in_a_file(tmp_path: Path) -> None:
    (tmp_path / "key").write_text("the-key\n")
    target = parse_upstream({"provider": "postmark", "key_file": str(tmp_path / "key")})
    assert (target.key, target.url) == ("the-key", "https://api.postmarkapp.com")
    assert "the-key" not in repr(target)
