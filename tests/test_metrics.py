"""Metrics: what users' dashboards rely on by name."""

import os
import subprocess
import sys
import time
from pathlib import Path

import pytest
from prometheus_client.openmetrics.parser import text_string_to_metric_families as parse_openmetrics
from prometheus_client.parser import text_string_to_metric_families

from gateway import __version__
from gateway.metrics import Metrics

PROMISED = {
    "galateo_messages": {"source", "channel", "class", "outcome"},
    "galateo_violations": {"policy", "rule", "outcome", "mode"},
    "galateo_accept_seconds": set(),
    "galateo_decision_seconds": set(),
    "galateo_commit_seconds": set(),
    "galateo_batch_messages": set(),
    "galateo_held_messages": {"policy"},
    "galateo_holds_by_age": {"age"},
    "galateo_oldest_hold_seconds": set(),
    "galateo_paused": {"kind"},
    "galateo_outbox_messages": set(),
    "galateo_deliveries": {"relay", "result"},
    "galateo_delivery_seconds": set(),
    "galateo_marketing_messages": {"consent_grade"},
    "galateo_replies": {"kind"},
    "galateo_conversations_started": set(),
    "galateo_reply_answer_seconds": set(),
    "galateo_unanswered_replies": set(),
    "galateo_unsubscribes": set(),
    "galateo_complaints": set(),
    "galateo_bounces": {"kind"},
    "galateo_policy_info": {"policy", "version", "mode"},
    "galateo_policy_reloads": {"result"},
    "galateo_accepted_by_stage": {"stage"},
    "galateo_messages_per_person": set(),
    "galateo_copied_share": set(),
    "galateo_sequence_step": set(),
    "galateo_oldest_outbox_seconds": set(),
    "galateo_reviews": {"decision", "by"},
    "galateo_review_seconds": set(),
    "galateo_relay_up": {"relay"},
    "galateo_policy_files_refused": set(),
    "galateo_database_up": set(),
    "galateo_disk_bytes": {"part"},
    "galateo_certificate_expiry_timestamp_seconds": set(),
}


def count_everything(metrics: Metrics) -> None:
    metrics.message("crm", "email", "promotion", "accepted")
    metrics.violation("first-contact", "no_pitch", "rejected", "enforce")
    metrics.marketing("A")
    metrics.accepted_in(0.004)
    metrics.decided_in(0.00003)
    metrics.commit(0.002, 17)
    metrics.holds({"first-contact": 2}, 60)
    metrics.hold_ages({"under 1 h": 2})
    metrics.paused({"source": 1, "campaign": 2})
    metrics.outbox(5)
    metrics.delivery("smtp", "delivered", 0.02)
    metrics.bounce("hard")
    metrics.reply("human")
    metrics.conversation_started()
    metrics.answered_in(1800)
    metrics.unanswered(3)
    metrics.unsubscribe()
    metrics.complaint()
    metrics.policies([("first-contact", "3", "enforce")])
    metrics.policy_reload("loaded")
    metrics.reply_feeds({"crm": False})
    metrics.acquaintance("stranger", 2, 1, 0.25)
    metrics.review("released", "reviewer", 90)
    metrics.relays({"smtp": True})
    metrics.policies_refused(refused=False)
    metrics.database(up=True)
    metrics.disk({"free": 10})
    metrics.certificate(1_900_000_000)


def values(metrics: Metrics) -> dict[tuple[str, tuple[tuple[str, str], ...]], float]:
    return {
        (sample.name, tuple(sorted(sample.labels.items()))): sample.value
        for family in text_string_to_metric_families(metrics.render()[0].decode())
        for sample in family.samples
    }


def test_every_promised_metric_is_there_with_its_labels() -> None:
    metrics = Metrics()
    count_everything(metrics)
    families = {f.name: f for f in text_string_to_metric_families(metrics.render()[0].decode())}
    for name, labels in PROMISED.items():
        assert name in families, name
        assert families[name].documentation
        found = {frozenset(set(sample.labels) - {"le"}) for sample in families[name].samples}
        assert found == {frozenset(labels)}, name


def test_each_method_counts_once() -> None:
    metrics = Metrics()
    count_everything(metrics)
    seen = values(metrics)
    assert seen["galateo_violations_total", (
        ("mode", "enforce"), ("outcome", "rejected"), ("policy", "first-contact"), ("rule", "no_pitch")
    )] == 1  # fmt: skip
    assert seen["galateo_batch_messages_sum", ()] == 17
    assert seen["galateo_commit_seconds_bucket", (("le", "0.002"),)] == 1
    assert seen["galateo_outbox_messages", ()] == 5
    assert seen["galateo_paused", (("kind", "campaign"),)] == 2
    assert seen["galateo_source_reply_feed", (("source", "crm"),)] == 0
    metrics.message("crm", "email", "promotion", "accepted")
    key = (("channel", "email"), ("class", "promotion"), ("outcome", "accepted"), ("source", "crm"))
    assert values(metrics)["galateo_messages_total", key] == 2


def test_what_no_longer_waits_or_applies_is_gone() -> None:
    metrics = Metrics()
    metrics.holds({"a": 1, "b": 2}, 5)
    metrics.holds({"b": 1}, 3)
    metrics.policies([("a", "1", "observe")])
    metrics.policies([("a", "2", "enforce")])
    text = metrics.render()[0].decode()
    assert 'galateo_held_messages{policy="a"}' not in text
    assert 'galateo_held_messages{policy="b"} 1.0' in text
    assert 'version="1"' not in text
    assert 'galateo_policy_info{mode="enforce",policy="a",version="2"} 1.0' in text


def test_two_gateways_in_one_process_do_not_share() -> None:
    one, other = Metrics(), Metrics()
    one.complaint()
    assert values(other)["galateo_complaints_total", ()] == 0


def test_openmetrics_where_asked_for() -> None:
    metrics = Metrics()
    count_everything(metrics)
    body, content_type = metrics.render("application/openmetrics-text; version=1.0.0")
    assert content_type.startswith("application/openmetrics-text")
    assert {family.name for family in parse_openmetrics(body.decode())} >= set(PROMISED)
    assert metrics.render()[1].startswith("text/plain")


@pytest.mark.parametrize("hostile", ['a"b', "a\nb", "a\\b", "ü"])
def test_odd_label_values_do_not_break_the_text(hostile: str) -> None:
    metrics = Metrics()
    metrics.message(hostile, "email", "outreach", "held")
    sources = {dict(labels).get("source") for _, labels in values(metrics)}
    assert hostile in sources


def test_counting_is_cheap() -> None:
    metrics = Metrics()
    started = time.process_time()
    for _ in range(20_000):
        metrics.message("crm", "email", "promotion", "accepted")
    each = (time.process_time() - started) / 20_000
    assert each < 20e-6  # about 1e-6; the rest is room for a busy machine


def test_the_version_is_shown_and_where_workers_share_a_folder_too(
    tmp_path: Path,
) -> None:
    shown = f'galateo_build_info{{version="{__version__}"}} 1.0'
    assert shown in Metrics().render()[0].decode()
    program = "from gateway.metrics import Metrics; print(Metrics().render()[0].decode())"
    done = subprocess.run(
        [sys.executable, "-c", program],
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
        env={**os.environ, "PROMETHEUS_MULTIPROC_DIR": str(tmp_path)},
    )
    assert shown in done.stdout
