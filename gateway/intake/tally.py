"""What is counted of a decision once it is durable. Label values come from closed sets and configuration."""

from dataclasses import dataclass

from gateway.intake.receipt import Receipt, RecipientResult
from gateway.ledger.relationship import stage
from gateway.message.envelope import Message
from gateway.metrics import Metrics
from gateway.policy.classify import is_marketing, judged_as
from gateway.policy.facts import Facts
from gateway.policy.outcome import Outcome
from gateway.reading.reading import Reading

MONTH = 30 * 86400.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Marketing:
    """What is counted of a marketing message that goes out: the grade of its consent, how well the two know
    each other, how many the person had within 30 days and since an answer (both with this one), and the share
    of copied words."""

    grade: str
    stage: str
    per_person: int
    step: int
    copied: float


def count_receipt(
    metrics: Metrics, message: Message, reading: Reading, receipt: Receipt, *, by_person: bool
) -> None:
    """Count every recipient of a submission, of a person's or a tool's source; a replayed answer was counted
    before."""
    if receipt.replayed:
        return
    for result in receipt.recipients:
        _count(metrics, message, reading, result, by_person=by_person)


def _count(
    metrics: Metrics, message: Message, reading: Reading, result: RecipientResult, *, by_person: bool
) -> None:
    decision, facts = result.decision, result.facts
    metrics.message(message.source, message.channel, decision.class_, result.outcome.word)
    for v in decision.violations:
        metrics.violation(v.policy, v.rule, v.outcome.word, v.mode)
    if facts is None:
        return
    metrics.decided_in(result.seconds)
    if result.outcome is Outcome.ACCEPT and message.deliver and by_person:
        waited = answer_time(facts, decision.class_, message.received_at)
        if waited is not None:
            metrics.answered_in(waited)
    if result.outcome is Outcome.ACCEPT:
        sold = marketing_of(message, decision.class_, reading, facts, message.received_at)
        if sold is not None:
            count_marketing(metrics, sold)


def marketing_of(
    message: Message, class_: str, reading: Reading, facts: Facts, now: float
) -> Marketing | None:
    """What to count of a message that goes out; None where it is no marketing."""
    if not is_marketing(judged_as(class_, reading, facts)):
        return None
    return Marketing(
        grade=best_grade(facts, message),
        stage=stage(facts.person, message.sender.key),
        per_person=1 + recent(facts, now),
        step=1 + facts.relationship.sent_since_reply,
        copied=copied_share(reading, facts),
    )


def count_marketing(metrics: Metrics, sold: Marketing) -> None:
    """Count it."""
    metrics.marketing(sold.grade)
    metrics.acquaintance(sold.stage, sold.per_person, sold.step, sold.copied)


def answer_time(facts: Facts, class_: str, now: float) -> float | None:
    """How many seconds somebody waited for the answer that a person's message is; None where it is none."""
    since = facts.relationship.unanswered_since
    return max(0.0, now - since) if since and class_ == "conversation" else None


def best_grade(facts: Facts, message: Message) -> str:
    """The grade of the best consent granted on this channel, for the message's purpose where it names
    one: A to D, or none."""
    grades = [
        p.grade
        for p in facts.person.permissions
        if p.state == "granted"
        and p.channel == message.channel
        and (not message.purpose or p.purpose == message.purpose)
    ]
    return min(grades, default="none")


def recent(facts: Facts, now: float) -> int:
    """How many messages the person had within the last 30 days, on all known addresses."""
    since = now - MONTH
    return sum(
        1 for person in (facts.person, *facts.linked) for contact in person.contacts if contact.at > since
    )


def copied_share(reading: Reading, facts: Facts) -> float:
    """The share of the words in whole sentences that somebody else had before, 0 to 1."""
    counts = facts.copies.counts
    if not counts:
        return 0.0
    words = copied = 0
    for phrase, others in zip(reading.phrases, counts, strict=False):
        if not phrase.run:
            words += phrase.words
            if others:
                copied += phrase.words
    return copied / words if words else 0.0
