"""A gateway as a process, told by a provider and telling subscribers and tools."""

import json
from pathlib import Path
from typing import Any

from standardwebhooks import Webhook

from gateway.access import hash_secret
from tests.flow.harness import WEBHOOK_SECRET, Gateway, Sink, Target

EVENTS = ["message.complained", "message.rejected"]
BEARER = {"Authorization": "Bearer news:correct horse"}


def subscriber() -> dict[str, Any]:
    return {
        "subject": "News",
        "from_email": "Acme <news@acme.test>",
        "content_type": "plain",
        "body": "Our news of March.",
        "recipients": [
            {"uuid": "6d5f0f2e-31cf-4d2e-9a0c-3a4f7f7f0a01", "email": "cy@example.test", "name": "Cy"}
        ],
        "campaign": {"uuid": "0c8a4b52-7f0e-4f6d-8d53-b7a6a4f9c111", "name": "March"},
    }


def access(folder: Path, hooks: str, bounces: str) -> Path:
    source = {
        "name": "news",
        "controller": "acme",
        "secret": hash_secret("correct horse"),
        "default_class": "newsletter",
        "default_purpose": "newsletter",
        "webhooks": [{"url": hooks, "secret": WEBHOOK_SECRET, "events": EVENTS}],
        "dialects": {"listmonk": {"bounces": {"url": bounces, "user": "api", "token": "t"}}},
    }
    path = folder / "access.yaml"
    path.write_text(json.dumps({"sources": [source], "controllers": [{"name": "acme"}]}))
    return path


def read(body: bytes, headers: dict[str, str]) -> dict[str, Any]:
    return dict(Webhook(WEBHOOK_SECRET).verify(body, headers))


def test_a_complaint_comes_in_and_a_refusal_goes_out(tmp_path: Path) -> None:
    with Sink() as sink, Target() as hooks, Target() as bounces:
        given = access(tmp_path, hooks.url, bounces.url)
        with Gateway(tmp_path, relay=sink.url, access=given) as gateway:
            complaint = {"RecordType": "SpamComplaint", "ID": 1, "Email": "cy@example.test"}
            answer = gateway.request("POST", "/v1/feeds/postmark/news?key=wrong", complaint)
            assert answer.status == 401
            answer = gateway.request("POST", "/v1/feeds/postmark/news", complaint, BEARER)
            assert (answer.status, answer.json()["applied"]) == (200, 1)
            answer = gateway.request("POST", "/ingress/listmonk/messenger", subscriber(), BEARER)
            assert answer.status == 200
            (bounce,) = bounces.wait(1)
            told = [read(one.body, one.headers) for one in hooks.wait(2)]
            again = gateway.command("events", "replay", "--since", "1h")
        assert again.stdout == "Told 2, failed 0.\n"
        assert len(hooks.requests) == 4
    assert [one["type"] for one in told] == ["message.complained", "message.rejected"]
    assert json.loads(bounce.body)["subscriber_uuid"] == subscriber()["recipients"][0]["uuid"]
    assert not sink.deliveries
    assert "cy@example.test" not in gateway.said()


def test_what_the_relay_took_is_told(tmp_path: Path) -> None:
    source = {
        "name": "shop",
        "controller": "acme",
        "secret": hash_secret("correct horse"),
        "default_class": "transactional",
    }
    with Sink() as sink, Target() as hooks:
        source["webhooks"] = [{"url": hooks.url, "secret": WEBHOOK_SECRET, "events": ["message.delivered"]}]
        path = tmp_path / "access.yaml"
        path.write_text(json.dumps({"sources": [source], "controllers": [{"name": "acme"}]}))
        with Gateway(tmp_path, relay=sink.url, access=path) as gateway:
            body = {
                "channel": "email",
                "sender": {"addresses": [{"type": "email", "value": "shop@acme.test"}]},
                "recipient": {"addresses": [{"type": "email", "value": "cy@example.test"}]},
                "subject": "Your order",
                "text": "Your order 12 left today.",
            }
            bearer = {"Authorization": "Bearer shop:correct horse"}
            identity = gateway.request("POST", "/v1/messages", body, bearer).json()["id"]
            told = [read(one.body, one.headers) for one in hooks.wait(1)]
            assert gateway.command("audit", "verify").returncode == 0
    assert [(one["type"], one["data"]["message"]) for one in told] == [("message.delivered", identity)]
    assert told[0]["data"]["note"] == "handed_over"
    assert len(sink.deliveries) == 1
