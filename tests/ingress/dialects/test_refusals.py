"""How each dialect says "not sent, by policy" without breaking its tool: refused for all, for one, held.

A newsletter needs consent and is refused without; a promotion is held without. Ana agreed, Bo did not.
"""

from collections.abc import Callable
from typing import Any

import orjson
import pytest

from gateway.ingress.dialects import DIALECTS
from gateway.ingress.dialects.bad import Bad
from gateway.ingress.dialects.mailgun_events import _BOUNCED
from gateway.ingress.dialects.resend import RESEND
from gateway.policy.outcome import Words
from gateway.web.problem import Problem
from tests.ingress.dialects.shop import Shop, bearer
from tests.ingress.dialects.tongues import TONGUES
from tests.ingress.http.house import Answer

ANA, BO, CY = "ana@example.test", "bo@example.test", "cy@example.test"
TEXT = "Our news of March: a workshop opens on the 12th."


def headers(class_: str) -> dict[str, str]:
    return {"X-Galateo-Class": class_, "X-Galateo-Purpose": "newsletter"}


def sendgrid(class_: str, people: list[str]) -> Any:
    return {
        "personalizations": [{"to": [{"email": one}]} for one in people],
        "from": {"email": "news@acme.test"},
        "subject": "News",
        "content": [{"type": "text/plain", "value": TEXT}],
        "headers": headers(class_),
    }


def mailgun(class_: str, people: list[str]) -> Any:
    return [
        ("from", "news@acme.test"),
        *(("to", one) for one in people),
        ("subject", "News"),
        ("text", TEXT),
        ("recipient-variables", orjson.dumps({one: {"n": 1} for one in people}).decode()),
        *((f"h:{name}", value) for name, value in headers(class_).items()),
    ]


def postmark(class_: str, people: list[str]) -> Any:
    listed = [{"Name": name, "Value": value} for name, value in headers(class_).items()]
    mails = [
        {"From": "news@acme.test", "To": one, "Subject": "News", "TextBody": TEXT, "Headers": listed}
        for one in people
    ]
    return mails if len(people) > 1 else mails[0]


def resend(class_: str, people: list[str]) -> Any:
    mails = [
        {"from": "news@acme.test", "to": [one], "subject": "News", "text": TEXT, "headers": headers(class_)}
        for one in people
    ]
    return mails if len(people) > 1 else mails[0]


def brevo(class_: str, people: list[str]) -> Any:
    return {
        "sender": {"email": "news@acme.test"},
        "messageVersions": [{"to": [{"email": one}]} for one in people],
        "to": [{"email": people[0]}],
        "subject": "News",
        "textContent": TEXT,
        "headers": headers(class_),
    }


def mandrill(class_: str, people: list[str]) -> Any:
    message = {
        "from_email": "news@acme.test",
        "to": [{"email": one} for one in people],
        "subject": "News",
        "text": TEXT,
        "headers": headers(class_),
    }
    return {"message": message}


def listmonk(class_: str, people: list[str]) -> Any:
    return {
        "subject": "News",
        "from_email": "News <news@acme.test>",
        "content_type": "plain",
        "body": TEXT,
        "recipients": [{"uuid": f"u{n}", "email": one} for n, one in enumerate(people)],
        "campaign": {"uuid": "0c8a4b52-7f0e-4f6d-8d53-b7a6a4f9c111", "headers": [headers(class_)]},
    }


def generic(class_: str, people: list[str]) -> Any:
    return {
        "email": people[0],
        "from": "news@acme.test",
        "subject": "News",
        "text": TEXT,
        "class": class_,
        "purpose": "newsletter",
    }


Body = Callable[[str, list[str]], Any]
Check = Callable[[Answer], bool]
# Dialect, its body, path for several, then: status and check for all refused, for one refused, for held.
TABLE: dict[str, tuple[Body, str, tuple[int, Check], tuple[int, Check], tuple[int, Check]]] = {
    "sendgrid": (
        sendgrid,
        "",
        (403, lambda a: "newsletters/consent." in a.json["errors"][0]["message"]),
        (202, lambda a: a.text == ""),
        (202, lambda a: a.text == "" and bool(a.headers["X-Message-Id"])),
    ),
    "mailgun": (
        mailgun,
        "",
        (403, lambda a: "newsletters/consent." in a.json["message"]),
        (200, lambda a: a.json["message"] == "Queued. Thank you."),
        (200, lambda a: a.json["message"] == "Queued. Thank you."),
    ),
    "postmark": (
        postmark,
        "/email/batch",
        (422, lambda a: a.json["ErrorCode"] == 406 and f"inactive addresses: {BO}. Ina" in a.json["Message"]),
        (200, lambda a: [one["ErrorCode"] for one in a.json] == [0, 406]),
        (200, lambda a: (a.json["ErrorCode"], a.json["Message"]) == (0, "OK")),
    ),
    "resend": (
        resend,
        "/emails/batch",
        (403, lambda a: "newsletters/consent." in a.json["message"]),
        (200, lambda a: len(a.json["data"]) == 2),
        (200, lambda a: len(a.json["id"]) == 36),
    ),
    "brevo": (
        brevo,
        "",
        (400, lambda a: bool(a.json["code"]) and "newsletters/consent." in a.json["message"]),
        (201, lambda a: len(a.json["messageIds"]) == 2),
        (201, lambda a: bool(a.json["messageId"])),
    ),
    "mandrill": (
        mandrill,
        "",
        (500, lambda a: a.json["status"] == "error" and "newsletters/consent." in a.json["message"]),
        (
            200,
            lambda a: (
                [(o["status"], o["reject_reason"]) for o in a.json] == [("sent", None), ("rejected", "unsub")]
            ),
        ),
        (200, lambda a: [o["status"] for o in a.json] == ["queued"]),
    ),
    "listmonk": (
        listmonk,
        "",
        (200, lambda a: a.json["data"]["status"] == "rejected"),
        (200, lambda a: a.json["data"]["status"] == "mixed"),
        (200, lambda a: a.json["data"]["status"] == "held"),
    ),
    "generic": (
        generic,
        "",
        (200, lambda a: a.json["status"] == "rejected"),
        (200, lambda a: a.json["status"] == "accepted"),  # one recipient a request: Ana's own
        (200, lambda a: a.json["status"] == "held"),
    ),
}


async def ask(shop: Shop, name: str, class_: str, people: list[str]) -> Answer:
    tongue, (body, several, *_) = TONGUES[name], TABLE[name]
    if several and len(people) > 1:
        headers = dict(tongue.key("tool:correct horse"))
        return await shop.ask("POST", several, json=body(class_, people), **headers)
    return await tongue.send(shop, body(class_, people))


@pytest.mark.parametrize("name", TABLE)
async def test_refused_for_all(shop: Shop, name: str) -> None:
    answer = await ask(shop, name, "newsletter", [BO])
    status, fine = TABLE[name][2]
    assert answer.status == status, answer.text
    assert fine(answer), answer.text
    assert [receipt.status for _, receipt in shop.seen] == ["rejected"]


@pytest.mark.parametrize("name", TABLE)
async def test_refused_for_one(shop: Shop, name: str) -> None:
    answer = await ask(shop, name, "newsletter", [ANA, BO])
    status, fine = TABLE[name][3]
    assert answer.status == status, answer.text
    assert fine(answer), answer.text
    assert shop.told == ([] if name == "generic" else [BO])  # for its notices, and its own shape of events


@pytest.mark.parametrize("name", TABLE)
async def test_held_is_as_good_as_sent(shop: Shop, name: str) -> None:
    answer = await ask(shop, name, "promotion", [CY])
    status, fine = TABLE[name][4]
    assert answer.status == status, answer.text
    assert fine(answer), answer.text
    assert [receipt.status for _, receipt in shop.seen] == ["held"]


async def test_mailgun_tells_of_the_one_by_an_event(shop: Shop) -> None:
    await ask(shop, "mailgun", "newsletter", [ANA, BO])
    key = TONGUES["mailgun"].key("tool:correct horse")
    (failed,) = (await shop.ask("GET", "/v3/mg.acme.test/events?event=failed", **key)).json["items"]
    assert (failed["recipient"], failed["severity"]) == (BO, "permanent")
    assert failed["reason"] == "suppress-unsubscribe"
    assert "suppressed.bounced" in _BOUNCED


OURS: dict[str, tuple[str, dict[int, int | str]]] = {
    "postmark": ("ErrorCode", {400: 300, 409: 100, 429: 429, 500: 100, 503: 100}),
    "brevo": (
        "code",
        {
            400: "invalid_parameter",
            409: "duplicate_request",
            500: "internal_server_error",
            503: "service_unavailable",
        },
    ),
    "mandrill": (
        "name",
        {400: "ValidationError", 409: "ServiceUnavailable", 500: "GeneralError", 503: "ServiceUnavailable"},
    ),
    "ses": ("__type", {400: "BadRequestException", 409: "ConflictException", 422: "BadRequestException"}),
}


@pytest.mark.parametrize("name", OURS)
def test_a_fault_of_the_gateway_is_not_called_the_caller_s(name: str) -> None:
    (dialect,) = (one for one in DIALECTS if one.name == name)
    field, told = OURS[name]
    for status, expected in told.items():
        body = dialect.fail(Bad("It is so.", status=status)).body
        assert isinstance(body, bytes)
        assert orjson.loads(body)[field] == expected, status


async def test_resend_names_what_is_wrong_with_a_key(shop: Shop) -> None:
    body, headers = TONGUES["resend"].body, {"Authorization": bearer(), "Idempotency_Key": "k1"}
    assert (await shop.ask("POST", "/emails", json=body, **headers)).status == 200
    answer = await shop.ask("POST", "/emails", json={**body, "subject": "Another"}, **headers)
    assert (answer.status, answer.json["statusCode"], answer.json["name"]) == (
        409,
        409,
        "invalid_idempotent_request",
    )
    busy = Bad.of(Problem("in-progress", Words("It is being answered.", "In corso.")))
    body = RESEND.fail(busy).body
    assert isinstance(body, bytes)
    assert orjson.loads(body)["name"] == "concurrent_idempotent_requests"
