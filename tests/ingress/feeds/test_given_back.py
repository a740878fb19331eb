"""What a provider tells of a message of ours: a place in the caps that nobody got is given back."""

import os
import time
from typing import Any

import orjson
import pytest

from gateway.access import Source
from gateway.ingress.dialects.letter import Letter, Party, build_message
from gateway.intake import Intake
from gateway.message.ids import new_id
from gateway.metrics import Metrics
from gateway.policy.live import LivePolicies
from tests.ingress.feeds.office import Office
from tests.ingress.http.house import SECRET, policies_of_test, reader_of_test

SENT = "<order-12@acme.test>"
CY = "cy@example.test"


@pytest.fixture
async def sent(office: Office) -> str:
    """The id of a message that `plain` sent to Cy."""
    office.now = time.time()
    return await send(office, office.access.sources["plain"])


async def send(office: Office, source: Source) -> str:
    intake = Intake(
        office.store,
        reader_of_test(),
        LivePolicies(policies_of_test()),
        office.access,
        office.keys,
        Metrics(),
        hold_seconds=86400.0,
    )
    letter = Letter(
        sender=Party(address="news@acme.test"),
        to=(Party(address=CY),),
        subject="Your order",
        text="Your order 12 left today.",
        class_="transactional",
        message_id=SENT,
    )
    message = build_message(letter, source, new_id(office.now, os.urandom(10)), office.now)
    receipt = await intake.submit(message)
    assert receipt.status == "accepted"
    assert len((await office.person(CY)).contacts) == 1
    return str(receipt.id)


def mailgun(severity: str, message_id: str = SENT, address: str = CY) -> dict[str, Any]:
    event = {
        "id": f"e-{severity}",
        "event": "failed",
        "severity": severity,
        "timestamp": time.time(),
        "recipient": address,
        "message": {"headers": {"message-id": message_id.strip("<>")}},
    }
    return {"event-data": event}


@pytest.mark.parametrize("severity", ["permanent", "temporary"])
async def test_a_bounce_gives_the_place_back(office: Office, sent: str, severity: str) -> None:
    assert (await office.vouched("mailgun", mailgun(severity))).status == 200
    assert office.told[-1].message == sent
    assert (await office.person(CY)).contacts == ()


async def test_another_message_gives_nothing_back(office: Office, sent: str) -> None:
    for body in (mailgun("temporary", "<other@acme.test>"), mailgun("temporary", SENT, "bo@example.test")):
        await office.vouched("mailgun", body)
        assert office.told[-1].message == ""
    assert len((await office.person(CY)).contacts) == 1


async def test_whoever_may_only_restrict_gives_nothing_back(office: Office, sent: str) -> None:
    """Else a secret out of a log would make room for more."""
    bounce = {"event": "soft_bounce", "email": CY, "ts_epoch": int(time.time() * 1000), "message-id": SENT}
    answer = await office.post("brevo", "plain", orjson.dumps(bounce), query=f"?key={SECRET}")
    assert answer.status == 200, answer.text
    assert len((await office.person(CY)).contacts) == 1
    assert (await office.person(CY)).soft_bounces == 1
    await office.vouched("brevo", bounce | {"ts_epoch": 1})
    assert (await office.person(CY)).contacts == ()


async def test_ses_names_it_in_its_headers(office: Office, sent: str) -> None:
    bounce = {
        "notificationType": "Bounce",
        "bounce": {"bounceType": "Permanent", "feedbackId": "f", "bouncedRecipients": [{"emailAddress": CY}]},
        "mail": {"messageId": "0100", "commonHeaders": {"messageId": SENT}},
    }
    await office.vouched("ses", bounce)
    assert office.told[-1].message == sent
    assert (await office.person(CY)).contacts == ()


async def test_what_went_on_to_the_provider_is_the_latest(office: Office) -> None:
    """A provider gives messages names of its own."""
    office.now = time.time()
    source = office.access.sources["plain"].model_copy(update={"upstream": {"provider": "postmark"}})
    office.access.sources["plain"] = source  # type: ignore[index]
    identity = await send(office, source)
    bounce = {"RecordType": "Bounce", "ID": 7, "Type": "Transient", "Email": CY, "MessageID": "8839"}
    await office.vouched("postmark", bounce)
    assert office.told[-1].message == identity
    assert (await office.person(CY)).contacts == ()
