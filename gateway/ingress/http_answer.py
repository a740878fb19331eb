"""What a tool is told about its message, as JSON. Pure."""

from collections.abc import Iterable, Sequence
from typing import Any, Protocol

from gateway.policy.outcome import Decision, Outcome, Violation, Words
from gateway.web.problem import Problem
from gateway.web.telling import describe_violation, iso


class Result(Protocol):
    """The outcome for one recipient."""

    @property
    def address(self) -> str:
        """As it was given."""

    @property
    def outcome(self) -> Outcome:
        """What became of it."""

    @property
    def decision(self) -> Decision:
        """Why."""

    @property
    def decision_id(self) -> str:
        """The decision's name."""

    @property
    def hold_id(self) -> str:
        """The hold's name, "" where it is not held."""


class Receipt(Protocol):
    """What became of one submission."""

    @property
    def id(self) -> str:
        """The message's id."""

    @property
    def status(self) -> str:
        """accepted, held, rejected, deferred or mixed."""

    @property
    def recipients(self) -> Sequence[Result]:
        """One result per recipient."""

    @property
    def replayed(self) -> bool:
        """Whether the same submission came before."""


def describe(receipt: Receipt, language: str) -> dict[str, Any]:
    """The answer to a submission: of its one recipient, or of the first with all in `recipients`."""
    first = receipt.recipients[0]
    told = {"id": receipt.id, "status": receipt.status, **describe_result(first, language)}
    if len(receipt.recipients) > 1:
        told |= {"decision_id": None, "hold_id": None, "earliest": None}
        told["violations"] = _together(receipt.recipients, language)
        told["recipients"] = [
            {"address": r.address, "status": r.outcome.word, **describe_result(r, language)}
            for r in receipt.recipients
        ]
    return told


def describe_result(result: Result, language: str) -> dict[str, Any]:
    """What became of one recipient."""
    decision = result.decision
    return {
        "decision_id": result.decision_id or None,
        "hold_id": result.hold_id or None,
        "class": decision.class_,
        "violations": describe_violations(decision, language),
        "earliest": iso(decision.earliest),
    }


def describe_violations(decision: Decision, language: str) -> list[dict[str, Any]]:
    """The violations that count, the most severe first. What is only observed changes nothing, not even
    an answer: the decision shows it."""
    return [describe_violation(v, language) for v in decision.enforced]


def refusal(receipt: Receipt, language: str) -> Problem:
    """A submission that was rejected for every recipient, with all violations."""
    members = describe(receipt, language)
    members["outcome"] = members.pop("status")
    return Problem("rejected", _why(receipt.recipients), members=members)


def _why(results: Sequence[Result]) -> Words:
    for result in results:
        if result.decision.enforced:
            worst = result.decision.enforced[0]
            return Words(
                f"{worst.reason.en} {worst.remedy.en}".strip(), f"{worst.reason.it} {worst.remedy.it}".strip()
            )
    return Words("The policies refuse this message.", "Le regole rifiutano questo messaggio.")


def _together(results: Iterable[Result], language: str) -> list[dict[str, Any]]:
    """The violations of all recipients, each policy and code once."""
    found: dict[tuple[str, str], Violation] = {}
    for result in results:
        for violation in result.decision.enforced:
            found.setdefault((violation.policy, violation.code), violation)
    return [describe_violation(v, language) for v in found.values()]
