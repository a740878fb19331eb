"""Signatures that the gateway makes and takes, in the eyes of vendors' own libraries."""

import base64
import hmac
import json
import shutil
import subprocess
import time
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import orjson
import pytest

from gateway.delivery.echo import Refusal, SendGrid
from gateway.delivery.signature import sign
from gateway.ingress.feeds import signatures as by
from tests.clients.house import HERE
from tests.clients.installed import node_folder, python
from tests.delivery.test_echo import KEY, PUBLIC
from tests.ingress.feeds.test_signatures import bounce, certificate, signed
from tests.tools import need

SECRET = "whsec_AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8="


@pytest.fixture(scope="module")
def program() -> Path:
    """A Python that has the libraries."""
    return python()


def ask(program: Path, what: str, **asked: Any) -> Any:
    """What a library says."""
    command = [str(program), str(HERE / "python" / "oracles.py"), what]
    done = subprocess.run(
        command, input=json.dumps(asked).encode(), capture_output=True, timeout=60, check=False
    )
    assert done.returncode == 0, done.stderr.decode()[-2000:]
    return json.loads(done.stdout.decode().strip().splitlines()[-1])


def request(view: str, settings: dict[str, str], raw: bytes, **more: Any) -> dict[str, Any]:
    """What anymail is asked: `module.View`, its settings, a body."""
    module, _, name = view.partition(".")
    asked = {"headers": {}, "type": "application/json", "path": "/feed", **more}
    body = base64.b64encode(raw).decode()
    return {"module": module, "view": name, "settings": settings, "body": body, **asked}


def dropped(rule: str) -> tuple[bytes, dict[str, str]]:
    """A refusal as SendGrid's applications are told it."""
    refusal = Refusal(
        source="shop", message_id="01m7", n=0, address="bo@example.test", external_id="", campaign="",
        rule=rule, reason="no consent", at=time.time(),
    )  # fmt: skip
    return SendGrid(url="https://app.test", key=KEY).request([refusal])


def test_webhooks_of_the_gateway_verify_with_svix(program: Path) -> None:
    body, now = '{"type":"message.held"}', int(time.time())
    signature = sign("m1", now, body.encode(), [by.secret_of("whsec_" + "A" * 32), by.secret_of(SECRET)])
    headers = {"svix-id": "m1", "svix-timestamp": str(now), "svix-signature": signature}
    assert ask(program, "svix_verify", secret=SECRET, body=body, headers=headers) is True
    assert ask(program, "svix_verify", secret=SECRET, body=body + " ", headers=headers) is False


def test_what_svix_signs_is_taken(program: Path) -> None:
    at = int(time.time())
    signature = ask(program, "svix_sign", secret=SECRET, id="m1", at=at, body="{}")
    assert by.by_standard([SECRET], "m1", str(at), signature, b"{}")
    assert not by.by_standard([SECRET], "m2", str(at), signature, b"{}")


def test_what_hubspot_signs_is_taken(program: Path) -> None:
    url, stamp, body = "https://gate.acme.test/feed", "1773309700000", '{"vid":1,"name":"Zoë"}'
    signature = ask(program, "hubspot_sign", secret="hs", url=url, body=body, timestamp=stamp)
    assert by.by_hmac(["hs"], signature, by.said_by_hubspot("POST", url, body.encode(), stamp))
    assert not by.by_hmac(["hs"], signature, by.said_by_hubspot("POST", url + "/", body.encode(), stamp))


def test_sns_in_the_eyes_of_another_validator(program: Path) -> None:
    key, pem = certificate()
    note = orjson.loads(signed(key, bounce(), "1"))
    for one, fine in ((note, True), ({**note, "Message": note["Message"] + " "}, False)):
        assert ask(program, "sns_verify", note=one, certificate=pem.decode()) is fine
        assert by.by_sns(pem, one) is fine


def test_dropped_events_verify_with_sendgrids_helper(program: Path) -> None:
    body, headers = dropped("suppressed")
    stamp = headers["X-Twilio-Email-Event-Webhook-Timestamp"]
    signature = headers["X-Twilio-Email-Event-Webhook-Signature"]
    asked = {"key": PUBLIC, "signature": signature, "timestamp": stamp}
    assert ask(program, "sendgrid_verify", body=body.decode(), **asked) is True
    assert ask(program, "sendgrid_verify", body=body.decode() + " ", **asked) is False


@pytest.mark.parametrize("change", ["", " "])
def test_dropped_events_verify_with_sendgrids_package(change: str) -> None:
    folder = node_folder()
    shutil.copy(HERE / "node" / "eventwebhook.mjs", folder / "eventwebhook.mjs")
    body, headers = dropped("suppressed")
    asked = {
        "key": PUBLIC,
        "body": body.decode() + change,
        "signature": headers["X-Twilio-Email-Event-Webhook-Signature"],
        "timestamp": headers["X-Twilio-Email-Event-Webhook-Timestamp"],
    }
    command = [need("node", "nodejs"), "eventwebhook.mjs"]
    done = subprocess.run(
        command, cwd=folder, input=json.dumps(asked).encode(), capture_output=True, timeout=60, check=False
    )
    assert done.stdout.decode().strip() == ("false" if change else "true"), done.stderr.decode()


@pytest.mark.parametrize(("rule", "reason"), [("suppressed", "unsubscribed"), ("consent", "blocked")])
def test_anymail_reads_dropped_events(program: Path, rule: str, reason: str) -> None:
    body, headers = dropped(rule)
    settings = {"SENDGRID_TRACKING_WEBHOOK_VERIFICATION_KEY": PUBLIC}
    asked = request("sendgrid.SendGridTrackingWebhookView", settings, body, headers=headers)
    seen = ask(program, "anymail", **asked)
    assert seen["status"] == 200, seen
    (told,) = seen["told"]
    assert (told["type"], told["recipient"], told["reason"]) == ("rejected", "bo@example.test", reason)
    forged = request("sendgrid.SendGridTrackingWebhookView", settings, body + b" ", headers=headers)
    assert ask(program, "anymail", **forged)["status"] == 400


def test_mailgun_in_the_eyes_of_anymail(program: Path) -> None:
    stamp, token = str(int(time.time())), "t" * 50
    signature = hmac.digest(b"mg-key", (stamp + token).encode(), "sha256").hex()
    for given, fine in ((signature, True), ("0" * 64, False)):
        block = {"timestamp": stamp, "token": token, "signature": given}
        body = {"signature": block, "event-data": {"event": "complained", "recipient": "cy@example.test"}}
        asked = request(
            "mailgun.MailgunTrackingWebhookView",
            {"MAILGUN_WEBHOOK_SIGNING_KEY": "mg-key"},
            orjson.dumps(body),
        )
        assert (ask(program, "anymail", **asked)["status"] == 200) is fine
        assert by.by_mailgun(["mg-key"], given, stamp, token) is fine


def test_mandrill_in_the_eyes_of_anymail(program: Path) -> None:
    events = orjson.dumps(
        [{"event": "spam", "_id": "m1", "ts": 1773309700, "msg": {"email": "cy@example.test"}}]
    )
    url, fields = "https://gate.acme.test/feed", [("mandrill_events", events.decode())]
    said = by.said_by_mandrill(url, fields)
    signature = base64.b64encode(hmac.digest(b"md-key", said, "sha1")).decode()
    settings = {"MANDRILL_WEBHOOK_KEY": "md-key", "MANDRILL_WEBHOOK_URL": url, "MANDRILL_API_KEY": "x"}
    for given, status in ((signature, 200), ("no", 400)):
        asked = request(
            "mandrill.MandrillCombinedWebhookView",
            settings,
            urlencode(fields).encode(),
            type="application/x-www-form-urlencoded",
            headers={"X-Mandrill-Signature": given},
        )
        assert ask(program, "anymail", **asked)["status"] == status
        assert by.by_hmac(["md-key"], given, said, "sha1") is (status == 200)
