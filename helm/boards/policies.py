"""Policies: what is in force, what each would have done in observe, and what never fires."""

from boards.panel import GREEN, RED, YELLOW, Board, Panel, Row, ask

# Not those who were refused at RCPT, nor what was put off: no policy saw them.
JUDGED = '{source=~"$source", channel=~"$channel", class=~"$class", class!="unknown"}'

WOULD = Row(
    title="What policies in observe would have done",
    panels=(
        Panel(
            title="Would have been held or rejected",
            about="Objections of policies in observe, over the whole range: decided and counted, nothing"
            " changed."
            " This is what switching them to enforce would mean.",
            queries=(
                ask(
                    "sort_desc(sum by (policy, rule, outcome)"
                    ' (increase(galateo_violations_total{mode="observe"}'
                    "[$__range])) > 0)",
                    instant=True,
                ),
            ),
            unit="short",
            link="console:policies",
            kind="table",
            width=12,
            decimals=0,
        ),
        Panel(
            title="Observed objections per hundred decisions",
            about="An upper bound of the share of messages that a policy in observe would touch: one"
            " message may"
            " draw several objections.",
            queries=(
                ask(
                    '100 * sum by (policy) (increase(galateo_violations_total{mode="observe"}[$__range]))'
                    f" / scalar(sum(increase(galateo_messages_total{JUDGED}[$__range])))",
                    "{{policy}}",
                    instant=True,
                ),
            ),
            unit="percent",
            link="console:policies",
            kind="ranking",
            width=12,
            steps=((0, GREEN), (10, YELLOW), (30, RED)),
        ),
        Panel(
            title="Observed, over time",
            about="Objections of policies in observe, by policy and the outcome that they would have had.",
            queries=(
                ask(
                    "sum by (policy, outcome)"
                    ' (increase(galateo_violations_total{mode="observe"}[$__rate_interval]))',
                    "{{policy}} {{outcome}}",
                ),
            ),
            unit="short",
            link="console:policies",
            kind="bars",
            width=24,
        ),
    ),
)

IN_FORCE = Row(
    title="What is in force",
    panels=(
        Panel(
            title="Policies",
            about="Name, version and mode of every policy that the gateway works with now.",
            queries=(ask("count by (policy, mode, version) (galateo_policy_info == 1)", instant=True),),
            unit="short",
            link="console:policies",
            kind="table",
            width=12,
        ),
        Panel(
            title="Objections by policy",
            about="Over the whole range, in enforce and at the floor. A policy that is missing here never"
            " objected.",
            queries=(
                ask(
                    "sort_desc(sum by (policy)"
                    ' (increase(galateo_violations_total{mode!="observe"}[$__range])))',
                    "{{policy}}",
                    instant=True,
                ),
            ),
            unit="short",
            link="console:policies",
            kind="ranking",
            width=12,
            decimals=0,
        ),
        Panel(
            title="Never objected",
            about="Policies in enforce without a single objection in this range: everyone behaves, or the"
            " policy"
            " applies to nothing.",
            queries=(
                ask(
                    'count by (policy) (galateo_policy_info{mode="enforce"} == 1) unless on (policy)'
                    " (sum by (policy) (increase(galateo_violations_total[$__range])) > 0)"
                    # As in the alert: increase() cannot see the first step of a series.
                    " unless on (policy) count by (policy)"
                    " (galateo_violations_total unless galateo_violations_total offset $__range)",
                    "{{policy}}",
                    instant=True,
                ),
            ),
            unit="short",
            link="runbook:policy-silent",
            kind="table",
        ),
        Panel(
            title="Policy files",
            about="1 while the files on disk were refused and an older set is in force.",
            queries=(ask("max by (instance) (galateo_policy_files_refused)", "{{instance}}"),),
            unit="short",
            link="runbook:policies-refused",
            steps=((0, GREEN), (1, RED)),
            most=1,
        ),
        Panel(
            title="Reloads",
            about="Readings of the policy folder after a change, by result.",
            queries=(
                ask(
                    "sum by (result) (increase(galateo_policy_reloads_total[$__rate_interval]))", "{{result}}"
                ),
            ),
            unit="short",
            link="runbook:policies-refused",
            kind="bars",
        ),
    ),
)

BOARD = Board(
    uid="galateo-policies",
    title="Galateo: Policies",
    about="What is in force, what observe would have done, and what never fires.",
    rows=(WOULD, IN_FORCE),
)
