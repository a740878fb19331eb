"""A real Prometheus scrapes a real gateway: every query of dashboards and alerts finds what it asks for."""

from collections.abc import Iterator

import pytest

from tests.flow.harness import eventually
from tests.monitoring.expressions import alerts, dashboard_queries, selectors
from tests.monitoring.prometheus import Prometheus
from tests.monitoring.traffic import reload_policies, running

# Queries that find nothing while all is well, and why.
EMPTY = {
    "outreach/Sources that report no replies/A": "the development source reports them",
}
pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def prometheus(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Prometheus]:
    folder = tmp_path_factory.mktemp("monitoring")
    with running(folder) as traffic, Prometheus(folder, traffic.gateway.ops_port) as prometheus:
        eventually(lambda: prometheus.scrapes() >= 1, what="a scrape before anything happened", timeout=30)
        reload_policies(traffic)
        for n in range(1, 4):
            traffic.round(n)
            seen = prometheus.scrapes()
            eventually(lambda seen=seen: prometheus.scrapes() >= seen + 2, what="two scrapes", timeout=30)
        # Depths are measured every few seconds.
        for depth in ('galateo_held_messages{policy="first-words"}', "galateo_unanswered_replies"):
            eventually(lambda depth=depth: number(prometheus, depth) == 3, what=depth, timeout=30)
        yield prometheus


def test_every_dashboard_query_finds_data(prometheus: Prometheus) -> None:
    silent = {asked.place for asked in dashboard_queries() if not prometheus.query(asked.expr)}
    assert silent == set(EMPTY)


def test_every_alert_reads_what_is_there(prometheus: Prometheus) -> None:
    asked = set().union(*(selectors(rule["expr"]) for rule in alerts()))
    silent = {selector for selector in asked if not prometheus.query(selector)}
    assert silent == set()


def test_what_happens_first_after_a_start_is_seen_by_what_asks_for_growth(prometheus: Prometheus) -> None:
    for asked, at_least in (
        ('sum(increase(galateo_messages_total{class="newsletter", outcome="accepted"}[10m]))', 8.5),
        ('sum(increase(galateo_deliveries_total{result="delivered"}[10m]))', 6),
        ('sum(increase(galateo_reviews_total{by="reviewer"}[10m]))', 5.5),
        ('sum(increase(galateo_bounces_total{kind="hard"}[10m]))', 2.8),
        ('sum(increase(galateo_replies_total{kind="stop"}[10m]))', 2.8),
        ("sum(increase(galateo_marketing_messages_total[10m]))", 17),
        ("sum(increase(galateo_accepted_by_stage_total[10m]))", 17),
        ("sum(increase(galateo_policy_reloads_total[10m]))", 0.9),
    ):
        assert number(prometheus, asked) >= at_least, asked


def test_prometheus_evaluates_every_rule_and_a_healthy_gateway_alarms_nobody(prometheus: Prometheus) -> None:
    eventually(
        lambda: all(rule["health"] != "unknown" for rule in _rules(prometheus)), what="the rules", timeout=30
    )
    rules = _rules(prometheus)
    assert {rule["name"] for rule in rules} == {rule["alert"] for rule in alerts()}
    assert [(rule["name"], rule.get("lastError")) for rule in rules if rule["health"] != "ok"] == []
    assert [rule["name"] for rule in rules if rule["state"] != "inactive"] == []


def test_what_the_numbers_say(prometheus: Prometheus) -> None:
    def value(expr: str) -> float:
        return number(prometheus, expr)

    assert value('sum(galateo_messages_total{class="newsletter", outcome="accepted"})') == 9
    assert value('sum(galateo_messages_total{class="newsletter", outcome="rejected"})') == 3
    assert value('galateo_violations_total{policy="calm", mode="observe"}') == 3
    assert value('galateo_marketing_messages_total{consent_grade="A"}') == 9
    assert value('galateo_marketing_messages_total{consent_grade="none"}') == 12
    assert value('galateo_reviews_total{decision="overridden", by="reviewer"}') == 3
    assert value('galateo_reviews_total{decision="rejected", by="reviewer"}') == 3
    assert value("galateo_review_seconds_count") == 6
    assert value('galateo_messages_per_person_bucket{le="1.0"}') < value("galateo_messages_per_person_count")
    assert value('galateo_bounces_total{kind="hard"}') == 3
    assert value("galateo_conversations_started_total") == 6
    assert value("min(galateo_relay_up)") == 1
    assert value('galateo_disk_bytes{part="free"}') > 0


def test_whoever_said_stop_is_shown_once(prometheus: Prometheus) -> None:
    title = "compliance/Unsubscribes and objections/"
    off, stop = (
        number(prometheus, asked.expr.replace("[1m]", "[10m]"))
        for place in "AB"
        for asked in dashboard_queries()
        if asked.place == title + place
    )
    assert 2.5 < off < 4
    assert 2.5 < stop < 4


def number(prometheus: Prometheus, expr: str) -> float:
    """The value of an expression with one series, 0 where there is none yet."""
    found = prometheus.query(expr)
    assert len(found) < 2, expr
    return float(found[0]["value"][1]) if found else 0.0


def _rules(prometheus: Prometheus) -> list[dict[str, str]]:
    return [rule for group in prometheus.ask("rules")["groups"] for rule in group["rules"]]
