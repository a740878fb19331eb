"""What the ops API takes about evidence and people's rights. Strict, every length bounded."""

from typing import Annotated, Literal

from pydantic import Field

from gateway.ops.models import Channel, Strict
from gateway.web.patterns import BASE64, ONE_LINE, SPAN

Span = Annotated[str, Field(pattern=SPAN, description="How far back: 12h, 30d, 8w")]
File = Annotated[str, Field(max_length=200, pattern=r"^[A-Za-z0-9._/-]+$")]
Text = Annotated[str, Field(max_length=512 * 1024)]


class Person(Strict):
    """A person on an address; under every controller that knows them, or under one."""

    channel: Channel
    address: Annotated[str, Field(min_length=1, max_length=1024, pattern=ONE_LINE)]
    controller: Annotated[str, Field(max_length=64, pattern=ONE_LINE)] = ""


class Erasure(Person):
    """Whom to erase. With `dry_run` nothing changes and the answer says what would go. `reason` stays in the
    audit log for good: no names in it."""

    reason: Annotated[str, Field(max_length=500, pattern=ONE_LINE)] = ""
    dry_run: bool = False


class Restriction(Person):
    """Whose data to keep and use no more; `lift` ends that."""

    lift: bool = False
    dry_run: bool = False


class Draft(Strict):
    """Policies to try on the past. `policies` are texts by file name, as they stand in the policy folder;
    files that are not named stay as they are in force, null leaves one out, `whole` takes these alone. Of
    more than `most` decisions the newest are tried."""

    policies: Annotated[dict[File, Text | None], Field(max_length=200, default_factory=dict)]
    whole: bool = False
    since: Span = "30d"
    most: Annotated[int, Field(ge=1, le=200_000)] = 50_000
    samples: Annotated[int, Field(ge=0, le=50)] = 5


class Letter(Strict):
    """A message as it would be submitted (RFC 5322, in Base64), to whom and by which source."""

    message: Annotated[str, Field(max_length=1_400_000, pattern=BASE64)]
    to: Annotated[str, Field(min_length=3, max_length=320, pattern=ONE_LINE)]
    source: Annotated[str, Field(min_length=1, max_length=64, pattern=ONE_LINE)]


class SinceAsked(Strict):
    """How far back to look."""

    since: Span = "30d"


class RecipientAsked(Strict):
    """Which recipient's decisions, by number from 0; all of them without it."""

    recipient: Literal[""] | Annotated[str, Field(pattern=r"^[0-9]{1,4}$")] = ""


_UNITS = {"h": 3600.0, "d": 86400.0, "w": 7 * 86400.0}


def seconds_of(span: str) -> float:
    """A span in seconds."""
    return int(span[:-1]) * _UNITS[span[-1]]
