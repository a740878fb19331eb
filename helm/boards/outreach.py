"""Healthy outreach: conversations rather than sends. There are no open rates: they spy, and they lie."""

from boards.panel import ACCEPTED, CHOSEN, GREEN, RED, YELLOW, Board, Panel, Row, ask, quantiles

REACHING = (
    '{source=~"$source", channel=~"$channel", class=~"outreach|connection_request|permission_request",'
    ' outcome="accepted"}'
)

CONVERSATIONS = Row(
    title="Conversations",
    panels=(
        Panel(
            title="Human replies per first contact",
            about="Replies written by people, per accepted outreach, connection or permission request."
            " Automatic"
            " replies do not count.",
            queries=(
                ask(
                    'sum(increase(galateo_replies_total{kind="human"}[$__range]))'
                    f" / sum(increase(galateo_messages_total{REACHING}[$__range]))",
                    instant=True,
                ),
            ),
            unit="percentunit",
            link="console:overview",
            kind="number",
            steps=((0, RED), (0.03, YELLOW), (0.1, GREEN)),
        ),
        Panel(
            title="Conversations begun",
            about="People who answered one of our senders for the first time.",
            queries=(ask("sum(increase(galateo_conversations_started_total[$__rate_interval]))", "begun"),),
            unit="short",
            link="console:overview",
            kind="bars",
        ),
        Panel(
            title="Replies by kind",
            about="human, automatic (absence notes), stop (a wish to be left alone), untrusted and unmatched"
            " (what could not be tied to a message of ours).",
            queries=(ask("sum by (kind) (increase(galateo_replies_total[$__rate_interval]))", "{{kind}}"),),
            unit="short",
            link="console:people",
            kind="bars",
        ),
        Panel(
            title="How well the two know each other",
            about="Accepted marketing by the relationship at that moment: stranger, introduced, connected,"
            " replied,"
            " conversation, opted_in. Health is when strangers are few.",
            queries=(
                ask(
                    "sum by (stage) (increase(galateo_accepted_by_stage_total[$__rate_interval]))",
                    "{{stage}}",
                ),
            ),
            unit="short",
            link="console:people",
            kind="bars",
            width=12,
        ),
        Panel(
            title="Accepted messages by class",
            about="What is sent, for the sources, channels and classes chosen above.",
            queries=(
                ask(
                    f"sum by (class) (increase(galateo_messages_total{ACCEPTED}[$__rate_interval]))",
                    "{{class}}",
                ),
            ),
            unit="short",
            link="console:messages",
            kind="bars",
            width=12,
        ),
    ),
)

ANSWERS = Row(
    title="Do we answer",
    panels=(
        Panel(
            title="Replies without an answer",
            about="People who wrote back and wait for one of us.",
            queries=(ask("max(galateo_unanswered_replies)", instant=True),),
            unit="short",
            link="runbook:unanswered-replies",
            kind="number",
            width=4,
            steps=((0, GREEN), (10, YELLOW), (50, RED)),
        ),
        Panel(
            title="Never answered",
            about="Share of the human replies in this range that nobody has answered.",
            queries=(
                ask(
                    "clamp_min(1 - sum(increase(galateo_reply_answer_seconds_count[$__range]))"
                    ' / sum(increase(galateo_replies_total{kind="human"}[$__range])), 0)',
                    instant=True,
                ),
            ),
            unit="percentunit",
            link="runbook:unanswered-replies",
            kind="number",
            width=4,
            steps=((0, GREEN), (0.1, YELLOW), (0.3, RED)),
            most=1,
        ),
        Panel(
            title="Time to answer a reply",
            about="From a person's reply to a human answer.",
            queries=quantiles("galateo_reply_answer_seconds", 0.5, 0.9),
            unit="s",
            link="runbook:unanswered-replies",
            steps=((0, GREEN), (86400, YELLOW), (2 * 86400, RED)),
        ),
        Panel(
            title="Replies that wait",
            about="How many people wait for an answer, over time.",
            queries=(ask("max(galateo_unanswered_replies)", "unanswered"),),
            unit="short",
            link="console:people",
        ),
        Panel(
            title="Sources that report no replies",
            about="For these the rules about replies are blind: have them send message.replied events, or"
            " let replies"
            " come in through the gateway.",
            queries=(ask("max by (source) (galateo_source_reply_feed) == 0", "{{source}}", instant=True),),
            unit="short",
            link="console:policies",
            kind="table",
        ),
    ),
)

RESTRAINT = Row(
    title="Restraint",
    panels=(
        Panel(
            title="Messages per person in 30 days",
            about="Across all tools and channels, at each accepted marketing message: half of the people"
            " had at most"
            " p50, 95% at most p95.",
            queries=quantiles("galateo_messages_per_person", 0.5, 0.95),
            unit="short",
            link="console:policies",
            steps=((0, GREEN), (4, YELLOW), (8, RED)),
        ),
        Panel(
            title="Sameness",
            about="Share of words that others had before, in accepted marketing. Newsletters are the same"
            " for all by"
            " nature; outreach should not be.",
            queries=quantiles("galateo_copied_share", 0.5, 0.95),
            unit="percentunit",
            link="console:policies",
            steps=((0, GREEN), (0.5, YELLOW), (0.8, RED)),
            most=1,
        ),
        Panel(
            title="Sequence length",
            about="Which message without an answer it is: 1 is the first, 3 the second follow-up.",
            queries=quantiles("galateo_sequence_step", 0.5, 0.95),
            unit="short",
            link="console:policies",
            steps=((0, GREEN), (3, YELLOW), (5, RED)),
        ),
        Panel(
            title="Third message or later, unanswered",
            about="Share of accepted marketing messages that follow two or more without an answer.",
            queries=(
                ask(
                    '1 - sum(increase(galateo_sequence_step_bucket{le="2.0"}[$__range]))'
                    " / sum(increase(galateo_sequence_step_count[$__range]))",
                    instant=True,
                ),
            ),
            unit="percentunit",
            link="console:policies",
            kind="number",
            width=12,
            steps=((0, GREEN), (0.1, YELLOW), (0.3, RED)),
            most=1,
        ),
        Panel(
            title="Accepted at once",
            about="Share of decisions that needed neither a reviewer nor a refusal. Rises as campaigns"
            " learn.",
            queries=(
                ask(
                    f"sum(increase(galateo_messages_total{ACCEPTED}[$__range]))"
                    f" / sum(increase(galateo_messages_total{CHOSEN}[$__range]))",
                    instant=True,
                ),
            ),
            unit="percentunit",
            link="galateo-compliance",
            kind="number",
            width=12,
            steps=((0, RED), (0.5, YELLOW), (0.8, GREEN)),
            most=1,
        ),
    ),
)

BOARD = Board(
    uid="galateo-outreach",
    title="Galateo: Healthy outreach",
    about="Do people answer, do we answer them, and do we leave the others in peace?",
    rows=(CONVERSATIONS, ANSWERS, RESTRAINT),
    since="now-30d",
)
