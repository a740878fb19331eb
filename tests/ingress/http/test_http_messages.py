"""`POST /v1/messages` over real sockets with a real line behind it."""

import asyncio
import base64
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import orjson
import pytest

from gateway.access import Source
from gateway.ingress.http_message import read_message
from gateway.ingress.http_models import NewMessage
from gateway.intake.receipt import Receipt
from gateway.message.envelope import Message
from gateway.message.ids import is_id
from gateway.message.parse import parse
from gateway.store.protocol import DiskFull, Unavailable
from gateway.web.validation import validate
from tests.ingress.http.house import House, development, mail, note

SAMPLES = Path(__file__).resolve().parents[4] / "shared" / "data" / "payloads"
NEUTRAL = [
    "neutral_connection_request",
    "neutral_direct_message",
    "neutral_email",
    "neutral_recommendation_request",
]


async def _stored(house: House, identity: str) -> tuple[Any, bytes]:
    found = await house.store.message(identity)
    assert found is not None
    return orjson.loads(found[0].meta), found[1]


async def test_an_accepted_message_is_answered_with_its_id_and_can_be_asked_for(house: House) -> None:
    answer = await house.post(json=mail(id="m-1", purpose="events"))
    assert answer.status == 202
    assert answer.json["status"] == "accepted"
    assert answer.json["violations"] == []
    assert answer.json["hold_id"] is None
    assert is_id(answer.json["id"])
    assert answer.headers["Location"] == f"/v1/messages/{answer.json['id']}"
    status = await house.get(answer.headers["Location"])
    assert status.status == 200
    assert status.json["status"] == "accepted"
    assert status.json["external_id"] == "m-1"
    [recipient] = status.json["recipients"]
    assert recipient["address"] == "ana@example.test"
    assert recipient["delivery"]["state"] == "waiting"


async def test_a_held_message_says_which_hold_and_why(house: House) -> None:
    answer = await house.post(json=mail(**{"class": "promotion", "purpose": "offers"}))
    assert answer.status == 202
    assert answer.json["status"] == "held"
    assert answer.json["hold_id"] == answer.json["decision_id"]
    [violation] = answer.json["violations"]
    assert violation["policy"] == "offers"
    assert violation["code"] == "consent.missing"
    assert violation["outcome"] == "held"
    assert violation["reason"]
    status = await house.get(f"/v1/messages/{answer.json['id']}")
    assert status.json["recipients"][0]["hold"]["status"] == "open"
    assert status.json["recipients"][0]["delivery"]["state"] == "not_sent"


async def test_a_rejected_message_is_a_problem_with_every_violation(house: House) -> None:
    answer = await house.post(json=mail(**{"class": "newsletter"}))
    assert answer.status == 422
    assert answer.headers["Content-Type"].startswith("application/problem+json")
    assert answer.json["type"] == "urn:galateo:problem:rejected"
    assert answer.json["status"] == 422
    assert answer.json["outcome"] == "rejected"
    assert answer.json["violations"][0]["rule"] == "consent"
    assert answer.json["detail"].startswith(answer.json["violations"][0]["reason"])


async def test_reasons_come_in_the_reader_s_language(house: House) -> None:
    body = mail(**{"class": "newsletter"})
    english = await house.post(json=body)
    italian = await house.post(json=body, Accept_Language="de, it;q=0.8, en;q=0.5")
    assert italian.headers["Content-Language"] == "it"
    assert english.headers["Content-Language"] == "en"
    assert italian.json["violations"][0]["reason"] != english.json["violations"][0]["reason"]
    assert italian.json["title"] != english.json["title"]


async def test_several_recipients_are_decided_one_by_one(house: House) -> None:
    people = [{"addresses": [{"type": "email", "value": f"p{n}@example.test"}]} for n in range(3)]
    body = mail(recipients=people, **{"class": "newsletter", "purpose": "news"})
    del body["recipient"]
    refused = await house.post(json=body)
    assert refused.status == 422
    assert [r["status"] for r in refused.json["recipients"]] == ["rejected"] * 3
    agreed = {
        "address": "p1@example.test",
        "channel": "email",
        "purpose": "news",
        "controller": "acme",
        "action": "granted",
        "at": "2026-01-01T10:00:00Z",
        "wording": "Yes",
        "ip": "192.0.2.1",
        "confirmed_at": "2026-01-01T10:01:00Z",
        "confirmed_ip": "192.0.2.1",
    }
    recorded = await house.post("/api/v1/consents", ops=True, who="compliance", json=[agreed])
    assert recorded.status == 201
    mixed = await house.post(json=body)
    assert mixed.status == 202
    assert mixed.json["status"] == "mixed"
    assert [r["status"] for r in mixed.json["recipients"]] == ["rejected", "accepted", "rejected"]
    _, raw = await _stored(house, mixed.json["id"])
    assert b"p1@example.test" not in raw
    assert b"To: undisclosed-recipients:;" in raw
    body["subject"], body["recipients"][0]["name"] = "https://acme.test/orders?" + "1" * 60, "Università " * 9
    long = await house.post(json=body)
    assert long.status == 202, long.text
    _, raw = await _stored(house, long.json["id"])
    assert b"To: undisclosed-recipients:;\r\nSubject:\r\n https://acme.test/orders?1" in raw


@pytest.mark.parametrize(("channel", "seen"), [("email", "Sconto del 50% a?"), ("other", None)])
def test_what_is_encoded_in_a_subject_is_read_as_it_will_be_seen(channel: str, seen: str | None) -> None:
    hidden = "=?utf-8?b?U2NvbnRvIGRlbCA1MCU=?= a?"
    party = {"name": hidden, "addresses": [{"type": channel, "value": "ada@example.com"}]}
    body = {"channel": channel, "sender": party, "recipient": party, "subject": hidden, "text": "Ciao"}
    source = Source(name="shop", controller="acme")
    message = read_message(validate(NewMessage, body), source, "01m7zpe11p6r8hj66bc3xxfbrs", 1e9, most=1)
    said = message.content
    assert (said.subject, said.sender_name) == (seen or hidden, seen or hidden)
    if seen:
        assert parse(message.raw).content.subject == seen


def test_what_stands_inline_is_read_as_a_mail_program_shows_it() -> None:
    party = {"name": "Ada", "addresses": [{"type": "email", "value": "ada@example.com"}]}
    files = [
        {"content": base64.b64encode(said).decode(), "type": kind, "inline": inline, "filename": "x"}
        for said, kind, inline in (
            ("Sconto del 50%: è oggi".encode(), "text/plain", True),
            (b"<p>Compra ora</p>", "TEXT/HTML", True),
            (b"kept for later", "text/plain", False),
            (b"%PDF", "application/pdf", True),
        )
    ]
    body = {"channel": "email", "sender": party, "recipient": party, "text": "Ciao", "attachments": files}
    source = Source(name="shop", controller="acme")
    message = read_message(validate(NewMessage, body), source, "01m7zpe11p6r8hj66bc3xxfbrs", 1e9, most=1)
    for content in (message.content, parse(message.raw).content):
        assert content.text.split("\n")[-1] == "Sconto del 50%: è oggi"
        assert content.text.startswith("Ciao")
        assert content.html == "<p>Compra ora</p>"
        assert [(one.type, one.inline) for one in content.attachments] == [
            ("text/plain", False),
            ("application/pdf", True),
        ]


def test_what_only_some_programs_open_is_told_as_of_the_mail_that_it_becomes() -> None:
    party = {"name": "Ada", "addresses": [{"type": "email", "value": "ada@example.com"}]}
    card = b"BEGIN:VCARD\r\nPHOTO:" + b"a" * 300_000 + b"\r\nNOTE:Compri ora\r\nEND:VCARD\r\n"
    files = [
        {"content": base64.b64encode(card).decode(), "type": "text/vcard", "filename": "ada.vcf"},
        {"content": "YQ==", "type": "application/ms-tnef", "filename": "winmail.dat"},
    ]
    text = "Ciao\nbegin 644 prices.pdf\n" + "M" + "A" * 60 + "\n`\nend\n"
    body = {"channel": "email", "sender": party, "recipient": party, "text": text, "attachments": files}
    source = Source(name="shop", controller="acme")
    message = read_message(validate(NewMessage, body), source, "01m7zpe11p6r8hj66bc3xxfbrs", 1e9, most=1)
    for content in (message.content, parse(message.raw).content):
        assert sorted(one.filename for one in content.attachments) == ["ada.vcf", "prices.pdf", "winmail.dat"]
        assert content.besides == ("Compri ora",)
        assert not content.whole


async def test_the_mail_says_what_was_asked(house: House) -> None:
    content = base64.b64encode(b"%PDF-1.4 slides").decode()
    body = mail(
        subject="Perché no? Энергия",
        html="<p>Hello <b>Ana</b></p>",
        thread={"id": "<t1@acme.test>", "in_reply_to": "<m1@acme.test>"},
        attachments=[{"filename": "slides.pdf", "type": "application/pdf", "content": content}],
    )
    answer = await house.post(json=body)
    assert answer.status == 202, answer.text
    _, raw = await _stored(house, answer.json["id"])
    parsed = parse(raw)
    assert parsed.content.subject == "Perché no? Энергия"
    assert parsed.content.text.strip() == body["text"]
    assert "<b>Ana</b>" in parsed.content.html
    assert parsed.content.attachments[0].filename == "slides.pdf"
    assert parsed.message_id == f"<{answer.json['id']}@acme.test>"
    assert parsed.in_reply_to == ("<t1@acme.test>", "<m1@acme.test>")


@pytest.mark.parametrize(
    ("said", "source"),
    [
        ({"kind": "connection_request"}, {}),
        ({"class": "connection_request"}, {}),
        ({}, {"default_class": "connection_request"}),
    ],
)
@pytest.mark.parametrize("text", ["", "  ", None])
def test_an_invitation_may_go_to_the_policies_without_a_note(
    said: dict[str, str], source: dict[str, str], text: str | None
) -> None:
    body = {**note(text=text), **said}
    caller = Source(name="shop", controller="acme", **source)  # type: ignore[arg-type]  # words alone
    message = read_message(validate(NewMessage, body), caller, "01m7zpe11p6r8hj66bc3xxfbrs", 1e9, most=1)
    assert (message.class_, message.content.text.strip()) == ("connection_request", "")


async def test_a_private_message_is_known_by_the_channel_s_own_address(house: House) -> None:
    answer = await house.post(json=note(kind="connection_request", meta={"deep": [1, {"a": None}]}))
    assert answer.status == 202, answer.text
    assert answer.json["class"] == "connection_request"
    meta, raw = await _stored(house, answer.json["id"])
    channel, address, key, *_, aliases, _, _ = meta["r"][0]
    assert (channel, key) == ("linkedin", "linkedin.com/in/ana-ruiz")
    assert address == "https://www.linkedin.com/in/Ana-Ruiz/?x=1"
    assert {(c, k) for c, _, k in aliases} == {
        ("linkedin", "urn:li:fsd_profile:ACoAAexample01"),
        ("email", "ana@example.test"),
    }
    packed = orjson.loads(raw)
    assert packed["message"] == answer.json["id"]
    assert packed["text"] == "Hi Ana, I enjoyed your talk on grid storage."
    assert packed["recipient"]["name"] == "Ana Ruiz"
    assert orjson.dumps(packed, option=orjson.OPT_SORT_KEYS) == raw


async def test_deliver_false_decides_and_sends_nothing(house: House) -> None:
    answer = await house.post(json=mail(deliver=False))
    assert (answer.status, answer.json["status"]) == (202, "accepted")
    status = await house.get(f"/v1/messages/{answer.json['id']}")
    assert status.json["recipients"][0]["delivery"]["state"] == "not_sent"


@pytest.mark.parametrize("name", NEUTRAL)
async def test_every_neutral_sample_is_taken(house: House, name: str) -> None:
    path = SAMPLES / f"{name}.json"
    if not path.exists():
        pytest.skip(f"shared sample {name} is absent")
    sample = orjson.loads(path.read_bytes())
    answer = await house.post(sample["path"], json=sample["body"])
    assert answer.status == sample["expect"]["status"], answer.text


async def test_every_neutral_sample_is_taken_in_development(tmp_path: Path) -> None:
    paths = [SAMPLES / f"{name}.json" for name in NEUTRAL]
    if not all(path.exists() for path in paths):
        pytest.skip("shared neutral samples are absent")
    async with House(tmp_path, access=development()) as house:
        for sample in (orjson.loads(path.read_bytes()) for path in paths):
            headers = {k.replace("-", "_"): v for k, v in sample.get("headers", {}).items()}
            answer = await house.post(sample["path"], json=sample["body"], who="", **headers)
            assert answer.status == 202, answer.text


class TestIdempotency:
    async def test_the_same_request_gets_the_same_answer_and_one_message(self, house: House) -> None:
        first = await house.post(json=mail(), Idempotency_Key='"lea_1/seq_1/1"')
        again = await house.post(json=mail(), Idempotency_Key="lea_1/seq_1/1")
        assert first.status == again.status == 202
        assert again.json == first.json
        assert "Idempotency-Replayed" not in first.headers
        assert again.headers["Idempotency-Replayed"] == "true"

    async def test_another_body_is_refused_and_stores_nothing(self, house: House) -> None:
        await house.post(json=mail(), Idempotency_Key="k")
        before = (await house.store.depths()).outbox
        other = await house.post(json=mail(subject="Another"), Idempotency_Key="k")
        assert other.status == 422
        assert other.json["type"] == "urn:galateo:problem:key-reused"
        assert (await house.store.depths()).outbox == before

    async def test_a_key_belongs_to_its_source(self, house: House) -> None:
        mine = await house.post(json=mail(), Idempotency_Key="k")
        theirs = await house.post(json=mail(), Idempotency_Key="k", who="other")
        assert theirs.status == 202
        assert theirs.json["id"] != mine.json["id"]

    async def test_a_rejection_does_not_use_up_the_key(self, house: House) -> None:
        refused = await house.post(json=mail(**{"class": "newsletter"}), Idempotency_Key="k")
        assert refused.status == 422
        assert refused.json["type"].endswith(":rejected")
        fixed = await house.post(json=mail(), Idempotency_Key="k")
        assert fixed.status == 202
        assert "Idempotency-Replayed" not in fixed.headers

    async def test_a_replay_outlives_the_process(self, tmp_path: Path) -> None:
        async with House(tmp_path) as house:
            first = await house.post(json=mail(), Idempotency_Key="k")
        async with House(tmp_path) as house:
            again = await house.post(json=mail(), Idempotency_Key="k")
            other = await house.post(json=mail(subject="x"), Idempotency_Key="k")
        assert again.json == first.json
        assert again.headers["Idempotency-Replayed"] == "true"
        assert other.status == 422

    async def test_one_that_is_under_way_is_told_so(self, tmp_path: Path) -> None:
        entered, leave = asyncio.Event(), asyncio.Event()

        def slow(
            submit: Callable[[Message], Awaitable[Receipt]],
        ) -> Callable[[Message], Awaitable[Receipt]]:
            async def wait(message: Message) -> Receipt:
                entered.set()
                await leave.wait()
                return await submit(message)

            return wait

        async with House(tmp_path, around=slow) as house:
            first = asyncio.create_task(house.post(json=mail(), Idempotency_Key="k"))
            await entered.wait()
            second = await house.post(json=mail(), Idempotency_Key="k")
            leave.set()
            assert (await first).status == 202
            assert second.status == 409
            assert second.json["type"] == "urn:galateo:problem:in-progress"
            assert (await house.post(json=mail(), Idempotency_Key="k")).status == 202

    @pytest.mark.parametrize("key", ['""', '"a', 'a"b', "x" * 256, "è"])
    async def test_a_broken_key_is_malformed(self, house: House, key: str) -> None:
        assert (await house.post(json=mail(), Idempotency_Key=key)).status == 400


class TestOwnFailure:
    @pytest.mark.parametrize("error", [Unavailable("down"), DiskFull("full")])
    async def test_a_store_that_fails_defers(self, tmp_path: Path, error: Exception) -> None:
        def broken(
            submit: Callable[[Message], Awaitable[Receipt]],
        ) -> Callable[[Message], Awaitable[Receipt]]:
            async def fail(message: Message) -> Receipt:
                raise error

            return fail

        async with House(tmp_path, around=broken) as house:
            answer = await house.post(json=mail(), Idempotency_Key="k")
        assert answer.status == 503
        assert int(answer.headers["Retry-After"]) > 0
        assert answer.json["outcome"] == "deferred"

    async def test_a_bug_shows_nothing_of_itself(
        self, tmp_path: Path, caplog: pytest.LogCaptureFixture
    ) -> None:
        def broken(
            submit: Callable[[Message], Awaitable[Receipt]],
        ) -> Callable[[Message], Awaitable[Receipt]]:
            async def fail(message: Message) -> Receipt:
                raise RuntimeError("a secret of ana@example.test")

            return fail

        async with House(tmp_path, around=broken) as house:
            answer = await house.post(json=mail())
        assert answer.status == 500
        assert "secret" not in answer.text
        assert answer.json["type"] == "urn:galateo:problem:internal"


class TestStatus:
    async def test_another_source_s_message_is_not_there(self, house: House) -> None:
        answer = await house.post(json=mail())
        path = f"/v1/messages/{answer.json['id']}"
        assert (await house.get(path, who="other")).status == 404
        assert (await house.get(path, who="mailer")).status == 404
        assert (await house.get(path)).status == 200

    @pytest.mark.parametrize("identity", ["x", "0" * 26, "%2e%2e", "01abc'--", "a" * 3000])
    async def test_no_such_message(self, house: House, identity: str) -> None:
        answer = await house.get(f"/v1/messages/{identity}")
        assert answer.status == 404
        assert answer.json["type"] == "urn:galateo:problem:not-found"
