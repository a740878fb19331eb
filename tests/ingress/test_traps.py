"""What breaks "only the hostname changes": sixteen habits of real tools, each by the number that the
contracts with tools give it."""

import asyncio
import base64
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio

from tests.ingress.dialects.shop import Shop
from tests.ingress.dialects.test_refusals import ANA, BO, ask, sendgrid
from tests.ingress.dialects.tongues import FORM, TONGUES
from tests.ingress.http.house import SECRET
from tests.ingress.smtp.house import House, Wire, access_with

KEY = {"Authorization": f"Bearer tool:{SECRET}"}
MAIL = b"From: ada@example.com\r\nSubject: Hi\r\n\r\nGood morning.\r\n.\r\n"


@pytest_asyncio.fixture
async def shop(tmp_path: Path) -> AsyncIterator[Shop]:
    async with Shop(tmp_path) as opened:
        yield opened


async def say(wire: Wire, line: str) -> str:
    await wire.send(line.encode() + b"\r\n")
    return await wire.reply()


def encoded(text: str) -> str:
    return base64.b64encode(text.encode()).decode()


async def test_1_auth_login_asks_in_the_words_that_go_knows() -> None:
    async with House(access=access_with()) as house:
        wire = await house.connect()
        await say(wire, "EHLO localhost")
        assert await say(wire, "AUTH LOGIN") == f"334 {encoded('Username:')}"
        assert await say(wire, encoded("tool")) == f"334 {encoded('Password:')}"
        assert (await say(wire, encoded("correct horse"))).startswith("235 ")


async def test_2_an_empty_line_after_a_refusal_puts_no_reply_out_of_step() -> None:
    async with House() as house:
        wire = await house.connect()
        for line in (
            "EHLO localhost",
            "MAIL FROM:<ada@example.com>",
            "RCPT TO:<rejected@example.org>",
            "DATA",
        ):
            await say(wire, line)
        await wire.send(MAIL)
        assert (await wire.reply()).startswith("550 5.7.1 ")
        await wire.send(b"\r\n.\r\n")  # smtppool closes its writer twice
        assert (await wire.reply()).startswith("500 ")
        assert (await say(wire, "RSET")).startswith("250 ")


async def test_3_a_hold_is_250() -> None:
    async with House() as house:
        wire = await house.connect()
        for line in ("EHLO localhost", "MAIL FROM:<ada@example.com>", "RCPT TO:<held@example.org>", "DATA"):
            await say(wire, line)
        await wire.send(MAIL)
        said = await wire.reply()
        assert said.startswith("250 2.0.0 ")
        assert "held" in said


@pytest.mark.parametrize(
    ("class_", "people"), [("newsletter", [ANA]), ("newsletter", [BO]), ("promotion", [BO])]
)
async def test_4_and_6_listmonk_hears_200_whatever_was_decided(
    shop: Shop, class_: str, people: list[str]
) -> None:
    assert (await ask(shop, "listmonk", class_, people)).status == 200


@pytest.mark.parametrize(
    ("class_", "people"), [("newsletter", [ANA]), ("newsletter", [BO]), ("promotion", [BO])]
)
async def test_5_mautic_hears_200(shop: Shop, class_: str, people: list[str]) -> None:
    """Its campaign step takes 200 and 201 alone, and posts forms unless told otherwise."""
    assert (await ask(shop, "generic", class_, people)).status == 200


@pytest.mark.parametrize("kind", [FORM, "multipart/form-data"])
async def test_7_mailgun_in_both_encodings_with_names_that_repeat(shop: Shop, kind: str) -> None:
    tongue = TONGUES["mailgun"]
    body = [*tongue.body, ("to", "di@example.test"), ("o:tag", "a"), ("o:tag", "b")]
    assert (await tongue.send(shop, body, kind=kind)).status == 200
    assert [r.address for r in shop.messages[0].recipients] == ["cy@example.test", "di@example.test"]


async def test_8_ghost_keeps_only_the_origin(shop: Shop) -> None:
    for path in ("/v3/mg.acme.test/messages", "/v3/mg.acme.test/messages.mime", "/v3/mg.acme.test/events"):
        assert (await shop.ask("GET" if "events" in path else "POST", path)).status == 401


async def test_9_sandbox_mode_is_200(shop: Shop) -> None:
    body = sendgrid("newsletter", [ANA]) | {"mail_settings": {"sandbox_mode": {"enable": True}}}
    assert (await shop.ask("POST", "/v3/mail/send", json=body, **KEY)).status == 200


@pytest.mark.parametrize("custom", [{"campaign_id": "c1"}, '{"campaign_id": "c1"}'])
async def test_10_custom_args_as_text_or_object(shop: Shop, custom: Any) -> None:
    body = sendgrid("newsletter", [ANA]) | {"custom_args": custom}
    assert (await shop.ask("POST", "/v3/mail/send", json=body, **KEY)).status == 202
    assert shop.messages[0].campaign == "c1"


async def test_11_headers_of_the_request_are_no_headers_of_the_message(shop: Shop) -> None:
    body = sendgrid("newsletter", [ANA])
    await shop.ask(
        "POST", "/v3/mail/send", json=body, X_Galateo_Class="transactional", X_Galateo_Campaign="x", **KEY
    )
    assert (shop.messages[0].class_, shop.messages[0].campaign) == ("newsletter", "")


async def test_11_words_put_in_by_the_client_in_braces(shop: Shop) -> None:
    body = sendgrid("newsletter", [ANA])
    body["personalizations"][0]["substitutions"] = {"{{name}}": "Ana"}
    body["content"][0]["value"] = "Ciao {{name}}, we open a workshop on the 12th."
    await shop.ask("POST", "/v3/mail/send", json=body, **KEY)
    assert shop.messages[0].content.text.startswith("Ciao Ana,")


async def test_12_personalizations_in_any_order(shop: Shop) -> None:
    for people in ([ANA, BO], [BO, ANA]):
        answer = await ask(shop, "sendgrid", "newsletter", people)
        assert answer.status == 202
    assert [receipt.status for _, receipt in shop.seen] == ["accepted", "rejected", "rejected", "accepted"]
    assert shop.told == [BO, BO]


@pytest.mark.parametrize("refused", [True, False])
async def test_13_nodemailer_sends_all_in_one_packet(refused: bool) -> None:
    def at_rcpt(_: Any, recipient: Any) -> str | None:
        return "This address bounced." if refused else None

    async with House(refuse_at_rcpt=at_rcpt) as house:
        wire = await house.connect()
        await say(wire, "EHLO [127.0.0.1]")
        await wire.send(b"MAIL FROM:<ada@example.com>\r\nRCPT TO:<bob@example.org>\r\nDATA\r\n")
        said = [await wire.reply() for _ in range(3)]
        assert [each[:3] for each in said] == (["250", "550", "554"] if refused else ["250", "250", "354"])
        if not refused:
            await wire.send(MAIL)
            assert (await wire.reply()).startswith("250 ")
        assert (await say(wire, "RSET")).startswith("250 ")


async def test_14_dsn_parameters_are_understood() -> None:
    async with House() as house:
        wire = await house.connect()
        await say(wire, "EHLO tool")
        assert (await say(wire, "MAIL FROM:<ada@example.com> RET=HDRS ENVID=a1")).startswith("250 ")
        rcpt = "RCPT TO:<bob@example.org> NOTIFY=FAILURE,DELAY ORCPT=rfc822;bob@example.org"
        assert (await say(wire, rcpt)).startswith("250 ")


async def test_15_no_cram_md5() -> None:
    async with House(access=access_with()) as house:
        wire = await house.connect()
        (auth,) = [line for line in (await say(wire, "EHLO tool")).splitlines() if "AUTH" in line]
        assert auth[4:] == "AUTH PLAIN LOGIN"


@pytest.mark.parametrize(
    "value", ["http://news.example/unsubscribe/1/", "<https://news.example/u>, <%tag_unsubscribe_email%>"]
)
async def test_16_a_way_out_as_it_is_found_in_the_wild(value: str) -> None:
    async with House() as house:
        wire = await house.connect()
        for line in ("EHLO tool", "MAIL FROM:<ada@example.com>", "RCPT TO:<bob@example.org>", "DATA"):
            await say(wire, line)
        await wire.send(f"List-Unsubscribe: {value}\r\n".encode() + MAIL)
        assert (await wire.reply()).startswith("250 ")
        await asyncio.sleep(0)
        assert house.messages[0].list_unsubscribe.startswith(value[:20])


async def test_16_ghosts_placeholder_is_left_out(shop: Shop) -> None:
    tongue = TONGUES["mailgun"]
    way_out = ("h:List-Unsubscribe", "<https://news.example/u>, <%tag_unsubscribe_email%>")
    assert (await tongue.send(shop, [*tongue.body, way_out])).status == 200
    assert shop.messages[0].list_unsubscribe == "<https://news.example/u>"
