"""Clients in Python against a running gateway: what each of them makes of its answers."""

from pathlib import Path
from typing import Any

import pytest

from tests.clients.house import HERE, Served
from tests.clients.installed import python


@pytest.fixture(scope="module")
def program() -> Path:
    """A Python that has the clients."""
    return python()


def run(served: Served, program: Path, client: str, case: str, *words: str) -> Any:
    return served.ask([str(program), f"{client}.py", *words], HERE / "python", case)


@pytest.mark.parametrize("case", ["accepted", "held", "mixed"])
def test_sendgrid_takes_202(served: Served, program: Path, case: str) -> None:
    seen = run(served, program, "sendgrid_client", case)
    assert (seen["ok"], seen.get("status"), seen["body"]) == (True, 202, ""), seen
    assert len(seen["id"]) == 26


def test_sendgrid_raises_403(served: Served, program: Path) -> None:
    seen = run(served, program, "sendgrid_client", "refused")
    assert (seen["ok"], seen["error"], seen["status"]) == (False, "ForbiddenError", 403), seen
    assert "newsletters/consent." in seen["body"]


@pytest.mark.parametrize("backend", ["sendgrid", "mailgun"])
@pytest.mark.parametrize("case", ["accepted", "held", "mixed"])
def test_anymail_queues(served: Served, program: Path, backend: str, case: str) -> None:
    seen = run(served, program, "anymail_client", case, backend)
    assert (seen["ok"], seen.get("status")) == (True, ["queued"]), seen
    assert all(message_id for _, message_id in seen["people"].values())


@pytest.mark.parametrize("backend", ["sendgrid", "mailgun"])
def test_anymail_raises_403(served: Served, program: Path, backend: str) -> None:
    seen = run(served, program, "anymail_client", "refused", backend)
    assert (seen["ok"], seen["error"], seen["status"]) == (False, "AnymailRequestsAPIError", 403), seen
    assert "newsletters/consent." in seen["message"]


@pytest.mark.parametrize("case", ["accepted", "held"])
def test_anymail_postmark_sends(served: Served, program: Path, case: str) -> None:
    seen = run(served, program, "anymail_client", case, "postmark")
    assert (seen["ok"], seen.get("status")) == (True, ["sent"]), seen


def test_anymail_postmark_refuses(served: Served, program: Path) -> None:
    seen = run(served, program, "anymail_client", "refused", "postmark")
    assert (seen["ok"], seen["error"]) == (False, "AnymailRecipientsRefused"), seen


def test_anymail_postmark_tells_each(served: Served, program: Path) -> None:
    seen = run(served, program, "anymail_client", "mixed", "postmark")
    assert seen["ok"], seen
    statuses = {address: status for address, (status, _) in seen["people"].items()}
    assert statuses == {"ana@example.test": "sent", "bo@example.test": "rejected"}


@pytest.mark.parametrize("case", ["accepted", "held"])
def test_postmarker_takes_200(served: Served, program: Path, case: str) -> None:
    seen = run(served, program, "postmarker_client", case)
    assert (seen["ok"], seen.get("ErrorCode"), seen.get("Message")) == (True, 0, "OK"), seen


def test_postmarker_raises_422(served: Served, program: Path) -> None:
    seen = run(served, program, "postmarker_client", "refused")
    assert (seen["ok"], seen["error"], seen["status"]) == (False, "ClientError", 406), seen


def test_postmarker_batch_tells_each(served: Served, program: Path) -> None:
    seen = run(served, program, "postmarker_client", "mixed")
    assert [one["ErrorCode"] for one in seen["batch"]] == [0, 406], seen


@pytest.mark.parametrize("case", ["accepted", "held", "mixed"])
def test_boto3_takes_200(served: Served, program: Path, case: str) -> None:
    seen = run(served, program, "ses_client", case)
    assert (seen["ok"], seen.get("status")) == (True, 200), seen
    assert len(seen["id"]) == 26


def test_boto3_raises_message_rejected(served: Served, program: Path) -> None:
    seen = run(served, program, "ses_client", "refused")
    assert (seen["raised"], seen["status"], seen["Code"]) == ("MessageRejected", 400, "MessageRejected"), seen
    assert "newsletters/consent." in seen["Message"]


@pytest.mark.parametrize("case", ["accepted", "held", "refused", "mixed"])
def test_django_newsletter_sends_by_smtp(served: Served, program: Path, case: str) -> None:
    """It declares no class: its source does. Whoever is refused is logged, and the next one is sent to."""
    source = "offers" if case == "held" else "letters"
    wanted = {
        "accepted": {"accepted": 1},
        "held": {"held": 1},
        "refused": {"rejected": 1},
        "mixed": {"accepted": 1, "rejected": 1},
    }[case]
    before = {one: _counted(served, source, one) for one in wanted}
    seen = run(served, program, "newsletter_client", case, source)
    assert (seen["ok"], seen.get("sent")) == (True, True), seen
    assert {one: _counted(served, source, one) - before[one] for one in wanted} == wanted
    refused = "rejected" in wanted
    assert ("bo@example.test to News failed" in seen["logged"]) == refused
    assert ("550" in seen["logged"] and "newsletters/consent." in seen["logged"]) == refused


def _counted(served: Served, source: str, outcome: str) -> float:
    return served.gateway.metric("galateo_messages_total", source=source, outcome=outcome)
