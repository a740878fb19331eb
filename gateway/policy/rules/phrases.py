"""Words that press, presume or complain."""

from dataclasses import dataclass
from typing import Literal

from gateway.policy.outcome import Objection, Words
from gateway.policy.rules.case import NOTHING, Case, Contradiction, Found
from gateway.policy.wording import quoted
from gateway.reading.reading import Finding

Lexicon = Literal["pressure", "presumption", "complaint", "evasion"]

_WORDS = {
    "pressure": Words("This puts the reader under pressure{}.", "Il testo mette fretta a chi legge{}."),
    "presumption": Words(
        "This presumes to know the reader's troubles{}.",
        "Il testo presume di conoscere i problemi di chi legge{}.",
    ),
    "complaint": Words("This reproaches the reader{}.", "Il testo rimprovera chi legge{}."),
    "evasion": Words(
        "Part of the text is disguised or hidden from the reader{}.",
        "Una parte del testo è camuffata o nascosta a chi legge{}.",
    ),
}


@dataclass(frozen=True, slots=True)
class Phrases:
    """A lexicon's phrases, weighed per language. `threshold` is the score (0 to 1) from which it counts;
    0 takes the lexicon's own."""

    lexicon: Lexicon
    threshold: float = 0.0

    def __post_init__(self) -> None:
        if not 0 <= self.threshold <= 1:
            raise Contradiction("threshold", "threshold is a number between 0 and 1")

    def check(self, case: Case) -> Found:
        """Whether the lexicon's phrases weigh enough."""
        found: Finding = getattr(case.reading, self.lexicon)
        if not (found.score >= self.threshold if self.threshold else found.value):
            return NOTHING
        words, aside = _WORDS[self.lexicon], quoted(found.evidence)
        return (
            Objection(
                code=self.lexicon,
                reason=Words(words.en.replace("{}", aside.en), words.it.replace("{}", aside.it)),
                remedy=Words(
                    "Say it plainly and leave the reader free to decide.",
                    "Dirlo con semplicità e lasciare a chi legge la libertà di decidere.",
                ),
                evidence=found.evidence,
            ),
        )
