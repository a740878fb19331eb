"""Who waits for an answer, and what counts as one."""

from pathlib import Path

from tests.intake.policies import line
from tests.intake.test_caps import codes, rules
from tests.intake.test_events import event, tell
from tests.line import NOW

DUTY = "rule: reply_duty, outcome: hold"


async def test_an_answer_told_late_is_none_to_a_later_reply(tmp_path: Path) -> None:
    async with line(tmp_path, rules(tmp_path, DUTY)) as gateway:
        await tell(gateway, event("message.replied", text="Sì", occurred_at=NOW - 5000))
        await tell(gateway, event("message.replied", text="E allora?", occurred_at=NOW - 1000))
        await tell(gateway, event("message.answered", occurred_at=NOW - 4000))
        assert codes(await gateway.submit(class_="outreach")) == ["reply_duty.unanswered"]
        assert (await gateway.store.depths()).unanswered == 1
        await tell(gateway, event("message.answered", occurred_at=NOW - 500))
        assert codes(await gateway.submit(class_="outreach")) == []
        assert (await gateway.store.depths()).unanswered == 0
