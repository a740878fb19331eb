"""Vendors' own libraries on signatures: what the first argument asks, about what comes in on stdin."""

import base64
import datetime as dt
import json
import sys
import warnings
from typing import Any

warnings.simplefilter("ignore")


def svix_sign(asked: dict[str, Any]) -> str:
    from svix.webhooks import Webhook

    at = dt.datetime.fromtimestamp(asked["at"], tz=dt.UTC)
    return Webhook(asked["secret"]).sign(asked["id"], at, asked["body"])


def svix_verify(asked: dict[str, Any]) -> bool:
    from svix.webhooks import Webhook, WebhookVerificationError

    try:
        Webhook(asked["secret"]).verify(asked["body"], asked["headers"])
    except WebhookVerificationError:
        return False
    return True


def hubspot_sign(asked: dict[str, Any]) -> str:
    from hubspot.utils.signature import Signature

    return Signature.get_signature(
        asked["secret"], asked["body"], "v3", asked["url"], "POST", asked["timestamp"]
    )


def sendgrid_verify(asked: dict[str, Any]) -> bool:
    from sendgrid.helpers.eventwebhook import EventWebhook

    hook = EventWebhook(asked["key"])
    return bool(hook.verify_signature(asked["body"], asked["signature"], asked["timestamp"]))


def sns_verify(asked: dict[str, Any]) -> bool:
    import requests
    from sns_message_validator import SNSMessageValidator
    from sns_message_validator.exceptions import SignatureVerificationFailureException

    class Answer:
        content = asked["certificate"].encode()

    requests.get = lambda url: Answer  # the certificate stands at AWS, which is not asked here
    try:
        SNSMessageValidator().validate_message(asked["note"])
    except SignatureVerificationFailureException:
        return False
    return True


def anymail(asked: dict[str, Any]) -> Any:
    """What a webhook view of anymail makes of a request: its status, and what it tells Django."""
    import importlib

    import django
    from django.conf import settings

    settings.configure(ALLOWED_HOSTS=["*"], ANYMAIL=asked["settings"])
    django.setup()
    from anymail.signals import inbound, tracking
    from django.core.exceptions import SuspiciousOperation
    from django.test import RequestFactory

    told: list[dict[str, Any]] = []

    def hear(sender: Any, event: Any, **_: Any) -> None:
        message = getattr(event, "message", None)
        told.append(
            {
                "type": event.event_type,
                "recipient": getattr(event, "recipient", None) or (message and message.envelope_recipient),
                "reason": getattr(event, "reject_reason", None),
                "text": message and (message.stripped_text or message.text),
            }
        )

    tracking.connect(hear)
    inbound.connect(hear)
    view = getattr(importlib.import_module(f"anymail.webhooks.{asked['module']}"), asked["view"]).as_view()
    headers = {f"HTTP_{name.upper().replace('-', '_')}": value for name, value in asked["headers"].items()}
    request = RequestFactory().post(
        asked["path"], base64.b64decode(asked["body"]), content_type=asked["type"], **headers
    )
    try:
        return {"status": view(request).status_code, "told": told}
    except SuspiciousOperation as error:
        return {"status": 400, "error": type(error).__name__}


ORACLES = {
    each.__name__: each
    for each in (svix_sign, svix_verify, hubspot_sign, sendgrid_verify, sns_verify, anymail)
}
sys.stdout.write("\n" + json.dumps(ORACLES[sys.argv[1]](json.load(sys.stdin))) + "\n")
