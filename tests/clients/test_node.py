"""Clients on Node against a running gateway: what each of them makes of its answers."""

import shutil
from pathlib import Path
from typing import Any

import pytest

from tests.clients.house import HERE, Served
from tests.clients.installed import node_folder
from tests.tools import need


@pytest.fixture(scope="module")
def scripts() -> Path:
    """The scripts beside their node_modules."""
    folder = node_folder()
    for script in (HERE / "node").glob("*.mjs"):
        shutil.copy(script, folder / script.name)
    return folder


def run(served: Served, scripts: Path, client: str, case: str) -> Any:
    return served.ask([need("node", "nodejs"), f"{client}.mjs"], scripts, case)


@pytest.mark.parametrize("case", ["accepted", "held", "mixed"])
def test_sendgrid_takes_202(served: Served, scripts: Path, case: str) -> None:
    seen = run(served, scripts, "sendgrid", case)
    assert (seen["ok"], seen.get("status")) == (True, 202), seen
    assert len(seen["id"]) == 26


def test_sendgrid_raises_403(served: Served, scripts: Path) -> None:
    seen = run(served, scripts, "sendgrid", "refused")
    assert (seen["ok"], seen["status"]) == (False, 403)
    assert seen["body"]["errors"][0]["message"].startswith("rejected newsletters/consent.")


@pytest.mark.parametrize("case", ["accepted", "held", "mixed"])
def test_mailgun_takes_200(served: Served, scripts: Path, case: str) -> None:
    seen = run(served, scripts, "mailgun", case)
    assert (seen["ok"], seen["status"], seen["message"]) == (True, 200, "Queued. Thank you."), seen
    assert seen["id"].startswith("<")
    assert seen["id"].endswith(">")
    if case == "mixed":
        assert ["bo@example.test", "suppress-unsubscribe"] in seen["failed"]


def test_mailgun_raises_403(served: Served, scripts: Path) -> None:
    seen = run(served, scripts, "mailgun", "refused")
    assert (seen["ok"], seen["status"]) == (False, 403)
    assert "newsletters/consent." in str(seen["details"])


@pytest.mark.parametrize("case", ["accepted", "held"])
def test_postmark_takes_200(served: Served, scripts: Path, case: str) -> None:
    seen = run(served, scripts, "postmark", case)
    assert (seen["ok"], seen["ErrorCode"], seen["Message"]) == (True, 0, "OK"), seen
    assert len(seen["MessageID"]) == 36


def test_postmark_says_inactive(served: Served, scripts: Path) -> None:
    seen = run(served, scripts, "postmark", "refused")
    assert (seen["ok"], seen["error"], seen["code"]) == (False, "InactiveRecipientsError", 406)
    assert seen["recipients"] == ["bo@example.test"]


def test_postmark_batch_tells_each(served: Served, scripts: Path) -> None:
    seen = run(served, scripts, "postmark", "mixed")
    assert [one["ErrorCode"] for one in seen["batch"]] == [0, 406]


@pytest.mark.parametrize(("case", "said"), [("accepted", "accepted"), ("held", "held offers/consent.")])
def test_nodemailer_takes_250(served: Served, scripts: Path, case: str, said: str) -> None:
    seen = run(served, scripts, "nodemailer", case)
    assert seen["ok"], seen
    assert seen["response"].startswith("250 2.0.0 ")
    assert said in seen["response"]
    assert seen["rejected"] == []


def test_nodemailer_raises_550(served: Served, scripts: Path) -> None:
    seen = run(served, scripts, "nodemailer", "refused")
    assert (seen["ok"], seen["code"]) == (False, "EMESSAGE")
    assert "550 5.7.1" in seen["message"]


def test_nodemailer_mixed_is_250(served: Served, scripts: Path) -> None:
    seen = run(served, scripts, "nodemailer", "mixed")
    assert seen["ok"], seen
    assert "accepted 1" in seen["response"]
    assert "rejected 1" in seen["response"]


def test_unipile_invites(served: Served, scripts: Path) -> None:
    seen = run(served, scripts, "unipile", "accepted")
    assert (seen["ok"], seen["object"]) == (True, "UserInvitationSent"), seen


def test_unipile_holds(served: Served, scripts: Path) -> None:
    seen = run(served, scripts, "unipile", "held")
    assert (seen["ok"], seen["object"], seen["status"]) == (True, "ChatStarted", "held"), seen


def test_unipile_refuses(served: Served, scripts: Path) -> None:
    seen = run(served, scripts, "unipile", "refused")
    assert (seen["ok"], seen["error"]) == (False, "UnsuccessfulRequestError"), seen
    assert seen["body"]["status"] == 422


def test_unipile_mixed_and_writes_on(served: Served, scripts: Path) -> None:
    seen = run(served, scripts, "unipile", "mixed")
    assert seen["ok"], seen
    assert (seen["chat"]["object"], seen["chat"]["status"]) == ("ChatStarted", "mixed"), seen
    assert seen["next"]["object"] == "MessageSent"
