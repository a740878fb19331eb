"""Unipile's invitations and chats."""

import json
from typing import Any

import aiohttp
import pytest

from tests.ingress.dialects.shop import Shop
from tests.ingress.http.house import SECRET, Answer
from tests.tools import shared

KEY = f"tool:{SECRET}"


async def invite(shop: Shop, key: str = KEY, **fields: Any) -> Answer:
    body = {"account_id": "acc_1", "provider_id": "ACoAAexample01", "message": "Hi Ana, I liked your talk."}
    return await shop.ask("POST", "/api/v1/users/invite", json={**body, **fields}, X_API_KEY=key)


async def chat(shop: Shop, path: str, *fields: tuple[str, str], key: str = KEY) -> Answer:
    data = aiohttp.FormData(default_to_multipart=True)
    for name, value in fields:
        data.add_field(name, value)
    return await shop.ask("POST", path, data=data, X_API_KEY=key)


OPEN = (("account_id", "acc_1"), ("text", "Thanks for connecting, Ana."), ("attendees_ids", "ACoAAexample01"))


async def test_an_invitation(shop: Shop) -> None:
    answer = await invite(shop)
    assert answer.status == 201, answer.text
    assert answer.json["object"] == "UserInvitationSent"
    (message,) = shop.messages
    assert answer.json["invitation_id"] == message.id
    assert (message.channel, message.class_, message.sender.account) == (
        "linkedin",
        "connection_request",
        "acc_1",
    )
    assert message.sender.address == "https://www.linkedin.com/in/rui-alves"


@pytest.mark.parametrize(
    ("more", "kind"),
    [
        ({"linkedin": {"api": "classic", "inmail": True}}, "inmail"),
        ({"linkedin[inmail]": True}, "inmail"),
        ({"linkedin": {"inmail": False}}, "direct_message"),
        ({"linkedin": "inmail"}, "direct_message"),
    ],
)
async def test_an_inmail_in_json(shop: Shop, more: dict[str, Any], kind: str) -> None:
    body = {**dict(OPEN), "attendees_ids": ["ACoAAexample01"], **more}
    answer = await shop.ask("POST", "/api/v1/chats", json=body, X_API_KEY=KEY)
    assert answer.status == 201, answer.text
    assert shop.messages[0].kind == kind


async def test_a_chat_and_what_follows(shop: Shop) -> None:
    answer = await chat(shop, "/api/v1/chats", *OPEN, ("linkedin[inmail]", "true"))
    assert answer.status == 201, answer.text
    assert shop.messages[0].kind == "inmail"
    path = f"/api/v1/chats/{answer.json['chat_id']}/messages"
    answer = await chat(shop, path, ("text", "One more thing."))
    assert (answer.status, answer.json["object"]) == (201, "MessageSent")
    assert shop.messages[1].recipients[0].address == "ACoAAexample01"
    assert shop.messages[1].sender.account == "acc_1"
    assert (await chat(shop, path, ("text", "x"), key=f"plain:{SECRET}")).status == 201
    assert shop.messages[2].recipients[0].key.startswith("urn:li:chat:")


async def test_files_that_would_be_lost_are_refused(shop: Shop) -> None:
    """Whoever sends them in JSON, or their addresses as text, hears that nothing left."""
    file = {"filename": "f.pdf", "content": "QUJD"}
    body = {**dict(OPEN), "attachments": [file]}
    answer = await shop.ask("POST", "/api/v1/chats", json=body, X_API_KEY=KEY)
    assert (answer.status, "attachments" in answer.text) == (400, True), answer.text
    answer = await chat(shop, "/api/v1/chats", *OPEN, ("attachments", "https://files.example/f.pdf"))
    assert (answer.status, "attachments" in answer.text) == (400, True), answer.text
    assert await shop.stored() == 0
    assert (await chat(shop, "/api/v1/chats", *OPEN, ("attachments", ""))).status == 201


async def test_a_chat_from_elsewhere_is_with_a_stranger(shop: Shop) -> None:
    answer = await chat(shop, "/api/v1/chats/ch_1/messages", ("text", "Hello again"))
    assert answer.status == 201
    assert shop.messages[0].recipients[0].key == "urn:li:chat:ch_1"
    answer = await chat(shop, "/api/v1/chats/ch_1/messages", *OPEN)
    assert shop.messages[1].recipients[0].address == "ACoAAexample01"
    phone = (("account_id", "acc_2"), ("text", "Hello again"))
    answer = await chat(shop, "/api/v1/chats/ch_1/messages", *phone)
    assert (answer.status, answer.json["type"]) == (404, "errors/resource_not_found")


async def test_refused_is_422(shop: Shop) -> None:
    answer = await shop.ask(
        "POST",
        "/api/v1/chats",
        json={"account_id": "acc_1", "text": "Hello", "attendees_ids": ["ACoAAexample02"]},
        X_API_KEY=f"sales:{SECRET}",
    )
    assert (answer.status, answer.json["title"]) == (422, "Unprocessable entity")
    assert answer.json["detail"].startswith("rejected newsletters/consent.")


async def test_the_samples(shop: Shop) -> None:
    for name in ("unipile_invite", "unipile_new_chat", "unipile_chat_message"):
        sample = json.loads(shared(f"data/payloads/{name}.json").read_text())
        if "body" in sample:
            answer = await shop.ask("POST", sample["path"], json=sample["body"], X_API_KEY=KEY)
        else:
            answer = await chat(shop, sample["path"], *map(tuple, sample["form"]))
        assert answer.status == 201, answer.text


@pytest.mark.parametrize(
    "fields",
    [
        {"provider_id": ""},
        {"account_id": ""},
        {"provider_id": "a\r\nb"},
        {"provider_id": 7},
        {"message": "x" * 10_001},
    ],
)
async def test_bad_requests_store_nothing(shop: Shop, fields: dict[str, Any]) -> None:
    answer = await invite(shop, **fields)
    assert answer.status in (400, 413)
    assert answer.json["type"].startswith("errors/")
    assert await shop.stored() == 0


async def test_what_is_wrong_is_named_as_unipile_has_it(shop: Shop) -> None:
    assert (await invite(shop, provider_id="a\r\nb", user_email="")).json["detail"].endswith("(provider_id)")
    assert (await invite(shop, user_email="nobody")).json["detail"].endswith("(user_email)")
    sent = (("account_id", "acc_1"), ("text", "Hi."), ("attendees_ids", "a\u0000b"))
    told = (await chat(shop, "/api/v1/chats", *sent)).json["detail"]
    assert told.endswith("(provider_id, attendees_ids)")


async def test_unknown(shop: Shop) -> None:
    for key in ("", "wrong", "tool:wrong"):
        answer = await invite(shop, key)
        assert (answer.status, answer.json["type"]) == (401, "errors/missing_credentials")
    assert (
        await shop.ask("POST", "/api/v1/chats", data=b"x", Content_Type="text/xml", X_API_KEY=KEY)
    ).status == 415
