"""Compliance: did they agree, what was held and refused, and who took themselves off."""

from boards.panel import ACCEPTED, CHOSEN, GREEN, RED, YELLOW, Board, Panel, Row, ask, quantiles

CONSENT = Row(
    title="Consent",
    panels=(
        Panel(
            title="Marketing that rests on consent",
            about="Share of accepted marketing messages whose recipient had a consent on record for that"
            " channel"
            " and purpose. The rest are first contacts and replies that policies let through without one.",
            queries=(
                ask(
                    'sum(increase(galateo_marketing_messages_total{consent_grade!="none"}[$__range]))'
                    " / sum(increase(galateo_marketing_messages_total[$__range]))",
                    instant=True,
                ),
            ),
            unit="percentunit",
            link="console:people",
            kind="number",
            steps=((0, RED), (0.8, YELLOW), (0.95, GREEN)),
            most=1,
        ),
        Panel(
            title="Accepted marketing by grade of consent",
            about="How well the consent behind each message is proved. A: double opt-in; B: signed or"
            " recorded;"
            " C: single opt-in with evidence; D: an imported claim; none: no consent on record.",
            queries=(
                ask(
                    "sum by (consent_grade) (increase(galateo_marketing_messages_total[$__rate_interval]))",
                    "grade {{consent_grade}}",
                ),
            ),
            unit="short",
            link="console:people",
            kind="bars",
            width=16,
        ),
    ),
)

DECISIONS = Row(
    title="Decisions",
    panels=(
        Panel(
            title="Decisions by outcome",
            about="Every recipient's decision, for the sources, channels and classes chosen above.",
            queries=(
                ask(
                    f"sum by (outcome) (increase(galateo_messages_total{CHOSEN}[$__rate_interval]))",
                    "{{outcome}}",
                ),
            ),
            unit="short",
            link="console:messages",
            kind="bars",
            width=12,
        ),
        Panel(
            title="Refused or held, by class",
            about="Share of decisions in each class that were held or rejected. A class that is mostly"
            " refused"
            " has a campaign behind it that should be talked about.",
            queries=(
                ask(
                    'sum by (class) (increase(galateo_messages_total{source=~"$source", channel=~"$channel",'
                    ' class=~"$class", class!="unknown", outcome=~"held|rejected"}[$__range]))'
                    f" / sum by (class) (increase(galateo_messages_total{CHOSEN}[$__range]) > 0)",
                    "{{class}}",
                    instant=True,
                ),
            ),
            unit="percentunit",
            link="console:messages",
            kind="ranking",
            width=12,
            steps=((0, GREEN), (0.2, YELLOW), (0.5, RED)),
            most=1,
        ),
        Panel(
            title="Violations by rule",
            about="How often each rule objected, in any mode. One message may violate several.",
            queries=(
                ask("sum by (rule) (increase(galateo_violations_total[$__rate_interval]))", "{{rule}}"),
            ),
            unit="short",
            link="console:policies",
            kind="bars",
            width=12,
        ),
        Panel(
            title="Violations by rule and mode",
            about="Over the whole range: what was enforced, what was only observed, and what the floor,"
            " which no"
            " policy can switch off, stopped.",
            queries=(
                ask(
                    "sort_desc(sum by (policy, rule, outcome, mode)"
                    " (increase(galateo_violations_total[$__range])) > 0)",
                    instant=True,
                ),
            ),
            unit="short",
            link="console:policies",
            kind="table",
            width=12,
            decimals=0,
        ),
    ),
)

HOLDS = Row(
    title="Holds and review",
    panels=(
        Panel(
            title="Oldest hold",
            about="Age of the hold that waits longest, for a person or for its condition.",
            queries=(ask("max(galateo_oldest_hold_seconds)", instant=True),),
            unit="s",
            link="console:holds",
            kind="number",
            width=4,
            steps=((0, GREEN), (8 * 3600, YELLOW), (2 * 86400, RED)),
        ),
        Panel(
            title="Holds that wait, by policy",
            about="Messages that are neither sent nor refused yet.",
            queries=(ask("max by (policy) (galateo_held_messages)", "{{policy}}"),),
            unit="short",
            link="console:holds",
            width=10,
        ),
        Panel(
            title="Holds that wait, by age",
            about="How long they have waited: what is over a day old has passed the usual promise.",
            queries=(ask("max by (age) (galateo_holds_by_age)", "{{age}}"),),
            unit="short",
            link="console:holds",
            kind="bars",
            width=10,
        ),
        Panel(
            title="New holds, by rule",
            about="Which rules put messages before a reviewer.",
            queries=(
                ask(
                    'sum by (rule) (increase(galateo_violations_total{outcome="held", mode!="observe"}'
                    "[$__rate_interval]))",
                    "{{rule}}",
                ),
            ),
            unit="short",
            link="console:holds",
            kind="bars",
        ),
        Panel(
            title="Age of the oldest hold",
            about="Rises by a day each day while nobody reviews; falls when the oldest is decided.",
            queries=(ask("max(galateo_oldest_hold_seconds)", "oldest"),),
            unit="s",
            link="runbook:holds-past-sla",
            steps=((0, GREEN), (8 * 3600, YELLOW), (2 * 86400, RED)),
        ),
        Panel(
            title="Time to review",
            about="From a hold to a reviewer's decision: half of them are faster than p50, 95% faster than"
            " p95.",
            queries=quantiles("galateo_review_seconds", 0.5, 0.95),
            unit="s",
            link="console:holds",
            steps=((0, GREEN), (8 * 3600, YELLOW), (2 * 86400, RED)),
        ),
        Panel(
            title="What became of holds",
            about="released: nothing stood against it any more. overridden: a reviewer released it over the"
            " policies'"
            " doubts. refused: a release that the policies did not allow. expired: nobody decided in time."
            " cancelled: the person said stop, or is no longer there.",
            queries=(
                ask(
                    "sum by (decision, by) (increase(galateo_reviews_total[$__rate_interval]))",
                    "{{decision}} by {{by}}",
                ),
            ),
            unit="short",
            link="console:holds",
            kind="bars",
        ),
        Panel(
            title="Overrides",
            about="Share of reviewers' decisions that released a message over the policies' doubts. Far"
            " above what it"
            " used to be: the policies ask too much, or reviewers look too little.",
            queries=(
                ask(
                    'sum(increase(galateo_reviews_total{decision="overridden"}[$__range]))'
                    ' / sum(increase(galateo_reviews_total{by="reviewer"}[$__range]))',
                    instant=True,
                ),
            ),
            unit="percentunit",
            link="console:holds",
            kind="number",
            steps=((0, GREEN), (0.5, YELLOW), (0.8, RED)),
            most=1,
        ),
    ),
)

PEOPLE = Row(
    title="What people say",
    panels=(
        Panel(
            title="Complaint rate",
            about="Complaints (as of spam) per delivered message, over a day. Large mailbox providers ask"
            " senders to"
            " stay under 0.10% and treat 0.30% as abuse.",
            queries=(
                ask(
                    "sum(increase(galateo_complaints_total[1d]))"
                    ' / sum(increase(galateo_deliveries_total{result="delivered"}[1d]))',
                    "complaints per delivery",
                ),
            ),
            unit="percentunit",
            link="runbook:complaint-rate",
            width=12,
            steps=((0, GREEN), (0.001, YELLOW), (0.003, RED)),
            decimals=2,
        ),
        Panel(
            title="Unsubscribes and objections",
            about="People who took themselves off by link, page or event, and replies that said stop.",
            queries=(
                ask(
                    "clamp_min(sum(increase(galateo_unsubscribes_total[$__rate_interval]))"
                    ' - sum(increase(galateo_replies_total{kind="stop"}[$__rate_interval])), 0)',
                    "took themselves off",
                ),
                ask(
                    'sum(increase(galateo_replies_total{kind="stop"}[$__rate_interval]))',
                    "said stop in a reply",
                ),
                ask("sum(increase(galateo_complaints_total[$__rate_interval]))", "complained"),
            ),
            unit="short",
            link="console:people",
            kind="bars",
            width=12,
        ),
        Panel(
            title="Unsubscribes per accepted message",
            about="Over the whole range, for the sources, channels and classes chosen above.",
            queries=(
                ask(
                    "sum(increase(galateo_unsubscribes_total[$__range]))"
                    f" / sum(increase(galateo_messages_total{ACCEPTED}[$__range]))",
                    instant=True,
                ),
            ),
            unit="percentunit",
            link="console:people",
            kind="number",
            steps=((0, GREEN), (0.005, YELLOW), (0.02, RED)),
            decimals=2,
        ),
    ),
)

BOARD = Board(
    uid="galateo-compliance",
    title="Galateo: Compliance",
    about="Did the people we write to agree to it, what was held and refused, and what do they say about it?",
    rows=(CONSENT, DECISIONS, HOLDS, PEOPLE),
)
