"""The single file around a report: style, script, Plotly, and a policy that forbids the page any network."""

from __future__ import annotations

import base64
import hashlib
import json
import re
from functools import cache
from typing import TYPE_CHECKING, Any

from markupsafe import Markup

from cohortsmith.evaluation.core import GLOSSARY
from cohortsmith.evaluation.html.environment import ENVIRONMENT, asset, fill
from cohortsmith.evaluation.plots import variables

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from cohortsmith.evaluation.plots import Gallery, Panel, Theme

Section = tuple[str, str, Markup]
"""A section of the report: its key in addresses, its heading as plain text, its content as HTML."""

INTERNAL = "It shows images of real patients: internal use only."
"""What a page with pictures of single real patients says of itself at its end."""

_ALWAYS = ("train", "holdout", "synthetic-cohort", "real-vs-real", "chance")  # terms of every page's glossary


def page(
    title: str,
    lead: str,
    facts: Mapping[str, Any],
    opening: Markup,
    sections: Sequence[Section],
    *,
    real: str,
    terms: Sequence[str] = (),
) -> str:
    """Whole HTML document of a report; every argument but `opening` and the sections' content is plain text.

    The content security policy names the two scripts by their SHA-256 and forbids everything else, so that nothing in
    the data could run or reach out even if it slipped through the escaping.

    Args:
        title: heading.
        lead: what the page is about.
        facts: what to state at the top, by name.
        opening: what is said before the sections.
        sections: one under the other.
        real: how real patients appear on the page.
        terms: keys of `GLOSSARY` to explain besides those that the page links to.
    """
    body = fill("page.html", "content", title, lead, facts, opening, sections)
    linked = {*_ALWAYS, *terms, *re.findall(r'href="#glossary-([\w-]+)"', body)}
    body += fill("page.html", "glossary", [key for key in GLOSSARY if key in linked])
    body += fill("page.html", "footer", real)
    scripts = [_plotly(), asset("page.js")] if 'class="plot"' in body else []
    hashes = " ".join(f"'sha256-{_digest(text)}'" for text in scripts) or "'none'"
    policy = f"default-src 'none'; style-src 'unsafe-inline'; img-src data: blob:; script-src {hashes}"
    style = Markup(variables()) + asset("page.css")
    return str(fill("page.html", "document", title, Markup(policy), style, body, scripts))


def fragment(body: Markup, theme: Theme) -> str:
    """Part of a report, without plots, as a document for a frame inside another page, which decides on the theme.

    Its policy allows one script, which makes the frame as high as its content, and no network.
    """
    script = asset("frame.js")
    policy = f"default-src 'none'; style-src 'unsafe-inline'; img-src data:; script-src 'sha256-{_digest(script)}'"
    style = Markup(variables(theme)) + asset("page.css") + asset("frame.css")
    return str(fill("page.html", "document", None, Markup(policy), style, body, [script]))


@cache
def _plotly() -> Markup:
    """Plotly's own script, from the installed package."""
    from plotly.offline import get_plotlyjs

    return Markup(get_plotlyjs())


@cache
def _digest(text: str) -> str:
    return base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()


def gallery(name: str, pictures: Gallery) -> Markup:
    """HTML of a gallery: note, shared legend, panels. `name` is a plain identifier, unique on the page."""
    return fill("page.html", "gallery", name, pictures)


def _plot_json(panel: Panel) -> Markup:
    """JSON that cannot end the script element it stands in: only a "<" could begin its end, or a comment."""
    figure = {"data": panel.data, "layout": panel.layout}
    text = json.dumps(figure, separators=(",", ":"), allow_nan=False, ensure_ascii=False)
    return Markup(text.replace("<", "\\u003c"))


ENVIRONMENT.filters["plot_json"] = _plot_json
