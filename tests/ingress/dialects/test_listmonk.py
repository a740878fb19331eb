"""listmonk's messenger: only 200 is success, and a refusal is one too."""

import json
from typing import Any

import pytest

from tests.ingress.dialects.shop import Shop, basic
from tests.ingress.http.house import SECRET, Answer
from tests.tools import shared

SEND = "/ingress/listmonk/messenger"
CAMPAIGN = "0c8a4b52-7f0e-4f6d-8d53-b7a6a4f9c111"
SUBSCRIBER = "6d5f0f2e-31cf-4d2e-9a0c-3a4f7f7f0a01"


def post(email: str = "ana@example.test", class_: str = "newsletter", **fields: Any) -> dict[str, Any]:
    headers = [{"X-Galateo-Class": class_}, {"X-Galateo-Purpose": "newsletter"}, {"Reply-To": "hi@acme.test"}]
    return {
        "subject": "Spring",
        "from_email": "Acme News <news@acme.test>",
        "content_type": "html",
        "body": "<p>Dear Ana, we opened a workshop.</p>",
        "recipients": [
            {"uuid": SUBSCRIBER, "email": email, "name": "Ana Ruiz", "attribs": {"city": "Lisbon"}}
        ],
        "campaign": {"uuid": CAMPAIGN, "name": "Spring 2026", "headers": headers, "tags": ["spring"]},
        "attachments": None,
        **fields,
    }


async def send(shop: Shop, body: Any, key: str = basic("tool", SECRET)) -> Answer:
    return await shop.ask("POST", SEND, json=body, Authorization=key)


async def test_accepted(shop: Shop) -> None:
    answer = await send(shop, post())
    assert (answer.status, answer.json["data"]["status"]) == (200, "accepted")
    (message,) = shop.messages
    assert message.campaign == CAMPAIGN
    assert message.recipients[0].attributes["city"] == "Lisbon"
    assert message.list_unsubscribe == f"<https://list.acme.test/subscription/{CAMPAIGN}/{SUBSCRIBER}>"
    assert b"\r\nReply-To: hi@acme.test\r\n" in message.raw
    assert b"\r\nX-Listmonk-Subscriber: " in message.raw


async def test_held_and_refused_are_200_too(shop: Shop) -> None:
    answer = await send(shop, post("bo@example.test", "promotion"))
    assert (answer.status, answer.json["data"]["status"]) == (200, "held")
    answer = await send(shop, post("bo@example.test"))
    assert (answer.status, answer.json["data"]["status"]) == (200, "rejected")
    assert shop.told == ["bo@example.test"]


async def test_transactional_has_no_campaign(shop: Shop) -> None:
    assert (await send(shop, post(campaign=None))).status == 200
    assert shop.messages[0].class_ == "transactional"
    assert (await send(shop, post(campaign=None), basic("letters", SECRET))).status == 200
    assert shop.messages[1].class_ == "newsletter"


async def test_an_older_version_names_no_sender(shop: Shop) -> None:
    body = post()
    del body["from_email"]
    assert (await send(shop, body)).status == 200
    assert shop.messages[0].sender.address == "news@acme.test"
    assert (await send(shop, body, basic("plain", SECRET))).status == 400


async def test_plain_and_attachments(shop: Shop) -> None:
    file = {
        "name": "a.txt",
        "header": {"Content-Type": ["text/plain"], "Content-Disposition": ["attachment"]},
        "content": "YQ==",
    }
    assert (await send(shop, post(content_type="plain", body="Hello", attachments=[file]))).status == 200
    content = shop.messages[0].content
    assert (content.text, content.html, content.attachments[0].type) == ("Hello", "", "text/plain")


async def test_the_samples(shop: Shop) -> None:
    for name in ("listmonk_postback_campaign", "listmonk_postback_transactional"):
        sample = json.loads(shared(f"data/payloads/{name}.json").read_text())
        answer = await send(shop, sample["body"])
        assert answer.status == 200, answer.text


BAD: dict[str, Any] = {
    "nobody": post(recipients=[]),
    "bad address": post("nobody"),
    "line end in the subject": post(subject="a\nBcc: b@x.test"),
    "line end in the sender": post(from_email="A\r\nBcc: b@x.test <a@acme.test>"),
    "line end in a header": post(campaign={"headers": [{"X-A": "a\r\nBcc: b@x.test"}]}),
    "recipients as text": post(recipients="ana@example.test"),
    "not an object": 7,
}


@pytest.mark.parametrize("case", BAD)
async def test_bad_requests_store_nothing(shop: Shop, case: str) -> None:
    answer = await send(shop, BAD[case])
    assert (answer.status, bool(answer.json["message"])) == (400, True)
    assert await shop.stored() == 0


async def test_unknown(shop: Shop) -> None:
    for key in ("", basic("tool", "wrong"), basic("nobody", SECRET)):
        assert (await send(shop, post(), key)).status == 401
