"""Small charts as SVG, drawn at the server: four weeks of bars, and today. Pure."""

from collections.abc import Sequence
from dataclasses import dataclass

from markupsafe import Markup

WIDTH, HEIGHT, GAP = 280, 64, 2
EARLY = 0.25
"""The share of a day before which nothing is said of it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Figure:
    """One figure over the last days, the oldest first and today last. `format` is number, decimal, percent
    or hours; `good` says which way is better: up, down, or "" for neither. `elapsed` is the share of today
    that is over: counts are compared with as much of a usual day. Without
    `known` today says nothing yet; `weights` say how much each day counts in what is usual."""

    key: str
    values: Sequence[float]
    format: str = "number"
    good: str = ""
    limit: float = 0.0
    elapsed: float = 1.0
    known: bool = True
    weights: Sequence[float] = ()

    @property
    def today(self) -> float:
        """Today so far."""
        return self.values[-1] if self.values else 0.0

    @property
    def usual(self) -> float:
        """The mean of the days before today on which anything happened, as they weigh."""
        if self.weights:
            whole = sum(self.weights[:-1])
            pairs = zip(self.values[:-1], self.weights, strict=False)
            return sum(value * weight for value, weight in pairs) / whole if whole else 0.0
        before = [value for value in self.values[:-1] if value]
        return sum(before) / len(before) if before else 0.0

    @property
    def trend(self) -> str:
        """better, worse or even, against the usual; a tenth either way is even."""
        usual = self.usual * self.elapsed if self.format == "number" else self.usual
        early = self.elapsed < EARLY or not self.known or (self.format != "number" and not self.today)
        if not self.good or not usual or early or abs(self.today - usual) <= usual / 10:
            return "even"
        return "better" if (self.today > usual) == (self.good == "up") else "worse"


def bars(figure: Figure, title: str) -> Markup:
    """The figure's bars, with a line for the usual and one for the limit where there is one."""
    values = list(figure.values) or [0.0]
    top = max([*values, figure.limit, figure.usual]) or 1.0
    step = WIDTH / len(values)
    parts = [
        Markup('<rect x="{:.1f}" y="{:.1f}" width="{:.1f}" height="{:.1f}" rx="1" class="{}"/>').format(
            n * step,
            HEIGHT - _height(value, top),
            step - GAP,
            _height(value, top),
            "bar-today" if n == len(values) - 1 else "bar-past",
        )
        for n, value in enumerate(values)
    ]
    lines = ((figure.usual, "usual"), (figure.limit, "limit"))
    parts += [_line(value, top, name) for value, name in lines if value]
    return Markup(
        '<svg class="chart" viewBox="0 0 {} {}" preserveAspectRatio="none" role="img"'
        ' aria-label="{}">{}</svg>'
    ).format(WIDTH, HEIGHT, title, Markup("").join(parts))


def _height(value: float, top: float) -> float:
    return max(1.0 if value else 0.5, value / top * (HEIGHT - 4))


def _line(value: float, top: float, name: str) -> Markup:
    y = HEIGHT - _height(value, top)
    return Markup('<line x1="0" x2="{}" y1="{:.1f}" y2="{:.1f}" class="line-{}"/>').format(WIDTH, y, y, name)
