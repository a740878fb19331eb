"""What was read and known, in words; and which of two lines of one rule found something."""

from pathlib import Path

import pytest

from gateway.evidence.explain import Explanation, explain
from gateway.evidence.telling import FINDINGS, tell_known, tell_reading
from gateway.evidence.versions import keep_policies
from gateway.policy.load import load
from gateway.reading import reading
from tests.line import line

TWO_LINES = """\
version: 1
policy: caps
title: Not too often
owner: compliance@example.com
why: Nobody wants more.
mode: enforce
rules:
  - rule: contact_cap   # a day
    limit: 1
    per: day
    outcome: hold
  - rule: contact_cap

    limit: 9
    per: 7 days
    outcome: reject
"""


async def explained(folder: Path) -> Explanation:
    (folder / "p").mkdir()
    (folder / "p" / "caps.yaml").write_text(TWO_LINES)
    async with line(folder, policies=load(folder / "p")) as gateway:
        await keep_policies(gateway.store, gateway.policies.current)
        await gateway.submit(to="anna@example.org", class_="outreach")
        receipt = await gateway.submit(to="anna@example.org", class_="outreach")
        [found] = await explain(gateway.store, receipt.id)
    return found


async def test_of_two_lines_the_one_that_objects_is_named(tmp_path: Path) -> None:
    found = await explained(tmp_path)
    caps = [(a.written, a.answer) for a in found.asked if a.rule == "contact_cap"]
    assert caps == [
        ("limit: 1, per: day, outcome: hold", "violated"),
        ("limit: 9, per: 7 days, outcome: reject", "passed"),
    ]


async def test_what_a_release_let_pass_did_not_pass(tmp_path: Path) -> None:
    (tmp_path / "p").mkdir()
    (tmp_path / "p" / "caps.yaml").write_text(TWO_LINES.replace("outcome: reject", "outcome: hold"))
    async with line(tmp_path, policies=load(tmp_path / "p")) as gateway:
        await keep_policies(gateway.store, gateway.policies.current)
        await gateway.submit(to="anna@example.org", class_="outreach")
        receipt = await gateway.submit(to="anna@example.org", class_="outreach")
        released = await gateway.review.release(f"{receipt.id}-0", "ada", "one more today")
        first, second = await explain(gateway.store, receipt.id)
    assert (released.status, second.outcome) == ("released", "accepted")
    answers = [[a.answer for a in one.asked if a.rule == "contact_cap"] for one in (first, second)]
    assert answers == [["violated", "passed"], ["waived", "passed"]]


@pytest.mark.parametrize(("language", "said"), [("en", "within 1 day"), ("it", "entro 1 giorno")])
async def test_facts_are_told_in_words(tmp_path: Path, language: str, said: str) -> None:
    found = await explained(tmp_path)
    told = dict(tell_known(found.known, language))
    assert f"1 {said}" in told[{"en": "messages before", "it": "messaggi prima"}[language]]
    assert not any("{" in text or "_" in label for label, text in told.items())
    read = dict(tell_reading(found.reading, language))
    assert not any("{" in text or "_" in label for label, text in read.items())


def test_every_finding_has_words() -> None:
    assert tuple(FINDINGS) == reading.FINDINGS
    assert tell_known({}, "it") == []
