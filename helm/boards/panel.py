"""What a panel and a dashboard consist of."""

from dataclasses import dataclass

# Selected by the variables at the top of each dashboard.
CHOSEN = '{source=~"$source", channel=~"$channel", class=~"$class"}'
ACCEPTED = '{source=~"$source", channel=~"$channel", class=~"$class", outcome="accepted"}'

GREEN, YELLOW, RED = "green", "#EAB839", "red"


@dataclass(frozen=True, slots=True, kw_only=True)
class Query:
    """A PromQL expression and the legend of its series. `instant` asks for the present value alone."""

    expr: str
    legend: str = ""
    instant: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Panel:
    """One panel. `kind`: lines, bars (stacked), number, ranking or table. `steps` are thresholds as
    (from value, color), the first one's value being ignored. `link` is a page: of the console, of the
    runbooks, or another dashboard's uid. `width` is of 24."""

    title: str
    about: str
    queries: tuple[Query, ...]
    unit: str
    link: str
    kind: str = "lines"
    width: int = 8
    steps: tuple[tuple[float, str], ...] = ((0, GREEN),)
    most: float | None = None
    decimals: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """Panels under one heading."""

    title: str
    panels: tuple[Panel, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Board:
    """One dashboard; `uid` is its address in Grafana and the name of its file."""

    uid: str
    title: str
    about: str
    rows: tuple[Row, ...]
    since: str = "now-7d"


def ask(expr: str, legend: str = "", *, instant: bool = False) -> Query:
    """A query in one line."""
    return Query(expr=expr, legend=legend, instant=instant)


def quantiles(metric: str, *shares: float) -> tuple[Query, ...]:
    """Quantiles of a histogram over the interval that a point of the graph stands for."""
    return tuple(
        ask(
            f"histogram_quantile({share}, sum by (le) (rate({metric}_bucket[$__rate_interval])))",
            f"p{share * 100:g}",
        )
        for share in shares
    )
