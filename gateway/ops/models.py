"""What the ops API takes: strict types, no unknown field, every length bounded."""

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

from gateway.message.envelope import CHANNELS, CLASSES
from gateway.web.patterns import ONE_LINE, SOMETHING, SUBJECT

Channel = Literal["email", "linkedin", "whatsapp", "sms", "telegram", "instagram", "other"]
Line = Annotated[str, Field(max_length=1024, pattern=ONE_LINE)]
Evidence = Annotated[str | None, Field(max_length=10_000)]


class Strict(BaseModel):
    """A JSON object with these fields and no other."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)


class Verdict(Strict):
    """Why a hold is released or rejected: kept in the audit log."""

    reason: Annotated[str, Field(min_length=1, max_length=1000, pattern=SOMETHING)]


class Release(Verdict):
    """Why a hold is released. `decision_id`: the decision that the reviewer saw, as the hold shows it; its
    violations are waived, and none that came since."""

    decision_id: Annotated[
        str | None, Field(max_length=64, pattern=r"^[0-9a-z]{26}-[0-9]{1,6}(\.[0-9]{1,6})?$")
    ] = None


class PauseAsked(Verdict):
    """What to pause and why: a source of access.yaml, or a campaign as its messages name it, letter by
    letter. `controller` says whose campaign, where there are several. The reason stays in the audit log for
    good, without addresses."""

    kind: Literal["source", "campaign"]
    name: Annotated[str, Field(min_length=1, max_length=1024, pattern=SOMETHING)]
    controller: Annotated[str, Field(max_length=64, pattern=ONE_LINE)] = ""


class ConsentLine(Strict):
    """One line of the consent log, with the fields of the CSV import. The grade follows from the evidence."""

    address: Annotated[str, Field(min_length=1, max_length=1024, pattern=ONE_LINE)]
    channel: Channel
    purpose: Line = ""
    controller: Annotated[str, Field(min_length=1, max_length=64, pattern=ONE_LINE)]
    action: Literal[
        "requested", "confirmed", "granted", "changed", "withdrawn", "objected", "expired", "imported"
    ]
    at: Annotated[str, Field(min_length=10, max_length=40, description="ISO 8601", pattern=ONE_LINE)]
    basis: Literal["consent", "soft_opt_in", "implied", "legitimate_interest"] | None = None
    source: Line | None = None
    jurisdiction: Annotated[str | None, Field(max_length=16, pattern=r"^[A-Za-z-]*$")] = None
    expires_at: Line | None = None
    wording: Evidence = None
    wording_version: Evidence = None
    language: Evidence = None
    form_url: Evidence = None
    place: Evidence = None
    ip: Evidence = None
    user_agent: Evidence = None
    confirmed_at: Line | None = None
    confirmed_ip: Evidence = None
    confirmed_user_agent: Evidence = None
    confirmation_message: Evidence = None
    contract: Evidence = None
    recording: Evidence = None
    signed_document: Evidence = None
    sale_id: Evidence = None
    sale_date: Evidence = None
    assessment_id: Evidence = None
    entered_by: Evidence = None


class ConsentLines(Strict):
    """Lines to record, all or none. `by_compliance` says that a person of compliance enters them with proof
    at hand: only then may they follow a withdrawal."""

    rows: Annotated[list[ConsentLine], Field(min_length=1, max_length=1000)]
    by_compliance: bool = False


class Who(Strict):
    """A person on an address, as a controller knows them."""

    controller: Annotated[str, Field(min_length=1, max_length=64, pattern=ONE_LINE)]
    channel: Channel
    address: Annotated[str, Field(min_length=1, max_length=1024, pattern=ONE_LINE)]


class HoldsAsked(Strict):
    """Which holds to list; what is left out matches all. `after` is the last id of the page before."""

    status: Literal["open", "released", "rejected", "expired", "cancelled", "all"] = "open"
    source: Annotated[str, Field(max_length=64)] = ""
    campaign: Annotated[str, Field(max_length=200)] = ""
    channel: Literal["", *CHANNELS] = ""  # type: ignore[valid-type]  # a literal of the channels
    class_: Annotated[Literal["", *CLASSES], Field(alias="class")] = ""  # type: ignore[valid-type]
    code: Annotated[str, Field(max_length=128, pattern=r"^[a-z0-9_./-]*$")] = ""
    cluster: Annotated[str, Field(max_length=64, pattern=r"^[0-9a-f]*$")] = ""
    message: Annotated[str, Field(max_length=26, pattern=r"^[0-9a-z]*$")] = ""
    controller: Annotated[str, Field(max_length=64)] = ""
    after: Annotated[str, Field(max_length=64, pattern=r"^[0-9a-z-]*$")] = ""
    limit: Annotated[int, Field(ge=1, le=500)] = 100


class ConsentsAsked(Strict):
    """Whose consent log: the controller and the subject key that a look-up gave."""

    controller: Annotated[str, Field(min_length=1, max_length=64)]
    subject: Annotated[str, Field(pattern=SUBJECT)]
