"""Write dashboards/*.json from boards/, or with --check say which of them are not up to date."""

import json
import sys
from pathlib import Path
from typing import Any

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE))

from boards import BOARDS  # noqa: E402  # found beside this file, which is no package
from boards.panel import Board, Panel, Query  # noqa: E402
from grafana_foundation_sdk.builders import (  # noqa: E402
    bargauge,
    common,
    dashboard,
    prometheus,
    stat,
    table,
    timeseries,
)
from grafana_foundation_sdk.cog.encoder import JSONEncoder  # noqa: E402
from grafana_foundation_sdk.models import common as shapes  # noqa: E402
from grafana_foundation_sdk.models import dashboard as models  # noqa: E402

SOURCE = models.DataSourceRef(type_val="prometheus", uid="${datasource}")
# The variables of every dashboard: name, what it is called, the label it lists.
CHOICES = (("source", "Source"), ("channel", "Channel"), ("class", "Class"))
# The console's pages; the holds are its first.
CONSOLE = {
    "holds": "",
    "messages": "messages",
    "people": "people",
    "policies": "policies",
    "overview": "overview",
}
KINDS = {
    "lines": timeseries.Panel,
    "bars": timeseries.Panel,
    "number": stat.Panel,
    "ranking": bargauge.Panel,
    "table": table.Panel,
}


def draw(board: Board) -> str:
    """The dashboard's JSON."""
    grafana = (
        dashboard.Dashboard(board.title)
        .uid(board.uid)
        .description(board.about)
        .tags(["galateo"])
        .time(board.since, "now")
        .refresh("1m")
        .timezone("browser")
        .tooltip(models.DashboardCursorSync.CROSSHAIR)
        .readonly()
    )
    for variable in variables():
        grafana.with_variable(variable)
    others = dashboard.DashboardLink("Galateo").type(models.DashboardLinkType.DASHBOARDS)
    grafana.link(others.tags(["galateo"]).as_dropdown(True).include_vars(True).keep_time(True))
    number = 0
    for row in board.rows:
        number += 1
        grafana.with_row(dashboard.Row(row.title).id(number))
        for panel in row.panels:
            number += 1
            grafana.with_panel(draw_panel(panel, number))
    return json.dumps(grafana.build(), cls=JSONEncoder, indent=2, sort_keys=True, ensure_ascii=False) + "\n"


def variables() -> list[Any]:
    """Where the data are, what to look at, and where console and runbooks are found."""
    found: list[Any] = [dashboard.DatasourceVariable("datasource").label("Prometheus").type("prometheus")]
    for label, title in CHOICES:
        query = f"label_values(galateo_messages_total, {label})"
        choice = dashboard.QueryVariable(label).label(title).datasource(SOURCE).query(query)
        choice.refresh(models.VariableRefresh.ON_TIME_RANGE_CHANGED).sort(
            models.VariableSort.ALPHABETICAL_ASC
        )
        choice.multi(True).include_all(True).all_value(".*")
        found.append(choice.current(models.VariableOption(selected=True, text="All", value="$__all")))
    for name, title, place in (
        ("console", "Console", "http://127.0.0.1:8081/console"),
        ("runbooks", "Runbooks", "https://galateo.example.com/docs/runbooks"),
    ):
        found.append(dashboard.TextBoxVariable(name).label(title).default_value(place))
    return found


def draw_panel(panel: Panel, number: int) -> Any:
    """The panel, of its kind."""
    drawn: Any = KINDS[panel.kind]().id(number).title(panel.title).description(panel.about)
    drawn.datasource(SOURCE).unit(panel.unit).span(panel.width).height(8).no_value("nothing yet")
    drawn.links([link_to(panel.link)]).min(0)
    if panel.most is not None:
        drawn.max(panel.most)
    if panel.decimals is not None:
        drawn.decimals(panel.decimals)
    steps = [
        models.Threshold(value=None if first else value, color=color)  # type: ignore[arg-type]
        for first, (value, color) in ((i == 0, step) for i, step in enumerate(panel.steps))
    ]
    drawn.thresholds(dashboard.ThresholdsConfig().mode(models.ThresholdsMode.ABSOLUTE).steps(steps))
    for letter, query in zip("ABCDEF", panel.queries, strict=False):
        drawn.with_target(draw_query(panel, query, letter))
    if panel.kind in {"lines", "bars"}:
        shape_graph(panel, drawn)
    else:
        drawn.color_scheme(dashboard.FieldColor().mode(models.FieldColorModeId.THRESHOLDS))
        shape_numbers(panel, drawn)
    return drawn


def shape_graph(panel: Panel, drawn: Any) -> None:
    """Lines with their thresholds as dashes, or stacked bars; the legend below."""
    legend = common.VizLegendOptions().show_legend(True).display_mode(shapes.LegendDisplayMode.LIST)
    drawn.legend(legend.placement(shapes.LegendPlacement.BOTTOM).calcs([]))
    drawn.tooltip(common.VizTooltipOptions().mode(shapes.TooltipDisplayMode.MULTI))
    if panel.kind == "bars":
        drawn.draw_style(shapes.GraphDrawStyle.BARS).fill_opacity(70)
        drawn.stacking(common.StackingConfig().mode(shapes.StackingMode.NORMAL))
        return
    drawn.draw_style(shapes.GraphDrawStyle.LINE).fill_opacity(5)
    if len(panel.steps) > 1:
        drawn.thresholds_style(
            common.GraphThresholdsStyleConfig().mode(shapes.GraphTresholdsStyleMode.DASHED)
        )


def shape_numbers(panel: Panel, drawn: Any) -> None:
    """The last value of each series, as a number, a bar, or a row."""
    if panel.kind == "table":
        drawn.show_header(True)
        return
    drawn.reduce_options(common.ReduceDataOptions().calcs(["lastNotNull"]).values(False))
    if panel.kind == "ranking":
        drawn.orientation(shapes.VizOrientation.HORIZONTAL)


def draw_query(panel: Panel, query: Query, letter: str) -> prometheus.Dataquery:
    """The query as Grafana keeps it."""
    drawn = prometheus.Dataquery().expr(query.expr).ref_id(letter).datasource(SOURCE)
    if query.legend:
        drawn.legend_format(query.legend)
    if panel.kind == "table":
        drawn.format(prometheus_format())
    return drawn.instant() if query.instant else drawn.range()


def prometheus_format() -> Any:
    """Rows rather than a time series."""
    from grafana_foundation_sdk.models.prometheus import PromQueryFormat

    return PromQueryFormat.TABLE


def link_to(place: str) -> dashboard.DashboardLink:
    """The console's page, the runbook or the dashboard that goes with a panel."""
    kind, _, page = place.partition(":")
    if kind == "console":
        return link("In the console", "${console}/" + CONSOLE[page])
    if kind == "runbook":
        return link("Runbook", f"${{runbooks}}/{page}.md")
    return link("Dashboard", f"/d/{place}").include_vars(True).keep_time(True)


def link(title: str, url: str) -> dashboard.DashboardLink:
    """A link that opens beside the dashboard."""
    return dashboard.DashboardLink(title).type(models.DashboardLinkType.LINK).url(url).target_blank(True)


def main(arguments: list[str]) -> int:
    """Write the files, or with --check say which are not up to date."""
    stale = []
    for board in BOARDS:
        file = HERE / "dashboards" / f"{board.uid.removeprefix('galateo-')}.json"
        text = draw(board)
        if "--check" not in arguments:
            file.parent.mkdir(exist_ok=True)
            file.write_text(text, encoding="utf-8")
        elif not file.exists() or file.read_text(encoding="utf-8") != text:
            stale.append(file.name)
    if stale:
        sys.stderr.write(f"not up to date: {', '.join(stale)}; run python helm/build_dashboards.py\n")
    return 1 if stale else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
