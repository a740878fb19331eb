"""One method per thing that is counted.

Label values come from configuration and from closed sets, never from a message: no address, name or text.
Counting costs one dictionary look-up and one increment. Nothing is bound at import.
"""

import os
from collections.abc import Iterable, Mapping
from itertools import product
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
from gateway.metrics.declared import KNOWN, OUTCOMES, RESULTS, make_all

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
        made = make_all(self.registry)
        self._messages = _Children(made["galateo_messages_total"])
        self._violations = _Children(made["galateo_violations_total"])
        self._marketing = _Children(made["galateo_marketing_messages_total"])
        self._accept_seconds: Histogram = made["galateo_accept_seconds"]
        self._decision_seconds: Histogram = made["galateo_decision_seconds"]
        self._commit_seconds: Histogram = made["galateo_commit_seconds"]
        self._batch_messages: Histogram = made["galateo_batch_messages"]
        self._stages = _Children(made["galateo_accepted_by_stage_total"])
        self._per_person: Histogram = made["galateo_messages_per_person"]
        self._copied_share: Histogram = made["galateo_copied_share"]
        self._sequence_step: Histogram = made["galateo_sequence_step"]
        self._held: Gauge = made["galateo_held_messages"]
        self._hold_ages: Gauge = made["galateo_holds_by_age"]
        self._oldest_hold: Gauge = made["galateo_oldest_hold_seconds"]
        self._paused: Gauge = made["galateo_paused"]
        self._outbox: Gauge = made["galateo_outbox_messages"]
        self._oldest_outbox: Gauge = made["galateo_oldest_outbox_seconds"]
        self._reviews = _Children(made["galateo_reviews_total"])
        self._review_seconds: Histogram = made["galateo_review_seconds"]
        self._deliveries = _Children(made["galateo_deliveries_total"])
        self._delivery_seconds: Histogram = made["galateo_delivery_seconds"]
        self._bounces = _Children(made["galateo_bounces_total"])
        self._relay_up: Gauge = made["galateo_relay_up"]
        self._replies = _Children(made["galateo_replies_total"])
        self._conversations: Counter = made["galateo_conversations_started_total"]
        self._answer_seconds: Histogram = made["galateo_reply_answer_seconds"]
        self._unanswered: Gauge = made["galateo_unanswered_replies"]
        self._unsubscribes: Counter = made["galateo_unsubscribes_total"]
        self._complaints: Counter = made["galateo_complaints_total"]
        self._policy_info: Gauge = made["galateo_policy_info"]
        self._policy_reloads = _Children(made["galateo_policy_reloads_total"])
        self._policy_refused: Gauge = made["galateo_policy_files_refused"]
        self._access_reloads = _Children(made["galateo_access_reloads_total"])
        self._access_refused: Gauge = made["galateo_access_file_refused"]
        self._reply_feed: Gauge = made["galateo_source_reply_feed"]
        self._database_up: Gauge = made["galateo_database_up"]
        self._disk: Gauge = made["galateo_disk_bytes"]
        self._certificate: Gauge = made["galateo_certificate_expiry_timestamp_seconds"]
        # A gauge, not an Info: workers that share a folder could not show one.
        made["galateo_build_info"].labels(__version__).set(1)
        self._made = made
        self._usage = _Usage(self.registry) if SHARED_FOLDER in os.environ else None
        if self._usage is None:
            ProcessCollector(registry=self.registry)

    def begin(self, sources: Mapping[str, Iterable[str]], relays: Iterable[str]) -> None:
        """Show zero for what will be counted, as far as it is known: of each source the classes that it may
        send, by email; of each relay how attempts end; and what comes in closed sets."""
        for name, known in KNOWN.items():
            for values in known:
                self._made[name].labels(*values)
        for source, classes in sources.items():
            for class_, outcome in product(classes, OUTCOMES):
                self._made["galateo_messages_total"].labels(source, "email", class_, outcome)
            for channel in ("email", "unknown"):
                self._made["galateo_messages_total"].labels(source, channel, "unknown", "deferred")
            self._made["galateo_messages_total"].labels(source, "email", "unknown", "rejected")
        for relay, result in product(relays, RESULTS):
            self._made["galateo_deliveries_total"].labels(relay, result)

    # The line

    def message(self, source: str, channel: str, class_: str, outcome: str) -> None:
        """Count a recipient's decision: accepted, held, rejected or deferred."""
        self._messages[source, channel, class_, outcome].inc()

    def put_off(self, source: str) -> None:
        """Count a submission that was put off unread: nobody knows more of it than whose it is."""
        self.message(source, "unknown", "unknown", "deferred")

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

    def paused(self, counts: Mapping[str, int]) -> None:
        """Show how many sources and campaigns are paused."""
        for kind, count in counts.items():
            self._paused.labels(kind).set(count)

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

    def holds_cancelled(self, holds: int) -> None:
        """Count holds that a stop ended: the person's own, a bounce, an erasure."""
        self._reviews["cancelled", "stop"].inc(holds)

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
        """Count a reading of the policy folder: loaded or failed."""
        self._policy_reloads[(result,)].inc()

    def policies_refused(self, *, refused: bool) -> None:
        """Show whether the policy files on disk were refused, so that an older set is in force."""
        self._policy_refused.set(refused)

    def access_reload(self, result: str) -> None:
        """Count a reading of an access file that changed: loaded or failed."""
        self._access_reloads[(result,)].inc()

    def access_refused(self, *, refused: bool) -> None:
        """Show whether the access file on disk was refused, so that what it said before is in force."""
        self._access_refused.set(refused)

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

    def process(self) -> None:
        """Note what this process takes of the machine, where it shares what it shows with other workers."""
        if self._usage is not None:
            self._usage.measure()

    def render(self, accept: str = "") -> tuple[bytes, str]:
        """Return the metrics as text and its content type, in the form that an Accept header asks for."""
        encode, content_type = choose_encoder(accept)
        return encode(_gather() if SHARED_FOLDER in os.environ else self.registry), content_type


class _Usage:
    """Processor and memory of all workers together, by the names that one process alone has for them: in
    the folder that they share stands only what was counted there."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self._own = ProcessCollector(registry=None)
        self._cpu = Counter(
            "process_cpu_seconds_total", "CPU time of all workers in seconds.", registry=registry
        )
        self._memory = Gauge(
            "process_resident_memory_bytes",
            "Resident memory of all workers in bytes.",
            registry=registry,
            multiprocess_mode="livesum",
        )
        self._seen = 0.0

    def measure(self) -> None:
        """Add what this worker took since it was last asked. Nothing where there is no /proc."""
        now = {sample.name: sample.value for metric in self._own.collect() for sample in metric.samples}
        cpu = now.get("process_cpu_seconds_total", self._seen)
        self._cpu.inc(max(cpu - self._seen, 0.0))
        self._seen = cpu
        self._memory.set(now.get("process_resident_memory_bytes", 0.0))


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
