"""What a person got, as caps and sequences count it, on a real database."""

from pathlib import Path

from gateway.intake.receipt import Receipt
from gateway.policy.policies import PolicySet
from tests.intake.policies import line, policies
from tests.line import DAY, NOW

HEAD = """
version: 1
policy: caps
title: Enough is enough
owner: compliance@example.com
why: For tests.
mode: enforce
applies_to: {class: CLASSES}
rules:
"""


def rules(folder: Path, *lines: str, classes: str = "[outreach]") -> PolicySet:
    """Outreach, or other classes, under these lines of rules."""
    return policies(
        folder,
        HEAD.replace("CLASSES", classes) + "".join(f"  - {{{one}}}\n" for one in lines) + "cases: []\n",
    )


def codes(receipt: Receipt) -> list[str]:
    """What stands against the message for its first recipient."""
    return [v.code for v in receipt.recipients[0].decision.violations]


async def test_a_cap_holds_however_many_receipts_came_between(tmp_path: Path) -> None:
    cap = rules(tmp_path, "rule: contact_cap, limit: 1, per: 7 days, outcome: hold")
    async with line(tmp_path, cap) as gateway:
        assert codes(await gateway.submit(class_="outreach")) == []
        for _ in range(64):
            gateway.clock.now += 60
            assert (await gateway.submit(class_="transactional")).status == "accepted"
        assert codes(await gateway.submit(class_="outreach")) == ["contact_cap.reached"]


async def test_after_a_rest_a_sequence_of_the_same_length_fits(tmp_path: Path) -> None:
    length = rules(tmp_path, "rule: sequence_length, limit: 3, per: 180 days, outcome: reject")
    async with line(tmp_path, length) as gateway:
        for _ in range(2):
            for wanted in ("accepted", "accepted", "accepted", "rejected"):
                assert (await gateway.submit(class_="outreach")).status == wanted
                gateway.clock.now += DAY
            gateway.clock.now += 200 * DAY


async def test_what_is_to_go_later_takes_its_place_then(tmp_path: Path) -> None:
    cap = rules(tmp_path, "rule: contact_cap, limit: 1, per: 1 day, outcome: hold")
    async with line(tmp_path, cap) as gateway:
        then = NOW + 5 * DAY
        for n in range(3):
            later = await gateway.submit(class_="outreach", send_at=then)
            assert codes(later) == (["contact_cap.reached"] if n else [])
            assert codes(await gateway.submit(class_="outreach")) == []
            gateway.clock.now += DAY
        gateway.clock.now = then - DAY / 2
        before = await gateway.submit(class_="outreach")
        assert codes(before) == ["contact_cap.reached"]
        [violation] = before.recipients[0].decision.violations
        assert (violation.earliest, "is to get" in violation.reason.en) == (then + DAY, True)
        gateway.clock.now = then + DAY
        assert codes(await gateway.submit(class_="outreach")) == []
