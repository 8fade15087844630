"""The page of an audit: the decision first, then what was attacked, by which attacks, and what they found."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from markupsafe import Markup

from cohortsmith.evaluation.core import number
from cohortsmith.evaluation.html import INTERNAL, Section, fill, gallery, page
from cohortsmith.evaluation.html.audit.decision import banner, criteria, limits, rules
from cohortsmith.evaluation.html.audit.wording import KNOWS
from cohortsmith.evaluation.plots import Gallery, membership_pictures, risk_picture
from cohortsmith.evaluation.privacy import SMOKE, pictures, title_of_attack, what_it_does

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from cohortsmith.evaluation.core import Estimate
    from cohortsmith.evaluation.privacy import Audit, Step

_LEAD = (
    "A synthetic cohort under membership-inference, singling-out, linkage and attribute-inference attacks; every "
    "attack "
    "stands beside a control, the same attack where there is nothing to find."
)
_AGGREGATES = "Real patients appear in it only as shares of many of them."
_TEMPLATE = "audit.html"
UNSTATED = "not stated (differential privacy)"
_SPACES = {
    "pixel": "by pixels, turned and mirrored to fit",
    "embedding": "by features of a fixed network",
    "registered": "by pixels, registered: turned by any angle, mirrored, zoomed, shifted and recoloured to fit",
}
_TERMS = (
    "membership-inference",
    "auc",
    "tpr",
    "fpr",
    "singling-out",
    "linkability",
    "attribute-inference",
    "differential-privacy",
)


def audit_page(
    audit: Audit,
    *,
    title: str = "Privacy audit of a synthetic cohort",
    stamp: Mapping[str, Any] | None = None,
    show_patients: bool = False,
    sizes: bool = True,
    steps: Sequence[Step] = (),
) -> str:
    """Page of an audit as a single HTML file without any reference to the network.

    Args:
        audit: what to show.
        title: heading, plain text.
        stamp: program, version, seed and SHA-256 of what was audited.
        steps: what to do next.
        show_patients: of images, show the most suspicious pairs; the page then says that it is for internal use only.
        sizes: state numbers of real patients; a release under differential privacy leaves them out.
    """
    pairs = _pairs(audit) if show_patients else Markup()
    c = audit.comparison
    facts = {
        "Train": f"{len(c.train):,} samples" if sizes else UNSTATED,
        "Holdout": f"{len(c.holdout):,} samples" if sizes else UNSTATED,
        "Synthetic": f"{len(c.synthetic):,} samples",
        "Data": c.kind,
        "Policy": audit.policy.shown,
        "Seed": audit.seed,
    }
    sections: list[Section] = [
        ("criteria", "The decision, criterion by criterion", criteria(audit)),
        ("membership", "Membership inference", _membership(audit, sizes)),
        ("risks", "Singling out, linkability, inference", _risks(audit, sizes)),
        ("disclosure", "Attribute inference from half a record", _disclosures(audit)),
        ("copies", "Copies", _copies(audit) + _pair_counts(audit, sizes) + pairs + _smoke_tests(audit)),
        ("files", "Content of the files", _artefacts(audit)),
        ("rules", "Rules and conventions", rules(audit)),
        ("policy", "Limits and their sources", limits(audit.policy)),
        ("stamp", "What was audited", _stamped(stamp or {})),
    ]
    sections = [section for section in sections if section[2]]
    opening = fill(_TEMPLATE, "opening", bool(pairs), banner(audit, (*audit.first_lines, *audit.notes)), steps)
    return page(title, _LEAD, facts, opening, sections, real=INTERNAL if pairs else _AGGREGATES, terms=_TERMS)


def _membership(audit: Audit, sizes: bool) -> Markup:
    """Every attack with its figures, and how many patients were attacked in each group."""
    attacks = audit.found.attacks
    if not attacks:
        return fill("macros.html", "not_evaluable", audit.reasons.get("membership", ""))
    worst = max(attacks, key=lambda attack: attack.auc.value)
    rows = [(title_of_attack(attack.name), attack, attack is worst) for attack in attacks]
    known = list(dict.fromkeys(attack.name for attack in attacks))
    explained = [(title_of_attack(name), name, what_it_does(name).rstrip(".")) for name in known]
    drawn = gallery("membership", membership_pictures(attacks, audit.policy))
    return fill(_TEMPLATE, "membership", KNOWS, _power(audit) if sizes else [], drawn, rows, explained)


def _power(audit: Audit) -> list[list[str]]:
    """How many were attacked in each group, and the smallest leak that so many would have shown."""
    rows = []
    for group in dict.fromkeys(attack.group for attack in audit.found.attacks):
        attack = next(a for a in audit.found.attacks if a.group == group)
        leak = audit.power(group)
        shown = [number(leak.auc), f"{leak.tpr:.1%}" if leak.tpr is not None else "–"] if leak else ["–", "–"]
        rows.append([group, f"{attack.n_members:,}", f"{attack.n_non_members:,}", *shown])
    return rows + [[group, f"not attacked: {reason}"] for group, reason in audit.found.left_out.items()]


def _risks(audit: Audit, sizes: bool) -> Markup:
    """The three risks with their controls."""
    found = audit.found.risks
    if not found:
        return fill("macros.html", "not_evaluable", audit.reasons.get("risks", ""))
    panel = risk_picture(found, audit.policy)
    rows = []
    for risk in found.values():
        state, _, why = risk.status.partition(": ")
        attacked = "{:,} / {:,}".format(*risk.n) if sizes else UNSTATED
        rows.append((risk.name.replace("_", " ").capitalize(), risk, state != "not evaluable", why, attacked))
    return fill(_TEMPLATE, "risks", gallery("risks", Gallery([panel])) if panel else "", rows)


def _disclosures(audit: Audit) -> Markup:
    """Attribute inference: what is known, what is inferred, and the gain over people that the generator never saw."""
    if not audit.found.disclosures:
        return fill("macros.html", "not_evaluable", audit.reasons.get("disclosure", ""))
    return fill(_TEMPLATE, "disclosures", audit.found.disclosures)


def _copies(audit: Audit) -> Markup:
    """Copies, near copies and variant sets."""
    if not audit.found.figures:
        return fill("macros.html", "not_evaluable", audit.reasons.get("copies", ""))
    return _estimates([e for e in audit.found.figures if e.name not in SMOKE])


def _smoke_tests(audit: Audit) -> Markup:
    """Nearest-record distances."""
    found = [e for e in audit.found.figures if e.name in SMOKE]
    return fill(_TEMPLATE, "smoke_tests", _estimates(found)) if found else Markup()


def _estimates(estimates: Sequence[Estimate]) -> Markup:
    return fill(_TEMPLATE, "estimates", [(e, e.status.removeprefix("not evaluable: ")) for e in estimates])


def _pair_counts(audit: Audit, sizes: bool) -> Markup:
    """Of images: how many are nearer to a training image than new real ones are."""
    rows = [
        [
            _SPACES[p.space],
            f"{p.suspicious:,} of {p.n:,}",
            f"{p.expected:.1f}",
            f"{p.n_holdout:,}" if sizes else UNSTATED,
        ]
        for p in audit.found.pairs
    ]
    heads = ["Nearest pairs of images", "Suspicious", "Expected by chance", "New real images|for comparison"]
    return fill("macros.html", "table", heads, rows) if rows else Markup()


def _pairs(audit: Audit) -> Markup:
    """The most suspicious pairs of images, synthetic beside the real one nearest to it."""
    parts = [
        (_SPACES[found.space], [(pair, *pictures(audit.comparison, pair)) for pair in found.pairs])
        for found in audit.found.pairs
    ]
    return fill(_TEMPLATE, "pairs", parts)


def _artefacts(audit: Audit) -> Markup:
    """What a scan of the files found."""
    found = None if audit.artefacts is None else [[one.severity, one.what, one.where] for one in audit.artefacts]
    return fill(_TEMPLATE, "artefacts", found)


def _stamped(stamp: Mapping[str, Any]) -> Markup:
    """Program, version, seed and SHA-256 of data, model and samples."""
    if not stamp:
        return Markup()
    rows = [[key, str(stamp[key])] for key in ("program", "version", "seed") if key in stamp]
    for part, files in stamp.get("sha256", {}).items():
        rows += [[f"{part}: {name}", digest] for name, digest in files.items()]
    return fill("macros.html", "table", ["What", "SHA-256 or value"], rows, False)
