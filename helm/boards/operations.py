"""Operations: how much, how fast, what waits, what fails."""

from boards.panel import CHOSEN, GREEN, RED, YELLOW, Board, Panel, Row, ask, quantiles

LINE = Row(
    title="The line",
    panels=(
        Panel(
            title="Decisions a second",
            about="By outcome. deferred: the gateway could not decide (database away, disk or memory full)"
            " and asked the tool to try again.",
            queries=(
                ask(
                    f"sum by (outcome) (rate(galateo_messages_total{CHOSEN}[$__rate_interval]))",
                    "{{outcome}}",
                ),
            ),
            unit="cps",
            link="galateo-compliance",
            kind="bars",
        ),
        Panel(
            title="Time to the reply",
            about="From the last byte of a submission to its durable answer.",
            queries=quantiles("galateo_accept_seconds", 0.5, 0.95, 0.99),
            unit="s",
            link="runbook:slow-answers",
            steps=((0, GREEN), (0.25, YELLOW), (1, RED)),
        ),
        Panel(
            title="Time to decide",
            about="The policies alone, for one recipient.",
            queries=quantiles("galateo_decision_seconds", 0.5, 0.99),
            unit="s",
            link="galateo-policies",
            steps=((0, GREEN), (0.001, YELLOW), (0.01, RED)),
        ),
        Panel(
            title="Deferred",
            about="Share of messages that the gateway had to put off by its own fault.",
            queries=(
                ask(
                    '(sum(rate(galateo_messages_total{outcome="deferred"}[$__rate_interval])) or vector(0))'
                    " / sum(rate(galateo_messages_total[$__rate_interval]))",
                    "deferred",
                ),
            ),
            unit="percentunit",
            link="runbook:deferring",
            steps=((0, GREEN), (0.001, YELLOW), (0.01, RED)),
        ),
        Panel(
            title="By source",
            about="Decisions a second of each source chosen above.",
            queries=(
                ask(
                    f"sum by (source) (rate(galateo_messages_total{CHOSEN}[$__rate_interval]))", "{{source}}"
                ),
            ),
            unit="cps",
            link="console:messages",
        ),
        Panel(
            title="By channel",
            about="Decisions a second of each channel chosen above.",
            queries=(
                ask(
                    f"sum by (channel) (rate(galateo_messages_total{CHOSEN}[$__rate_interval]))",
                    "{{channel}}",
                ),
            ),
            unit="cps",
            link="console:messages",
        ),
    ),
)

DELIVERY = Row(
    title="Delivery",
    panels=(
        Panel(
            title="Outbox",
            about="Accepted and not yet delivered.",
            queries=(ask("max(galateo_outbox_messages)", "messages"),),
            unit="short",
            link="runbook:outbox-growing",
            steps=((0, GREEN), (500, YELLOW), (5000, RED)),
        ),
        Panel(
            title="Oldest in the outbox",
            about="Recipients' servers may ask for hours of patience; days mean that a relay or an address"
            " is in"
            " trouble.",
            queries=(ask("max(galateo_oldest_outbox_seconds)", "oldest"),),
            unit="s",
            link="runbook:outbox-growing",
            steps=((0, GREEN), (3600, YELLOW), (86400, RED)),
        ),
        Panel(
            title="Relays",
            about="1 where the relay takes messages, 0 where it is given a rest after failures.",
            queries=(ask("min by (relay) (galateo_relay_up)", "{{relay}}", instant=True),),
            unit="short",
            link="runbook:relay-down",
            kind="number",
            steps=((0, RED), (1, GREEN)),
        ),
        Panel(
            title="Attempts by relay and result",
            about="delivered, deferred (to be tried again) and failed for good.",
            queries=(
                ask(
                    "sum by (relay, result) (rate(galateo_deliveries_total[$__rate_interval]))",
                    "{{relay}} {{result}}",
                ),
            ),
            unit="cps",
            link="runbook:deliveries-failing",
            kind="bars",
        ),
        Panel(
            title="Time of an attempt",
            about="From taking a message up to the relay's answer.",
            queries=quantiles("galateo_delivery_seconds", 0.5, 0.95, 0.99),
            unit="s",
            link="runbook:relay-down",
            steps=((0, GREEN), (5, YELLOW), (30, RED)),
        ),
        Panel(
            title="Bounces",
            about="hard: the address does not exist, and is suppressed. soft: a passing trouble.",
            queries=(ask("sum by (kind) (increase(galateo_bounces_total[$__rate_interval]))", "{{kind}}"),),
            unit="short",
            link="console:people",
            kind="bars",
        ),
    ),
)

DATABASE = Row(
    title="Database",
    panels=(
        Panel(
            title="Database answers",
            about="1 while it does. Where it does not, tools are asked to try again, and nothing is lost.",
            queries=(ask("min by (instance) (galateo_database_up)", "{{instance}}"),),
            unit="short",
            link="runbook:database-down",
            width=6,
            steps=((0, RED), (1, GREEN)),
            most=1,
        ),
        Panel(
            title="Time of a commit",
            about="One durable commit of a batch of messages.",
            queries=quantiles("galateo_commit_seconds", 0.5, 0.99),
            unit="s",
            link="runbook:slow-answers",
            width=6,
            steps=((0, GREEN), (0.05, YELLOW), (0.5, RED)),
        ),
        Panel(
            title="Messages per commit",
            about="Under load messages share a commit; one per commit is a quiet day.",
            queries=(
                ask(
                    "sum(rate(galateo_batch_messages_sum[$__rate_interval]))"
                    " / sum(rate(galateo_batch_messages_count[$__rate_interval]))",
                    "average",
                ),
                *quantiles("galateo_batch_messages", 0.95),
            ),
            unit="short",
            link="runbook:slow-answers",
            width=6,
        ),
        Panel(
            title="Free on the database's disk",
            about="Of the embedded SQLite database. PostgreSQL has exporters of its own.",
            queries=(
                ask(
                    'min by (instance) (galateo_disk_bytes{part="free"} / ignoring(part)'
                    ' galateo_disk_bytes{part="size"})',
                    "{{instance}}",
                ),
            ),
            unit="percentunit",
            link="runbook:disk-filling",
            width=6,
            steps=((0, RED), (0.1, YELLOW), (0.25, GREEN)),
            most=1,
        ),
        Panel(
            title="Size of the database",
            about="The embedded SQLite database with its write-ahead log.",
            queries=(ask('max by (instance) (galateo_disk_bytes{part="used"})', "{{instance}}"),),
            unit="bytes",
            link="runbook:disk-filling",
            width=6,
        ),
    ),
)

PROCESSES = Row(
    title="Processes",
    panels=(
        Panel(
            title="Gateways",
            about="Running replicas and their version.",
            queries=(ask("count by (version) (galateo_build_info)", "{{version}}", instant=True),),
            unit="short",
            link="runbook:gateway-down",
            kind="number",
            width=6,
            steps=((0, RED), (1, GREEN)),
        ),
        Panel(
            title="CPU",
            about="Cores used by each process, of serve --workers by all together. An event loop uses one at"
            " most: near 1 for each, add replicas.",
            queries=(
                ask(
                    "rate(process_cpu_seconds_total[$__rate_interval])"
                    " * on (instance, job) group_left () galateo_build_info",
                    "{{instance}}",
                ),
            ),
            unit="short",
            link="runbook:slow-answers",
            width=6,
            steps=((0, GREEN), (0.7, YELLOW), (0.95, RED)),
        ),
        Panel(
            title="Memory",
            about="Resident memory of each process, of serve --workers of all together.",
            queries=(
                ask(
                    "process_resident_memory_bytes * on (instance, job) group_left () galateo_build_info",
                    "{{instance}}",
                ),
            ),
            unit="bytes",
            link="runbook:gateway-down",
            width=6,
            steps=((0, GREEN), (700_000_000, YELLOW), (1_000_000_000, RED)),
        ),
        Panel(
            title="Certificate",
            about="Time until the certificate of the mail listeners expires.",
            queries=(ask("min(galateo_certificate_expiry_timestamp_seconds > 0) - time()", instant=True),),
            unit="s",
            link="runbook:certificate-expiring",
            kind="number",
            width=6,
            steps=((0, RED), (3 * 86400, YELLOW), (14 * 86400, GREEN)),
        ),
    ),
)

BOARD = Board(
    uid="galateo-operations",
    title="Galateo: Operations",
    about="Throughput, latency, outbox, relays, database and processes.",
    rows=(LINE, DELIVERY, DATABASE, PROCESSES),
    since="now-6h",
)
