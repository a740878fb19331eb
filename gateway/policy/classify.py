"""What kind of message this is: as declared, as the source's default has it, or as it reads."""

from collections.abc import Collection
from functools import lru_cache

from gateway.message.envelope import CLASSES, Message
from gateway.policy.facts import Facts
from gateway.reading.reading import Reading

DOUBT = 0.6
"""Of the texts that read as promotion less surely than this every second one sells nothing: nobody is refused
for it, a person looks first."""


def classify(
    message: Message,
    reading: Reading,
    facts: Facts,
    allowed: Collection[str] = CLASSES,
    default: str = "",
) -> str:
    """The declared class if the source may use it, else the source's default, else what the Reading says:
    surely promotional -> `promotion`, in reply to something known -> `conversation`, else `outreach`."""
    if message.class_ and message.class_ in allowed:
        return message.class_
    if default:
        return default
    if reading.promotional.value and reading.promotional.score >= DOUBT:
        return "promotion"
    return "conversation" if facts.known_reply else "outreach"


@lru_cache(maxsize=64)
def _together(class_: str, promotional: bool, answers: bool) -> tuple[str, ...]:
    classes = [class_]
    if class_ == "conversation" and not answers:
        classes.append("outreach")
    if promotional and class_ != "promotion":
        classes.append("promotion")
    return tuple(classes)


def judged_as(class_: str, reading: Reading, facts: Facts) -> tuple[str, ...]:
    """The classes whose rules apply, the declared one first: a promotional reading adds `promotion`, a
    conversation that answers nothing known is outreach as well."""
    return _together(class_, reading.promotional.value, facts.known_reply)


def is_marketing(classes: tuple[str, ...]) -> bool:
    """Every class but `transactional` and a valid `conversation`."""
    return len(classes) > 1 or classes[0] not in ("transactional", "conversation")
