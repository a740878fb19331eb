"""A held message's HTML as its recipient would see it, with everything taken out that could act or call home.

Three walls: nh3 keeps only listed tags, attributes and style properties; the frame is sandboxed without any
permission; and its own Content-Security-Policy lets nothing be loaded from anywhere.
"""

import re

import nh3
from aiohttp import web

LONGEST = 300_000
"""Characters of HTML that are shown."""

CSP = (
    "sandbox; default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none';"
    " frame-ancestors 'self'"
)
HEADERS = {
    "Content-Security-Policy": CSP,
    "X-Frame-Options": "SAMEORIGIN",
    "X-Robots-Tag": "noindex, nofollow",
}

TAGS = frozenset(
    "a abbr address article b bdi big blockquote br caption center cite code col colgroup dd del"
    " details dfn div dl dt em figcaption figure font footer h1 h2 h3 h4 h5 h6 header hr i img ins kbd"
    " li main mark ol p pre q s samp section small span strike strong sub summary sup table tbody td"
    " tfoot th thead tr tt u ul var".split()
)
GONE = frozenset("script style title template noscript iframe object svg math".split())
"""Tags that go with all that is in them."""

_SIZES = {"width", "height", "align", "valign", "bgcolor"}
ATTRIBUTES = {
    "*": {"style", "dir", "lang", "align"},
    "img": {"alt", "width", "height"},
    "table": {"width", "border", "cellpadding", "cellspacing", "bgcolor", "align"},
    "td": _SIZES | {"colspan", "rowspan"},
    "th": _SIZES | {"colspan", "rowspan"},
    "tr": _SIZES,
    "font": {"color", "size"},
    "ol": {"start", "type"},
}
STYLES = frozenset(
    "background-color border border-bottom border-color border-collapse border-left border-radius"
    " border-right border-spacing border-style border-top border-width color display font font-family"
    " font-size font-style font-weight height letter-spacing line-height list-style-type margin"
    " margin-bottom margin-left margin-right margin-top max-width min-height min-width padding padding-bottom"
    " padding-left padding-right padding-top text-align text-decoration text-indent text-transform"
    " vertical-align white-space width word-break word-wrap".split()
)
_CALLS = re.compile(r"url|image|expression|import|@|\\|attr|var\s*\(|src\s*\(", re.IGNORECASE)
_SPAN = re.compile(r"[0-9]{1,3}\Z")

_FRAME = """<!doctype html><html><head><meta charset="utf-8"><title>-</title><style>
html{{background:#fff;color:#1a1a1a;font:15px/1.5 system-ui,sans-serif;overflow-wrap:anywhere}}
body{{margin:12px;max-width:100%}} table{{max-width:100%}}
img{{display:inline-block;min-width:3em;min-height:1.4em;max-width:100%;border:1px dashed #8a8a8a;color:#555;
font-size:12px;padding:2px 4px;box-sizing:border-box;background:#f4f4f4}}
a{{color:#0b57d0;text-decoration:underline}} pre{{white-space:pre-wrap;font:inherit}}
</style></head><body>{body}</body></html>"""


def sanitize(html: str) -> str:
    """HTML that can only be looked at: no script, link, form, picture, style sheet or address left."""
    return nh3.clean(
        html[:LONGEST],
        tags=set(TAGS),
        clean_content_tags=set(GONE),
        attributes={tag: set(names) for tag, names in ATTRIBUTES.items()},
        attribute_filter=_filter,
        filter_style_properties=set(STYLES),
        strip_comments=True,
        link_rel=None,
        url_schemes=set(),
    )


def _filter(tag: str, attribute: str, value: str) -> str | None:
    """An attribute's value, or None to drop it."""
    if attribute == "style":
        return None if _CALLS.search(value) or len(value) > 2_000 else value
    if attribute in ("colspan", "rowspan"):
        return value if _SPAN.match(value.strip()) else None
    return value[:200]


def show(html: str, text: str) -> web.Response:
    """The page of the frame: the HTML, or the text where there is none."""
    body = sanitize(html) if html.strip() else f"<pre>{nh3.clean_text(text[:LONGEST])}</pre>"
    return web.Response(text=_FRAME.format(body=body), content_type="text/html", headers=HEADERS)
