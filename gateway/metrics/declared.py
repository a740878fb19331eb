"""Every metric that the gateway has: its kind, its name, what it says, its labels or its buckets."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram

# Seconds. A decision takes tens of microseconds, a commit a millisecond or a slow disk's ten, the reply to a
# tool both and its batch; a delivery waits for another server, an answer to a person for a person.
DECISION = (0.00005, 0.0001, 0.0002, 0.0005, 0.001, 0.002, 0.005, 0.01, 0.05)
COMMIT = (0.0002, 0.0005, 0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.5, 2)
ACCEPT = (0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 5, 30)
DELIVERY = (0.005, 0.01, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60)
ANSWER = (300, 900, 3600, 4 * 3600, 8 * 3600, 24 * 3600, 2 * 86400, 3 * 86400, 7 * 86400, 14 * 86400)
BATCH = (1, 2, 4, 8, 16, 32, 64, 128, 256)
REVIEW = (60, 300, 900, 3600, 4 * 3600, 8 * 3600, 24 * 3600, 2 * 86400, 3 * 86400, 7 * 86400, 14 * 86400)
PER_PERSON = (1, 2, 3, 4, 5, 6, 8, 10, 15, 20, 30, 60)
SHARE = (0, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 1)
STEP = (1, 2, 3, 4, 5, 6, 8, 10)

# Values of labels that are known before anything happened. A counter that first shows 1 counts nothing for
# Prometheus: what it grows by is seen only from a number that was there before.
OUTCOMES = ("accepted", "held", "rejected", "deferred")
RESULTS = ("delivered", "deferred", "failed")
KNOWN: dict[str, tuple[tuple[str, ...], ...]] = {
    "galateo_marketing_messages_total": (("A",), ("B",), ("C",), ("D",), ("none",)),
    "galateo_accepted_by_stage_total": (
        ("stranger",),
        ("introduced",),
        ("connected",),
        ("replied",),
        ("conversation",),
        ("opted_in",),
    ),
    "galateo_reviews_total": (
        ("released", "reviewer"),
        ("overridden", "reviewer"),
        ("refused", "reviewer"),
        ("rejected", "reviewer"),
        ("released", "condition"),
        ("expired", "time"),
        ("cancelled", "stop"),
    ),
    "galateo_bounces_total": (("hard",), ("soft",)),
    "galateo_replies_total": (("human",), ("automatic",), ("stop",), ("untrusted",), ("unmatched",)),
    "galateo_policy_reloads_total": (("loaded",), ("failed",)),
    "galateo_access_reloads_total": (("loaded",), ("failed",)),
}


@dataclass(frozen=True, slots=True)
class Declared:
    """One metric."""

    kind: type[Counter | Gauge | Histogram]
    name: str
    says: str
    labels: tuple[str, ...] = ()
    buckets: tuple[float, ...] = ()
    among: str = "livemostrecent"
    """What a gauge shows where several workers serve: of what they all know, the last word; of what each
    sees for itself, the worst, else a worker that is fine would hide one that is not."""

    def make(self, registry: CollectorRegistry) -> Any:
        """The metric itself."""
        given: dict[str, Any] = {"registry": registry}
        if self.kind is Histogram:
            given["buckets"] = self.buckets
        if self.kind is Gauge:
            given["multiprocess_mode"] = self.among
        return self.kind(self.name, self.says, self.labels, **given)


DECLARED = (
    # The line
    Declared(
        Counter,
        "galateo_messages_total",
        "Decisions, one per recipient.",
        labels=(
            "source",
            "channel",
            "class",
            "outcome",
        ),
    ),
    Declared(
        Counter,
        "galateo_violations_total",
        "Rules violated, in every mode.",
        labels=(
            "policy",
            "rule",
            "outcome",
            "mode",
        ),
    ),
    Declared(
        Counter,
        "galateo_marketing_messages_total",
        "Marketing messages accepted, at once or from a hold, by the grade of the consent they rest on.",
        labels=("consent_grade",),
    ),
    Declared(
        Histogram,
        "galateo_accept_seconds",
        "From the last byte of a submission to its reply.",
        buckets=ACCEPT,
    ),
    Declared(Histogram, "galateo_decision_seconds", "Deciding one recipient.", buckets=DECISION),
    Declared(Histogram, "galateo_commit_seconds", "One durable commit of a batch.", buckets=COMMIT),
    Declared(Histogram, "galateo_batch_messages", "Messages committed together.", buckets=BATCH),
    # How it is written, and to whom
    Declared(
        Counter,
        "galateo_accepted_by_stage_total",
        "Marketing messages accepted, at once or from a hold, by how well the two know each other.",
        labels=("stage",),
    ),
    Declared(
        Histogram,
        "galateo_messages_per_person",
        "At each accepted marketing message, how many the person had within 30 days, this one included.",
        buckets=PER_PERSON,
    ),
    Declared(
        Histogram,
        "galateo_copied_share",
        "Share of the words of an accepted marketing message that others had before.",
        buckets=SHARE,
    ),
    Declared(
        Histogram,
        "galateo_sequence_step",
        "Which message without an answer an accepted marketing message is; 1 is the first.",
        buckets=STEP,
    ),
    # Waiting
    Declared(Gauge, "galateo_held_messages", "Holds that wait, by policy.", labels=("policy",)),
    Declared(Gauge, "galateo_holds_by_age", "Holds that wait, by how long.", labels=("age",)),
    Declared(
        Gauge,
        "galateo_oldest_hold_seconds",
        "Age of the oldest hold that waits for more than the end of a pause.",
    ),
    Declared(Gauge, "galateo_outbox_messages", "Accepted and not yet delivered."),
    Declared(Gauge, "galateo_oldest_outbox_seconds", "Age of the oldest message in the outbox."),
    Declared(
        Counter,
        "galateo_reviews_total",
        "Holds decided, and by whom.",
        labels=(
            "decision",
            "by",
        ),
    ),
    Declared(Histogram, "galateo_review_seconds", "From a hold to what a person decided.", buckets=REVIEW),
    Declared(Gauge, "galateo_paused", "Sources and campaigns that are paused.", labels=("kind",)),
    # Delivery
    Declared(
        Counter,
        "galateo_deliveries_total",
        "Attempts to deliver.",
        labels=(
            "relay",
            "result",
        ),
    ),
    Declared(Histogram, "galateo_delivery_seconds", "One attempt to deliver.", buckets=DELIVERY),
    Declared(Counter, "galateo_bounces_total", "Bounces.", labels=("kind",)),
    Declared(
        Gauge,
        "galateo_relay_up",
        "1 where a relay takes messages, 0 where it does not.",
        labels=("relay",),
        among="livemin",
    ),
    # People
    Declared(Counter, "galateo_replies_total", "Replies, by kind.", labels=("kind",)),
    Declared(Counter, "galateo_conversations_started_total", "First human replies to a person's messages."),
    Declared(Histogram, "galateo_reply_answer_seconds", "From a reply to its human answer.", buckets=ANSWER),
    Declared(Gauge, "galateo_unanswered_replies", "Replies without an answer."),
    Declared(Counter, "galateo_unsubscribes_total", "People who took themselves off."),
    Declared(Counter, "galateo_complaints_total", "Complaints, as of spam."),
    # What it works with
    Declared(
        Gauge,
        "galateo_policy_info",
        "Policies in force; always 1.",
        labels=(
            "policy",
            "version",
            "mode",
        ),
        among="livemax",
    ),
    Declared(Counter, "galateo_policy_reloads_total", "Policy folders read, by result.", labels=("result",)),
    Declared(
        Gauge,
        "galateo_policy_files_refused",
        "1 while the files on disk are not those in force.",
        among="livemax",
    ),
    Declared(
        Counter, "galateo_access_reloads_total", "Changed access files read, by result.", labels=("result",)
    ),
    Declared(
        Gauge,
        "galateo_access_file_refused",
        "1 while the access file on disk is not the one in force.",
        among="livemax",
    ),
    Declared(
        Gauge,
        "galateo_source_reply_feed",
        "1 where a source reports replies, 0 where the reply rules are blind.",
        labels=("source",),
    ),
    Declared(Gauge, "galateo_database_up", "1 while the database answers.", among="livemin"),
    Declared(
        Gauge,
        "galateo_disk_bytes",
        "The embedded database's files (used), its disk (size) and what is free there (free).",
        labels=("part",),
    ),
    Declared(
        Gauge,
        "galateo_certificate_expiry_timestamp_seconds",
        "When the certificate of the mail listeners expires.",
    ),
    Declared(Gauge, "galateo_build_info", "The running version; always 1.", labels=("version",)),
)


def make_all(registry: CollectorRegistry, declared: Iterable[Declared] = DECLARED) -> dict[str, Any]:
    """Every metric by name."""
    return {one.name: one.make(registry) for one in declared}
