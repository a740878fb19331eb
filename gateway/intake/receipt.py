"""What a tool is told about its message."""

from msgspec import Struct

from gateway.policy.facts import Facts
from gateway.policy.outcome import Decision, Outcome, Words


class NotAllowed(Exception):
    """The source may not say this about its message: nothing was stored. `words` tell it why."""

    def __init__(self, words: Words) -> None:
        super().__init__(words.en)
        self.words = words


class GoesRound(Exception):
    """The relay brought back what was accepted before: it bears the trace of more servers than then, so it is
    no repeated submission (RFC 5321 6.3). Nothing was stored. `id` is the accepted one's."""

    def __init__(self, id: str) -> None:  # noqa: A002
        super().__init__(id)
        self.id = id


class RecipientResult(Struct, frozen=True, kw_only=True):
    """The decision for one recipient; `hold_id` is empty unless it is held. `facts` are those it was
    decided on, None in a replayed answer; `seconds` is how long deciding took."""

    address: str
    outcome: Outcome
    decision: Decision
    decision_id: str
    hold_id: str = ""
    facts: Facts | None = None
    seconds: float = 0.0


class Receipt(Struct, frozen=True, kw_only=True):
    """The answer to one submission, true once it is durable. `status`: accepted, held, rejected, or
    mixed where recipients differ. `replayed` says that the same submission came before, over `hops`
    servers."""

    id: str
    status: str
    recipients: tuple[RecipientResult, ...]
    class_: str = ""
    replayed: bool = False
    hops: int = 0


def receipt_of(message_id: str, class_: str, results: tuple[RecipientResult, ...]) -> Receipt:
    """The receipt of some results."""
    outcomes = {result.outcome for result in results}
    status = outcomes.pop().word if len(outcomes) == 1 else "mixed"
    return Receipt(id=message_id, status=status, recipients=results, class_=class_)
