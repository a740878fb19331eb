"""Whoever replied is owed an answer by a person."""

from dataclasses import dataclass

from gateway.policy.outcome import Objection, Words
from gateway.policy.rules.case import NOTHING, Case, Contradiction, Duration, Found
from gateway.policy.wording import count, fact, length, span, when

_REPLIES = Words("reply", "risposta"), Words("replies", "risposte")


@dataclass(frozen=True, slots=True)
class ReplyDuty:
    """Someone who replied gets a human answer before any automated message. A human answer is a
    conversation from a person's source, or an `answered` event. `within`: how long an unanswered reply
    counts; 0 means until it is answered."""

    within: Duration = Duration(0)

    def check(self, case: Case) -> Found:
        """Whether this person still waits for an answer."""
        since = case.facts.relationship.unanswered_since
        if not since or (self.within and case.now - since > self.within):
            return NOTHING
        if case.class_ == "conversation" and case.facts.source_kind == "person":
            return NOTHING
        date, waits = when(since), span(max(0.0, case.now - since))
        return (
            Objection(
                code="unanswered",
                reason=Words(
                    f"This person replied on {date.en} and has been waiting for an answer for {waits.en}.",
                    f"Questa persona ha risposto il {date.it} e attende una risposta da {waits.it}.",
                ),
                remedy=Words(
                    "Let a person answer first; then decide whether the sequence still makes sense.",
                    "Far rispondere prima una persona; poi decidere se la sequenza ha ancora senso.",
                ),
                evidence=(fact(date.en, "replied, unanswered since"),),
                condition="reply",
            ),
        )


@dataclass(frozen=True, slots=True)
class ReplyBacklog:
    """With more than `limit` replies older than `age` unanswered, the sender's new first contacts wait."""

    limit: int = 10
    age: Duration = Duration(5 * 86400)

    def __post_init__(self) -> None:
        if self.limit < 0:
            raise Contradiction("limit", "limit cannot be negative")

    def check(self, case: Case) -> Found:
        """Whether this sender should answer before writing to anyone new."""
        backlog = case.facts.pace.backlog
        if len(backlog) <= self.limit or not case.first_contact:
            return NOTHING
        before = case.now - self.age
        old = [since for since in backlog if since <= before]
        if len(old) <= self.limit:
            return NOTHING
        waiting, age, first = count(len(old), *_REPLIES), length(self.age), when(min(old))
        wait = Words("waits", "attende") if len(old) == 1 else Words("wait", "attendono")
        since = Words("since", "dal") if len(old) == 1 else Words("the oldest since", "la più vecchia dal")
        return (
            Objection(
                code="waiting",
                reason=Words(
                    f"{waiting.en} to this sender {wait.en} unanswered for more than {age.en}, {since.en} "
                    f"{first.en}; the limit is {self.limit}.",
                    f"{waiting.it} a questo mittente {wait.it} da più di {age.it}, {since.it} "
                    f"{first.it}; il limite è {self.limit}.",
                ),
                remedy=Words(
                    "Answer those who wrote before writing to anyone new.",
                    "Rispondere a chi ha già scritto prima di scrivere ad altri.",
                ),
                evidence=(fact(str(len(old)), f"unanswered replies, limit {self.limit}"),),
                condition="reply",
            ),
        )
