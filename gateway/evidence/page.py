"""An explanation as a page for people: plain HTML that needs nothing else."""

from html import escape
from typing import Any

from gateway.evidence.stretch import moment
from gateway.evidence.telling import Line, tell_known, tell_reading

HEAD = """<!doctype html>
<html lang="en"><head><meta charset="utf-8"><title>{title}</title>
<style>body{{font:16px/1.5 system-ui,sans-serif;max-width:56rem;margin:2rem auto;padding:0 1rem}}
table{{border-collapse:collapse;width:100%}}
td,th{{border:1px solid #ccc;padding:.2rem .5rem;text-align:left;vertical-align:top}}
dt{{font-weight:600}}dd{{margin:0 0 .4rem 1rem}}
.violated{{background:#fbe9e7}}</style></head><body>
"""


def page(message_id: str, explanations: list[dict[str, Any]], now: float) -> str:
    """The page of an evidence pack."""
    parts = [
        HEAD.format(title=f"Message {escape(message_id)}"),
        f"<h1>Message {escape(message_id)}</h1><p>Exported {moment(now)}.</p>",
    ]
    for one in explanations:
        parts.append(f"<h2>{escape(one['decision'])}: {escape(one['outcome'])}</h2>")
        parts.append(
            f"<p>Decided {escape(one['at'])} as {escape(one['class'])} under policy version"
            f" {escape(one['policy_version'])}, from {escape(one['source'])}.</p>"
        )
        if not one["exact"]:
            parts.append("<p>The policy texts or the facts of this decision are not kept any more.</p>")
        parts.append(_list("What was read", tell_reading(one["reading"], "en")))
        parts.append(_list("What was known", tell_known(one["facts"], "en")))
        parts.append("<table><tr><th>Policy</th><th>Rule</th><th>Answer</th><th>Why</th></tr>")
        parts.extend(_row(asked) for asked in one["rules"])
        parts.append("</table>")
    return "".join([*parts, "</body></html>\n"])


def _list(title: str, lines: list[Line]) -> str:
    if not lines:
        return ""
    said = "".join(f"<dt>{escape(label)}</dt><dd>{escape(text)}</dd>" for label, text in lines)
    return f"<h3>{escape(title)}</h3><dl>{said}</dl>"


def _row(asked: dict[str, Any]) -> str:
    said = "<br>".join(
        f"<b>{escape(v['code'])}</b>: {escape(v['reason'])} {escape(v['remedy'])}"
        for v in asked["violations"]
    )
    return (
        f"<tr class='{escape(asked['answer'])}'><td>{escape(asked['policy'])}<br><small>"
        f"{escape(asked['title'])}</small></td><td>{escape(asked['rule'])}<br><small>"
        f"{escape(asked['written'])}</small></td><td>{escape(asked['answer'])}"
        f"{' (observed)' if asked['mode'] == 'observe' else ''}</td><td>{said}</td></tr>"
    )
