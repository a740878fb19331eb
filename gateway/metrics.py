"""Every Prometheus metric, declared once, and one method per thing that is counted.

Label values come from configuration and from closed sets, never from a message: no address, name or text.
Counting costs one dictionary look-up and one increment. Nothing is bound at import.
"""

import os
from collections.abc import Iterable, Mapping
from typing import Any, Protocol

from prometheus_client import (
    CollectorRegistry,
    Counter,
    Gauge,
    Histogram,
    ProcessCollector,
    disable_created_metrics,
    multiprocess,
)
from prometheus_client.exposition import choose_encoder

from gateway import __version__

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


SHARED_FOLDER = "PROMETHEUS_MULTIPROC_DIR"
"""Set by `serve --workers` before this module is imported: metrics are then kept in files there."""


class _Labeled(Protocol):
    def labels(self, *values: str) -> Any: ...


class _Children(dict[tuple[str, ...], Any]):
    """The children of a labeled metric by label values, each looked up in the metric once."""

    def __init__(self, metric: _Labeled) -> None:
        self._metric = metric

    def __missing__(self, values: tuple[str, ...]) -> Any:
        child = self[values] = self._metric.labels(*values)
        return child


class Metrics:
    """The gateway's metrics in one registry, a new one if none is given."""

    def __init__(self, registry: CollectorRegistry | None = None) -> None:
        disable_created_metrics()  # type: ignore[no-untyped-call]  # untyped in the library
        self.registry = registry or CollectorRegistry()
        into: Any = {"registry": self.registry}
        # In multi-process mode every process sees the same database, so the last word stands.
        level: Any = {"registry": self.registry, "multiprocess_mode": "mostrecent"}

        # The line
        self._messages = _Children(
            Counter(
                "galateo_messages_total",
                "Decisions, one per recipient.",
                ["source", "channel", "class", "outcome"],
                **into,
            )
        )
        self._violations = _Children(
            Counter(
                "galateo_violations_total",
                "Rules violated, in every mode.",
                ["policy", "rule", "outcome", "mode"],
                **into,
            )
        )
        self._marketing = _Children(
            Counter(
                "galateo_marketing_messages_total",
                "Marketing messages accepted, by the grade of the consent they rest on.",
                ["consent_grade"],
                **into,
            )
        )
        self._accept_seconds = Histogram(
            "galateo_accept_seconds",
            "From the last byte of a submission to its reply.",
            buckets=ACCEPT,
            **into,
        )
        self._decision_seconds = Histogram(
            "galateo_decision_seconds", "Deciding one recipient.", buckets=DECISION, **into
        )
        self._commit_seconds = Histogram(
            "galateo_commit_seconds", "One durable commit of a batch.", buckets=COMMIT, **into
        )
        self._batch_messages = Histogram(
            "galateo_batch_messages", "Messages committed together.", buckets=BATCH, **into
        )

        # How it is written, and to whom
        self._stages = _Children(
            Counter(
                "galateo_accepted_by_stage_total",
                "Marketing messages accepted, by how well sender and recipient know each other.",
                ["stage"],
                **into,
            )
        )
        self._per_person = Histogram(
            "galateo_messages_per_person",
            "At each accepted marketing message, how many the person had within 30 days, this one included.",
            buckets=PER_PERSON,
            **into,
        )
        self._copied_share = Histogram(
            "galateo_copied_share",
            "Share of the words of an accepted marketing message that others had before.",
            buckets=SHARE,
            **into,
        )
        self._sequence_step = Histogram(
            "galateo_sequence_step",
            "Which message without an answer an accepted marketing message is; 1 is the first.",
            buckets=STEP,
            **into,
        )

        # Waiting
        self._held = Gauge("galateo_held_messages", "Holds that wait, by policy.", ["policy"], **level)
        self._hold_ages = Gauge("galateo_holds_by_age", "Holds that wait, by how long.", ["age"], **level)
        self._oldest_hold = Gauge("galateo_oldest_hold_seconds", "Age of the oldest hold.", **level)
        self._outbox = Gauge("galateo_outbox_messages", "Accepted and not yet delivered.", **level)
        self._oldest_outbox = Gauge(
            "galateo_oldest_outbox_seconds", "Age of the oldest message in the outbox.", **level
        )
        self._reviews = _Children(
            Counter("galateo_reviews_total", "Holds decided, and by whom.", ["decision", "by"], **into)
        )
        self._review_seconds = Histogram(
            "galateo_review_seconds", "From a hold to what a person decided.", buckets=REVIEW, **into
        )

        # Delivery
        self._deliveries = _Children(
            Counter("galateo_deliveries_total", "Attempts to deliver.", ["relay", "result"], **into)
        )
        self._delivery_seconds = Histogram(
            "galateo_delivery_seconds", "One attempt to deliver.", buckets=DELIVERY, **into
        )
        self._bounces = _Children(Counter("galateo_bounces_total", "Bounces.", ["kind"], **into))
        self._relay_up = Gauge(
            "galateo_relay_up", "1 where a relay takes messages, 0 where it does not.", ["relay"], **level
        )

        # People
        self._replies = _Children(Counter("galateo_replies_total", "Replies, by kind.", ["kind"], **into))
        self._conversations = Counter(
            "galateo_conversations_started_total", "First human replies to a person's messages.", **into
        )
        self._answer_seconds = Histogram(
            "galateo_reply_answer_seconds", "From a reply to its human answer.", buckets=ANSWER, **into
        )
        self._unanswered = Gauge("galateo_unanswered_replies", "Replies without an answer.", **level)
        self._unsubscribes = Counter("galateo_unsubscribes_total", "People who took themselves off.", **into)
        self._complaints = Counter("galateo_complaints_total", "Complaints, as of spam.", **into)

        # What it works with
        self._policy_info = Gauge(
            "galateo_policy_info", "Policies in force; always 1.", ["policy", "version", "mode"], **level
        )
        self._policy_reloads = _Children(
            Counter("galateo_policy_reloads_total", "Policy folders read, by result.", ["result"], **into)
        )
        self._policy_refused = Gauge(
            "galateo_policy_files_refused", "1 while the files on disk are not those in force.", **level
        )
        self._reply_feed = Gauge(
            "galateo_source_reply_feed",
            "1 where a source reports replies, 0 where the reply rules are blind.",
            ["source"],
            **level,
        )
        self._database_up = Gauge("galateo_database_up", "1 while the database answers.", **level)
        self._disk = Gauge(
            "galateo_disk_bytes",
            "The embedded database's files (used), its disk (size) and what is free there (free).",
            ["part"],
            **level,
        )
        self._certificate = Gauge(
            "galateo_certificate_expiry_timestamp_seconds",
            "When the certificate of the mail listeners expires.",
            **level,
        )
        # A gauge, not an Info: workers that share a folder could not show one.
        build = Gauge("galateo_build_info", "The running version; always 1.", ["version"], **level)
        build.labels(__version__).set(1)
        ProcessCollector(registry=self.registry)

    # The line

    def message(self, source: str, channel: str, class_: str, outcome: str) -> None:
        """Count a recipient's decision: accepted, held, rejected or deferred."""
        self._messages[source, channel, class_, outcome].inc()

    def violation(self, policy: str, rule: str, outcome: str, mode: str) -> None:
        """Count a violated rule: held or rejected, in enforce, observe or floor."""
        self._violations[policy, rule, outcome, mode].inc()

    def marketing(self, consent_grade: str) -> None:
        """Count an accepted marketing message by its consent's grade."""
        self._marketing[(consent_grade,)].inc()

    def acquaintance(self, stage: str, per_person: int, step: int, copied: float) -> None:
        """Note of an accepted marketing message how well the two know each other, how many the person had
        within 30 days, how many since an answer (both with this one), and the share of copied words."""
        self._stages[(stage,)].inc()
        self._per_person.observe(per_person)
        self._sequence_step.observe(step)
        self._copied_share.observe(copied)

    def accepted_in(self, seconds: float) -> None:
        """Note how long a submission waited for its reply."""
        self._accept_seconds.observe(seconds)

    def decided_in(self, seconds: float) -> None:
        """Note how long a decision took."""
        self._decision_seconds.observe(seconds)

    def commit(self, seconds: float, messages: int) -> None:
        """Note a commit and how many messages it made durable."""
        self._commit_seconds.observe(seconds)
        self._batch_messages.observe(messages)

    # Waiting

    def holds(self, waiting: Mapping[str, int], oldest_seconds: float) -> None:
        """Show the holds that wait, by policy, in place of those shown before."""
        _hide(self._held)
        for policy, count in waiting.items():
            self._held.labels(policy).set(count)
        self._oldest_hold.set(oldest_seconds)

    def hold_ages(self, waiting: Mapping[str, int]) -> None:
        """Show the holds that wait, by how long they have."""
        for age, count in waiting.items():
            self._hold_ages.labels(age).set(count)

    def outbox(self, messages: int, oldest_seconds: float = 0.0) -> None:
        """Show how many deliveries wait, and the oldest one's age."""
        self._outbox.set(messages)
        self._oldest_outbox.set(oldest_seconds)

    def review(self, decision: str, by: str, seconds: float = 0.0) -> None:
        """Count what became of a hold: released, overridden (released over the policies' doubts), refused
        (the policies now say no), rejected or expired; by reviewer, condition or time."""
        self._reviews[decision, by].inc()
        if by == "reviewer" and decision != "refused":
            self._review_seconds.observe(seconds)

    # Delivery

    def delivery(self, relay: str, result: str, seconds: float) -> None:
        """Count an attempt on a relay and note how long it took."""
        self._deliveries[relay, result].inc()
        self._delivery_seconds.observe(seconds)

    def bounce(self, kind: str) -> None:
        """Count a bounce: hard or soft."""
        self._bounces[(kind,)].inc()

    def relays(self, up: Mapping[str, bool]) -> None:
        """Show which relays take messages."""
        for relay, works in up.items():
            self._relay_up.labels(relay).set(works)

    # People

    def reply(self, kind: str) -> None:
        """Count a reply by what it is: human, automatic, stop, ..."""
        self._replies[(kind,)].inc()

    def conversation_started(self) -> None:
        """Count a first human reply."""
        self._conversations.inc()

    def answered_in(self, seconds: float) -> None:
        """Note how long a person who replied waited for a human answer."""
        self._answer_seconds.observe(seconds)

    def unanswered(self, replies: int) -> None:
        """Show how many replies wait for an answer."""
        self._unanswered.set(replies)

    def unsubscribe(self) -> None:
        """Count a person who took themselves off."""
        self._unsubscribes.inc()

    def complaint(self) -> None:
        """Count a complaint."""
        self._complaints.inc()

    # What it works with

    def policies(self, in_force: Iterable[tuple[str, str, str]]) -> None:
        """Show the policies in force, each (name, version, mode), in place of those shown before."""
        _hide(self._policy_info)
        for policy in in_force:
            self._policy_info.labels(*policy).set(1)

    def policy_reload(self, result: str) -> None:
        """Count a reading of the policy folder: loaded, unchanged or refused."""
        self._policy_reloads[(result,)].inc()

    def policies_refused(self, *, refused: bool) -> None:
        """Show whether the policy files on disk were refused, so that an older set is in force."""
        self._policy_refused.set(refused)

    def database(self, *, up: bool) -> None:
        """Show whether the database answers."""
        self._database_up.set(up)

    def disk(self, parts: Mapping[str, int]) -> None:
        """Show the bytes that the embedded database uses, its disk's size, and what is free on it."""
        for part, size in parts.items():
            self._disk.labels(part).set(size)

    def certificate(self, expires_at: float) -> None:
        """Show when the mail listeners' certificate expires, in unix time."""
        self._certificate.set(expires_at)

    def reply_feeds(self, fed: Mapping[str, bool]) -> None:
        """Show which sources report replies."""
        _hide(self._reply_feed)
        for source, feeds in fed.items():
            self._reply_feed.labels(source).set(feeds)

    def render(self, accept: str = "") -> tuple[bytes, str]:
        """Return the metrics as text and its content type, in the form that an Accept header asks for."""
        encode, content_type = choose_encoder(accept)
        return encode(_gather() if SHARED_FOLDER in os.environ else self.registry), content_type


def _gather() -> CollectorRegistry:
    """What all workers counted, from the folder that they share."""
    registry = CollectorRegistry()
    multiprocess.MultiProcessCollector(registry)  # type: ignore[no-untyped-call]  # untyped in the library
    return registry


def _hide(gauge: Gauge) -> None:
    """Take back every value of a gauge; where workers share a folder they cannot go, so they become 0."""
    if SHARED_FOLDER not in os.environ:
        gauge.clear()
        return
    for metric in gauge.collect():
        for sample in metric.samples:
            gauge.labels(**sample.labels).set(0)
