"""The single file around a report: style, script, Plotly, and a policy that forbids the page any network."""

from __future__ import annotations

import base64
import hashlib
import html
import json
from functools import cache
from typing import TYPE_CHECKING, Any

from cohortsmith.evaluation.plots import variables

if TYPE_CHECKING:
    from collections.abc import Sequence

    from cohortsmith.evaluation.plots import Gallery, Panel, Theme

Section = tuple[str, str, str]
"""A section of the report: its key in addresses, its heading as HTML, its content as HTML."""

_STYLE = """
* { box-sizing: border-box; }
html { -webkit-text-size-adjust: 100%; }
body { margin: 0; background: var(--paper); color: var(--ink);
  font: 15px/1.5 system-ui, -apple-system, "Segoe UI", Roboto, "Noto Sans", "DejaVu Sans", sans-serif; }
main { max-width: 1180px; margin: 0 auto; padding: 40px 28px 64px; }
header { border-bottom: 1px solid var(--line); padding-bottom: 20px; }
h1 { font-size: 28px; line-height: 1.2; font-weight: 650; margin: 0 0 4px; letter-spacing: -0.01em;
  overflow-wrap: anywhere; }
h2 { font-size: 19px; font-weight: 650; margin: 52px 0 4px; letter-spacing: -0.005em; }
h3 { font-size: 15px; font-weight: 650; margin: 28px 0 8px; }
p { margin: 4px 0 12px; max-width: 78ch; }
a { color: var(--accent); }
.lead, .note, figcaption span, small { color: var(--muted); }
.lead { margin: 0; }
.facts { display: flex; flex-wrap: wrap; gap: 6px 28px; margin: 18px 0 0; }
.facts div { min-width: 0; }
.facts dt { font-size: 12px; color: var(--muted); }
.facts dd { margin: 0; font-variant-numeric: tabular-nums; overflow-wrap: anywhere; }
nav { display: flex; flex-wrap: wrap; gap: 4px 20px; margin: 14px 0 0; font-size: 14px; }
nav a { text-decoration: none; } nav a:hover { text-decoration: underline; }
.verdicts { display: grid; grid-template-columns: repeat(3, minmax(0, 1fr)); gap: 16px; margin: 24px 0 12px; }
.verdict { background: var(--card); border: 1px solid var(--line); border-top: 4px solid var(--tone);
  border-radius: 8px; padding: 14px 18px 16px; }
.verdict .kind { font-size: 12px; color: var(--muted); letter-spacing: .06em; text-transform: uppercase; }
.verdict strong { display: block; font-size: 18px; line-height: 1.3; margin: 2px 0 6px; color: var(--tone); }
.verdict p { margin: 0 0 8px; } .verdict p:last-child { margin: 0; font-size: 13.5px; color: var(--muted); }
.r-real { --tone: var(--good); } .r-close { --tone: var(--good); } .r-partway { --tone: var(--mid); }
.verdict.privacy.r-close, td.privacy.r-close { --tone: var(--mid); } .verdict.privacy.r-partway { --tone: var(--poor); }
.r-far { --tone: var(--bad); } .r-none { --tone: var(--muted); }
details { margin: 6px 0 0; color: var(--muted); font-size: 14px; } summary { cursor: pointer; }
details p { margin: 6px 0; }
.callout { border-left: 3px solid var(--mid); padding: 2px 0 2px 14px; margin: 14px 0; }
.scroll { overflow-x: auto; }
table { border-collapse: collapse; width: 100%; font-size: 14px; }
th, td { text-align: left; vertical-align: top; padding: 10px 12px 10px 0; border-bottom: 1px solid var(--line); }
thead th { font-size: 12px; font-weight: 500; color: var(--muted); vertical-align: bottom; padding-bottom: 6px;
  border-bottom-color: var(--muted); }
td.n, th.n { text-align: right; font-variant-numeric: tabular-nums; white-space: nowrap; }
.narrow { width: auto; min-width: min(100%, 420px); } .narrow .n { padding-left: 22px; }
.narrow td { padding-top: 5px; padding-bottom: 5px; }
.score { table-layout: fixed; } .score col.name { width: 38%; } .score col.value { width: 12%; }
.score col.bar { width: 19%; } .score col.side { width: 9%; } .score col.reading { width: 12%; }
.score th.bar, .score td.bar { padding-left: 14px; padding-right: 20px; }
.score tr > :last-child { padding-left: 14px; padding-right: 0; }
.score .name b { font-weight: 600; overflow-wrap: anywhere; } .score .name p { margin: 1px 0 0; font-size: 13px; }
.score .name small { font-size: 12px; }
.score td.n b { font-weight: 650; font-size: 15px; } .score td.n small { display: block; font-size: 12px; }
.off, .off b { color: var(--muted); opacity: .85; }
.ends { display: flex; justify-content: space-between; padding: 0 14% 0 8%; }
.track { display: block; width: 100%; height: 26px; overflow: visible; }
.track.share { width: 150px; height: 20px; margin-left: 28px; --tone: var(--synthetic); }
.track .rail { stroke: var(--line); stroke-width: 2; }
.track .chance { stroke: var(--chance); stroke-width: 2; stroke-dasharray: 3 2.5; }
.track .real { stroke: var(--ink); stroke-width: 2; }
.track .span { stroke: var(--tone); stroke-width: 7; opacity: .32; }
.track .dot { fill: var(--tone); } .track .beyond { fill: none; stroke: var(--tone); stroke-width: 2; }
.badge { color: var(--tone); font-weight: 600; white-space: nowrap; font-size: 13px; }
.badge::before { content: ""; display: inline-block; vertical-align: middle; width: 9px; height: 9px;
  margin: -2px 6px 0 0; border-radius: 50%;
  border: 2px solid var(--tone); background: var(--fill, transparent); }
.r-real .badge { --fill: var(--tone); }
.r-close .badge { --fill: linear-gradient(90deg, var(--tone) 60%, transparent 60%); }
.r-partway .badge { --fill: linear-gradient(90deg, var(--tone) 35%, transparent 35%); }
.legend { display: flex; flex-wrap: wrap; gap: 4px 8px; margin: 6px 0 10px; }
.legend button { font: inherit; font-size: 13px; color: inherit; background: none; border: 1px solid transparent;
  border-radius: 6px; padding: 2px 8px 2px 6px; cursor: pointer; max-width: 100%; overflow-wrap: anywhere; }
.legend button:hover, .legend button:focus-visible { border-color: var(--line); }
.legend button[aria-pressed=false] { opacity: .4; text-decoration: line-through; }
.legend i { font-style: normal; margin-right: 6px; }
.key { display: flex; flex-wrap: wrap; gap: 4px 24px; font-size: 13px; color: var(--muted); margin: 6px 0 4px; }
.key svg { width: 26px; height: 14px; vertical-align: -2px; margin-right: 6px; overflow: visible; }
.panels { display: grid; grid-template-columns: repeat(6, minmax(0, 1fr)); gap: 16px; }
figure { margin: 0; background: var(--card); border: 1px solid var(--line); border-radius: 8px; padding: 12px 14px 10px;
  min-width: 0; display: flex; flex-direction: column; }
.w2 { grid-column: span 2; } .w3 { grid-column: span 3; } .w6 { grid-column: span 6; }
figcaption b { display: block; font-weight: 600; overflow-wrap: anywhere; }
figcaption span { display: block; font-size: 13px; line-height: 1.4; }
.plot { width: 100%; margin-top: auto; }
.ramp { display: flex; align-items: center; gap: 10px; font-size: 12px; color: var(--muted); margin-top: 10px; }
.ramp i { width: 220px; max-width: 40%; height: 10px; border-radius: 3px;
  background: linear-gradient(90deg, var(--low), var(--card) 50%, var(--high)); border: 1px solid var(--line); }
svg.bases { display: block; font-size: 11.5px; fill: var(--ink); margin-top: 6px; }
svg.bases text { font-variant-numeric: tabular-nums; }
svg.bases .letter, .codes i { font-family: ui-monospace, "SF Mono", Menlo, Consolas, "DejaVu Sans Mono", monospace; }
svg.bases .letter, svg.bases .ruler, svg.bases .amino, svg.bases .share { text-anchor: middle; }
svg.bases .other { fill: #14171c; font-weight: 700; } svg.bases .same { fill: var(--muted); opacity: .7; }
svg.bases .side { text-anchor: end; fill: var(--muted); } svg.bases .strong { fill: var(--ink); font-weight: 600; }
svg.bases .heading { font-size: 13px; font-weight: 600; } svg.bases .amino { font-weight: 600; }
svg.bases .ruler, svg.bases .remark { fill: var(--muted); } svg.bases .share { font-size: 10.5px; }
svg.bases .codon { fill: var(--soft); } svg.bases .tick { stroke: var(--muted); stroke-width: 1; }
svg.bases .rule { stroke: var(--line); stroke-width: 1; }
rect.base.a { fill: #009e73; } rect.base.t { fill: #e0662d; } rect.base.c { fill: #56b4e9; }
rect.base.g { fill: #e69f00; } rect.base.gap { fill: var(--muted); }
.codes i { font-style: normal; font-weight: 700; color: #14171c; border-radius: 2px; padding: 0 4px;
  margin-right: 5px; }
.codes .a { background: #009e73; } .codes .t { background: #e0662d; } .codes .c { background: #56b4e9; }
.codes .g { background: #e69f00; } .codes .gap { background: var(--muted); } .codes span { color: var(--muted); }
.px { display: block; width: 56px; height: 56px; image-rendering: pixelated; border-radius: 3px; }
.px.empty { display: grid; place-items: center; color: var(--muted); background: var(--soft); font-size: 12px; }
.tiles { display: flex; flex-wrap: wrap; gap: 4px; } .tiles + small { display: block; margin-top: 8px; }
.images { display: grid; grid-template-columns: 168px minmax(0, 1fr); }
.images > div { padding: 10px 0; border-top: 1px solid var(--line); }
.images > .who { padding-right: 12px; } .who b { font-weight: 600; overflow-wrap: anywhere; }
.who small { display: block; } p.none { color: var(--muted); margin: 0; }
.cards { display: grid; grid-template-columns: repeat(auto-fill, minmax(min(100%, 240px), 1fr)); gap: 12px; }
.cards.wide { grid-template-columns: repeat(auto-fill, minmax(min(100%, 320px), 1fr)); }
.card { background: var(--card); border: 1px solid var(--line); border-radius: 8px; padding: 10px 14px 12px; }
.trio { display: flex; gap: 12px; margin-top: 6px; } .trio > div, .trio .px { width: 72px; }
.trio .px { height: 72px; } .trio small { font-size: 12px; }
.trio.large { justify-content: space-between; } .trio.large > div, .trio.large .px { width: 84px; }
.trio.large .px { height: 84px; } .trio .px { margin-bottom: 3px; }
.trio small { display: block; line-height: 1.4; overflow-wrap: anywhere; } .card small b { color: var(--ink); }
b.low { color: var(--low); } b.high { color: var(--high); }
.beside { width: auto; } .beside th, .beside td { padding: 8px 18px 8px 0; } .beside .px { width: 42px; height: 42px; }
.beside .tiles, .beside p { width: 134px; } .beside tbody th { font-weight: 600; position: sticky; left: 0;
  background: var(--paper); max-width: 180px; overflow-wrap: break-word; } .beside p { font-size: 13px; }
.callout.house { border-left-color: var(--bad); }
.grid th, .grid td { padding-left: 10px; padding-right: 10px; text-align: right; }
.grid td.cell { background: color-mix(in srgb, var(--tone) var(--tint, 9%), transparent); border-left: 2px solid
  var(--paper); } .grid .r-real { --tint: 17%; } .grid .r-far { --tint: 14%; }
.grid th:first-child, .grid td:first-child { position: sticky; left: 0; background: var(--paper); min-width: 150px;
  text-align: left; padding-left: 0; }
.grid thead th { white-space: normal; }
.grid .group td { border-bottom-color: var(--muted); font-weight: 650; padding-top: 22px; }
.grid small { display: block; font-size: 12px; }
.grid b.best { text-decoration: underline; text-underline-offset: 3px; }
.swatch { display: inline-block; width: 1.4em; }
dl.words dt { font-weight: 600; margin-top: 10px; } dl.words dd { margin: 0; max-width: 78ch; }
footer { margin-top: 56px; border-top: 1px solid var(--line); padding-top: 14px; font-size: 13px; color: var(--muted); }
@media (max-width: 860px) {
  main { padding: 24px 16px 48px; } .verdicts { grid-template-columns: minmax(0, 1fr); }
  .images { grid-template-columns: minmax(0, 1fr); } .images > div + div:not(.who) { border: 0; padding-top: 0; }
  .panels { grid-template-columns: minmax(0, 1fr); } .w2, .w3, .w6 { grid-column: auto; }
  .score thead, .score colgroup { display: none; }
  .score, .score tbody { display: block; }
  .score tr { display: grid; grid-template-columns: 1fr 1fr 1fr; gap: 2px 12px; border-bottom: 1px solid var(--line);
    padding: 12px 0; }
  .score td, .score td.bar, .score tr > td:last-child { border: 0; padding: 0; text-align: left; }
  .score td.name, .score td.bar, .score td.why { grid-column: 1 / -1; }
  .score td.n::before { content: attr(data-label); display: block; font-size: 12px; color: var(--muted); } }
@media print { body { background: #fff; } figure, .verdict, tr { break-inside: avoid; } nav { display: none; } }
"""

# Colours named theme:* in the figures are looked up here at drawing time, so a plot follows the page's light or dark.
_SCRIPT = """
(() => {
  const dark = matchMedia("(prefers-color-scheme: dark)");
  const css = name => getComputedStyle(document.documentElement).getPropertyValue("--" + name).trim();
  const faded = colour => {
    const n = parseInt(colour.slice(1), 16);
    return `rgba(${n >> 16}, ${(n >> 8) & 255}, ${n & 255}, ${dark.matches ? 0.28 : 0.22})`;
  };
  const resolve = value => {
    if (typeof value === "string") {
      if (value === "theme:diverging") return [[0, css("low")], [0.5, css("card")], [1, css("high")]];
      if (value.startsWith("theme:")) return css(value.slice(6));
      if (value.startsWith("fill:")) return faded(resolve(value.slice(5)));
      return value;
    }
    if (Array.isArray(value)) return value.map(resolve);
    if (value && typeof value === "object")
      return Object.fromEntries(Object.entries(value).map(([key, item]) =>
        [key, key === "text" || key === "name" || key === "ticktext" || key === "legendgroup" ? item : resolve(item)]));
    return value;
  };
  const hidden = new Map();
  const draw = place => {
    const figure = JSON.parse(document.getElementById(place.dataset.figure).textContent);
    const off = hidden.get(place.dataset.gallery) || new Set();
    const data = resolve(figure.data).map(trace => off.has(trace.legendgroup) ? {...trace, visible: false} : trace);
    Plotly.react(place, data, {...resolveLayout(figure.layout), height: place.clientHeight, autosize: true},
      {displayModeBar: false, responsive: true});
  };
  const resolveLayout = layout => {
    const result = resolve(layout);
    for (const key of Object.keys(result).filter(key => /^[xy]axis/.test(key)))
      result[key].title = resolve(layout[key].title);
    (result.annotations || []).forEach((item, i) => item.font = resolve(layout.annotations[i].font));
    result.hoverlabel = {bgcolor: css("card"), bordercolor: css("line"), font: {color: css("ink"), size: 12}};
    return result;
  };
  const places = [...document.querySelectorAll(".plot")];
  const all = () => places.forEach(draw);
  document.querySelectorAll(".legend").forEach(legend => legend.addEventListener("click", event => {
    const button = event.target.closest("button");
    if (!button) return;
    const off = hidden.get(legend.dataset.gallery) || new Set();
    const name = button.dataset.name;
    off.has(name) ? off.delete(name) : off.add(name);
    hidden.set(legend.dataset.gallery, off);
    button.setAttribute("aria-pressed", String(!off.has(name)));
    places.filter(place => place.dataset.gallery === legend.dataset.gallery).forEach(draw);
  }));
  dark.addEventListener("change", all);
  all();
})();
"""


def page(title: str, body: str) -> str:
    """Whole HTML document around `body`; `title` is plain text.

    The content security policy names the two scripts by their SHA-256 and forbids everything else, so that nothing in
    the data could run or reach out even if it slipped through the escaping.
    """
    plotly = _plotly() if 'class="plot"' in body else ""
    scripts = [text for text in (plotly, _SCRIPT) if plotly and text]
    hashes = " ".join(f"'sha256-{_digest(text)}'" for text in scripts) or "'none'"
    policy = f"default-src 'none'; style-src 'unsafe-inline'; img-src data: blob:; script-src {hashes}"
    code = "".join(f"<script>{text}</script>\n" for text in scripts)
    return (
        '<!doctype html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        f'<meta http-equiv="Content-Security-Policy" content="{policy}">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        f"<title>{html.escape(title)}</title>\n<style>{variables()}{_STYLE}</style>\n</head>\n<body>\n<main>\n{body}\n</main>\n"
        f"{code}</body>\n</html>\n"
    )


# A frame of the same origin is as high as what it holds.
_FIT = """
(() => {
  const main = document.querySelector("main"), frame = window.frameElement;
  if (frame) new ResizeObserver(() => { frame.style.height = Math.ceil(main.scrollHeight + 2) + "px"; }).observe(main);
})();
"""
_BARE = """
main { max-width: none; padding: 1px 0; overflow: hidden; }
main > :first-child { margin-top: 0; } .score .badge { white-space: normal; }
"""


def fragment(body: str, theme: Theme) -> str:
    """Part of a report, without plots, as a document for a frame inside another page, which decides on the theme.

    Its policy allows one script, which makes the frame as high as its content, and no network.
    """
    policy = f"default-src 'none'; style-src 'unsafe-inline'; img-src data:; script-src 'sha256-{_digest(_FIT)}'"
    return (
        '<!doctype html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        f'<meta http-equiv="Content-Security-Policy" content="{policy}">\n'
        f"<style>{variables(theme)}{_STYLE}{_BARE}</style>\n</head>\n<body>\n<main>\n{body}\n</main>\n"
        f"<script>{_FIT}</script>\n</body>\n</html>\n"
    )


@cache
def _plotly() -> str:
    """Plotly's own script, from the installed package."""
    from plotly.offline import get_plotlyjs

    text: str = get_plotlyjs()
    return text


@cache
def _digest(text: str) -> str:
    return base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()


def gallery(name: str, pictures: Gallery) -> str:
    """HTML of a gallery: note, shared legend, panels. `name` is a plain identifier, unique on the page."""
    note = f'<p class="note">{html.escape(pictures.note)}</p>' if pictures.note else ""
    if not pictures.panels:
        return note
    figures = "\n".join(_panel(name, position, panel) for position, panel in enumerate(pictures.panels))
    ramp = '<div class="ramp">-1 <i></i> 1</div>' if pictures.ramp else ""
    return f'{note}{_legend(name, pictures.legend)}<div class="panels">\n{figures}\n</div>{ramp}'


def _legend(name: str, entries: Sequence[tuple[str, str, str]]) -> str:
    buttons = "".join(
        f'<button type="button" aria-pressed="true" data-name="{html.escape(entry)}">'
        f'<i style="color: {css_colour(colour)}">{glyph}</i>{html.escape(entry)}</button>'
        for entry, colour, glyph in entries
    )
    return f'<div class="legend" data-gallery="{name}">{buttons}</div>' if buttons else ""


def _panel(name: str, position: int, panel: Panel) -> str:
    key = f"{name}-{position}"
    caption = f"<b>{html.escape(panel.title)}</b>" + (f"<span>{html.escape(panel.note)}</span>" if panel.note else "")
    label = html.escape(f"{panel.title}. {panel.note}")
    size = f"height: {panel.height}px" + (f"; min-width: {panel.least}px" if panel.least else "")
    plot = (
        f'<div class="plot" role="img" aria-label="{label}" style="{size}" data-figure="{key}" '
        f'data-gallery="{name}"></div>'
    )
    plot = f'<div class="scroll">{plot}</div>' if panel.least else plot
    return (
        f'<figure class="w{panel.width}"><figcaption>{caption}</figcaption>{plot}'
        f'<script type="application/json" id="{key}">{_json({"data": panel.data, "layout": panel.layout})}</script>'
        "</figure>"
    )


def _json(value: Any) -> str:
    """JSON that cannot end the script element it stands in: only a "<" could begin its end, or a comment."""
    text = json.dumps(value, separators=(",", ":"), allow_nan=False, ensure_ascii=False)
    return text.replace("<", "\\u003c")


def css_colour(colour: str) -> str:
    """CSS for a colour of `panels`."""
    return f"var(--{colour.removeprefix('theme:')})" if colour.startswith("theme:") else colour
