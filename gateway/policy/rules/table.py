"""Every rule there is, by the name that policy files use."""

from collections.abc import Mapping

from gateway.policy.rules.campaign import ClassMatches, DeclaredPurpose
from gateway.policy.rules.case import Rule
from gateway.policy.rules.consent import Consent
from gateway.policy.rules.conversation import ReplyBacklog, ReplyDuty
from gateway.policy.rules.first_contact import (
    BareInvitation,
    Introduction,
    MinStage,
    NoPitch,
    Reason,
    SourceOfData,
)
from gateway.policy.rules.floor import NoSales, Paused, StopRequest, Suppressed, Undeliverable
from gateway.policy.rules.frequency import Burst, ContactCap, QuietHours, SequenceLength
from gateway.policy.rules.opt_in import PermissionRequest, SenderIdentity, Unsubscribe
from gateway.policy.rules.personalization import CopiedText, Greeting, MergeTags, PersonalDetail, Readable
from gateway.policy.rules.phrases import Phrases

RULES: Mapping[str, type[Rule]] = {
    # opt-in
    "consent": Consent,
    "permission_request": PermissionRequest,
    "unsubscribe": Unsubscribe,
    "sender_identity": SenderIdentity,
    # first contact
    "introduction": Introduction,
    "reason": Reason,
    "no_pitch": NoPitch,
    "bare_invitation": BareInvitation,
    "min_stage": MinStage,
    "source_of_data": SourceOfData,
    # personalization
    "copied_text": CopiedText,
    "merge_tags": MergeTags,
    "greeting": Greeting,
    "personal_detail": PersonalDetail,
    "readable": Readable,
    # frequency
    "contact_cap": ContactCap,
    "sequence_length": SequenceLength,
    "burst": Burst,
    "quiet_hours": QuietHours,
    # conversation
    "reply_duty": ReplyDuty,
    "reply_backlog": ReplyBacklog,
    # campaign
    "declared_purpose": DeclaredPurpose,
    "class_matches": ClassMatches,
    # any
    "phrases": Phrases,
    # the floor: always on, and listed so that a policy may name them in its own words as well
    "suppressed": Suppressed,
    "stop_request": StopRequest,
    "no_sales": NoSales,
}

FLOOR: tuple[tuple[str, Rule], ...] = (
    ("paused", Paused()),
    ("suppressed", Suppressed()),
    ("stop_request", StopRequest()),
    ("no_sales", NoSales()),
)
"""What holds for every marketing message."""

FLOOR_FOR_ALL: tuple[tuple[str, Rule], ...] = (("paused", Paused()), ("suppressed", Undeliverable()))
"""What holds for receipts and conversations too."""
