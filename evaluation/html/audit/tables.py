"""Tables of an audit: attacks, risks, disclosure, copies, files, hashes; as HTML."""

from __future__ import annotations

from html import escape
from typing import TYPE_CHECKING, Any

from cohortsmith.evaluation.core import title_of
from cohortsmith.evaluation.html import number
from cohortsmith.evaluation.html.audit.wording import ATTACKERS
from cohortsmith.evaluation.privacy import NAMES, SMOKE

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from cohortsmith.evaluation.core import Estimate, Interval
    from cohortsmith.evaluation.privacy import Audit


def power(audit: Audit) -> str:
    """How many were attacked in each group, and the smallest leak that so many would have shown."""
    groups = list(dict.fromkeys(attack.group for attack in audit.found.attacks))
    rows = []
    for group in groups:
        attack = next(a for a in audit.found.attacks if a.group == group)
        leak = audit.power(group)
        cells = [f"{attack.n_members:,}", f"{attack.n_non_members:,}"]
        cells += [number(leak.auc) if leak else "–", _percent(leak.tpr) if leak else "–"]
        rows.append([group, *cells])
    rows += [[group, f"not attacked: {reason}"] for group, reason in audit.found.left_out.items()]
    note = (
        "How hard it was tried: a leak of this size or more would have been told from none in 80 of 100 audits with so "
        "many patients; a smaller one may be there unseen."
    )
    heads = ["Group", "Training patients|attacked", "Others|attacked", "Smallest AUC|it would show"]
    return f'<p class="note">{note}</p>' + table([*heads, "Smallest share found|at 1 % accused"], rows)


def attacks(audit: Audit) -> str:
    """Every attack: AUC, control, share found at 1 % and 0.1 %, F1 over the naive guess; the worst of all marked."""
    worst = max(audit.found.attacks, key=lambda attack: attack.auc.value)
    rows = []
    for attack in audit.found.attacks:
        name = f"{NAMES.get(attack.name, attack.name)}" + (
            f" <small>{escape(attack.space)}</small>" if attack.space else ""
        )
        cells = [_interval(attack.auc), _interval(attack.control) if attack.control else "–"]
        cells += [_interval(attack.tpr[rate]) if rate in attack.tpr else "–" for rate in (0.01, 0.001)]
        cells.append(_interval(attack.f1_gain))
        mark = ' style="font-weight: 650"' if attack is worst else ""
        rows.append(f"<tr{mark}><td>{name}</td><td>{attack.group}</td>{_numbers(cells)}</tr>")
    heads = "<th>Attack</th><th>On</th>" + "".join(
        f'<th class="n">{head}</th>'
        for head in (
            "AUC",
            "Control: AUC of real<br>patients in its place",
            "Found at 1 %<br>false accusations",
            "Found at 0.1 %",
            "F1 over the<br>naive guess",
        )
    )
    told = (
        "Each with its 95 % interval; the worst is bold. A dash: too few patients for that rate. F1 over the naive "
        "guess: how much of the way from calling everybody a member to being right about everybody the attacker comes."
    )
    return (
        f"<details><summary>All {len(rows)} attacks as a table</summary><p>{told}</p>"
        f'<div class="scroll"><table class="narrow" style="color: var(--ink)"><thead><tr>{heads}</tr></thead>'
        f"<tbody>{''.join(rows)}</tbody></table></div></details>"
    )


def attackers(audit: Audit) -> str:
    """What each attacker does."""
    names = dict.fromkeys(attack.name for attack in audit.found.attacks)
    items = "".join(f"<dt>{NAMES.get(n, n)}</dt><dd>{ATTACKERS[n].capitalize()}.</dd>" for n in names if n in ATTACKERS)
    return f'<details><summary>What each attacker does</summary><dl class="words">{items}</dl></details>'


def risks(audit: Audit) -> str:
    """The three risks: attack, control, naive guess, and what was attacked."""
    rows = []
    for risk in audit.found.risks.values():
        name = f"<b>{risk.name.replace('_', ' ').capitalize()}</b><br><small>{escape(risk.how)}</small>"
        state, _, why = risk.status.partition(": ")
        if state == "not evaluable":
            rows.append(f'<tr class="off"><td>{name}</td><td colspan="5">Not evaluable: {escape(why)}</td></tr>')
            continue
        low = f"{number(risk.value)}<br><small>{number(risk.low)} to {number(risk.high)}</small>"
        cells = [_interval(risk.attack), _interval(risk.control), _interval(risk.naive), f"<b>{low}</b>"]
        sizes = f"{risk.n[0]:,} / {risk.n[1]:,}"
        weak = f"<br><small>{escape(why[:1].upper() + why[1:])}</small>" if why else ""
        rows.append(f"<tr><td>{name}{weak}</td>{_numbers([*cells, sizes])}</tr>")
    heads = [
        "Attack on<br>train",
        "Control: on<br>unseen patients",
        "Naive guess",
        "Risk",
        "Attacked<br>train / unseen",
    ]
    columns = "<th>Risk</th>" + "".join(f'<th class="n">{head}</th>' for head in heads)
    return f'<div class="scroll"><table><thead><tr>{columns}</tr></thead><tbody>{"".join(rows)}</tbody></table></div>'


def disclosures(audit: Audit) -> str:
    """Attribute disclosure: what is known, what is inferred, and the gain over people that the generator never saw."""
    if not audit.found.disclosures:
        reason = audit.reasons.get("disclosure", "")
        return f'<p class="callout">Not evaluable: {escape(reason)}.</p>' if reason else ""
    rows = []
    for each in audit.found.disclosures:
        name = f"<b>{escape(each.name)}</b><br><small>Knows {escape(each.knows)}; infers {escape(each.infers)}. "
        name += f"Scored: {escape(each.score)}.</small>"
        cells = [_interval(each.train), _interval(each.holdout), _interval(each.gain), _interval(each.control)]
        rows.append(f"<tr><td>{name}</td>{_numbers([*cells, number(each.baseline)])}</tr>")
    heads = [
        "On train",
        "On unseen<br>patients",
        "Gain: what it tells<br>of its own patients",
        "The same gain<br>through unseen ones",
    ]
    columns = "<th>Attack</th>" + "".join(f'<th class="n">{head}</th>' for head in [*heads, "Guess"])
    return f'<div class="scroll"><table><thead><tr>{columns}</tr></thead><tbody>{"".join(rows)}</tbody></table></div>'


def figures(audit: Audit) -> str:
    """Copies, near copies and variant sets."""
    if not audit.found.figures:
        reason = audit.reasons.get("copies", "")
        return f'<p class="callout">Not evaluable: {escape(reason)}.</p>' if reason else ""
    return _estimates([e for e in audit.found.figures if e.name not in SMOKE])


def smoke_tests(audit: Audit) -> str:
    """Nearest-record distances."""
    told = (
        "Nearest-record distances: smoke tests, and no more. A bad one is a warning; a good one says little about "
        "privacy, and no criterion rests on it."
    )
    found = [e for e in audit.found.figures if e.name in SMOKE]
    return f'<h3>Smoke tests</h3><p class="note">{told}</p>{_estimates(found)}' if found else ""


def pair_counts(audit: Audit) -> str:
    """Of images: how many are nearer to a training image than new real ones are."""
    where = {"pixel": "in pixels, however turned", "embedding": "as a fixed network sees them"}
    rows = [
        [where[p.space], f"{p.suspicious:,} of {p.n:,}", f"{p.expected:.1f}", f"{p.n_holdout:,}"]
        for p in audit.found.pairs
    ]
    heads = ["Nearest pairs of images", "Suspicious", "Expected by chance", "New real images|beside them"]
    return table(heads, rows) if rows else ""


def artefacts(audit: Audit) -> str:
    """What a scan of the files found."""
    if audit.artefacts is None:
        return '<p class="note">No files were looked through: the cohorts came from memory.</p>'
    if not audit.artefacts:
        return (
            "<p>Model and samples were looked through for training records, values that one patient alone has, "
            "identifiers and free text: nothing was found.</p>"
        )
    rows = [[one.severity, one.what, one.where] for one in audit.artefacts]
    return table(["Weight", "What", "Where"], rows, numbers=False)


def stamped(stamp: Mapping[str, Any]) -> str:
    """Program, version, seed and SHA-256 of data, model and samples."""
    if not stamp:
        return ""
    rows = [[key, str(stamp[key])] for key in ("program", "version", "seed") if key in stamp]
    for part, files in stamp.get("sha256", {}).items():
        rows += [[f"{part}: {name}", digest] for name, digest in files.items()]
    return table(["What", "SHA-256 or value"], rows, numbers=False)


def _estimates(estimates: Sequence[Estimate]) -> str:
    rows = []
    for e in estimates:
        name = f"<b>{escape(title_of(e.name))}</b><br><small>{escape(e.explanation)}</small>"
        if e.value is None:
            reason = escape(e.status.removeprefix("not evaluable: "))
            rows.append(f'<tr class="off"><td>{name}</td><td colspan="3">Not evaluable: {reason}</td></tr>')
            continue
        ends = "" if e.low is None or e.high is None else f"<br><small>{number(e.low)} to {number(e.high)}</small>"
        cells = [f"{number(e.value)}{ends}", number(e.reference), number(e.chance)]
        rows.append(f"<tr><td>{name}</td>{_numbers(cells)}</tr>")
    heads = "<th>Figure</th>" + "".join(f'<th class="n">{h}</th>' for h in ("Value", "Unseen<br>patients", "Chance"))
    return f'<div class="scroll"><table><thead><tr>{heads}</tr></thead><tbody>{"".join(rows)}</tbody></table></div>'


def table(heads: Sequence[str], rows: Sequence[Sequence[str]], *, numbers: bool = True) -> str:
    """Table of plain texts; a "|" in a head breaks its line, and a short row spans the rest."""
    style = ' class="n"' if numbers else ""
    columns = "".join(
        f"<th{style if i else ''}>{escape(head).replace('|', '<br>')}</th>" for i, head in enumerate(heads)
    )
    body = []
    for row in rows:
        last = f' colspan="{len(heads) - len(row) + 1}"' if len(row) < len(heads) else ""
        cells = [f"<td>{escape(row[0])}</td>"]
        if last:
            cells += [f'<td class="off"{last}>{escape(row[-1])}</td>']
        else:
            cells += [f'<td{style} style="overflow-wrap: anywhere">{escape(cell)}</td>' for cell in row[1:]]
        body.append(f"<tr>{''.join(cells)}</tr>")
    return (
        f'<div class="scroll"><table class="narrow"><thead><tr>{columns}</tr></thead><tbody>{"".join(body)}</tbody>'
        "</table></div>"
    )


def _numbers(cells: Sequence[str]) -> str:
    return "".join(f'<td class="n">{cell}</td>' for cell in cells)


def _interval(found: Interval) -> str:
    return f"{number(found.value)}<br><small>{number(found.low)} to {number(found.high)}</small>"


def _percent(share: float | None) -> str:
    return "–" if share is None else f"{share:.1%}"
