"""The page of an audit: the decision first, then what was attacked, how hard, and what came of it."""

from __future__ import annotations

from html import escape
from typing import TYPE_CHECKING, Any

from cohortsmith.evaluation.html import foot, gallery, head, page, sections_of
from cohortsmith.evaluation.html.audit import criteria_table as decision
from cohortsmith.evaluation.html.audit import tables
from cohortsmith.evaluation.html.audit.wording import HEADLINES, KNOWS
from cohortsmith.evaluation.plots import Gallery, membership_pictures, risk_picture, tile
from cohortsmith.evaluation.privacy import pictures

if TYPE_CHECKING:
    from collections.abc import Mapping

    from cohortsmith.evaluation.html import Section
    from cohortsmith.evaluation.privacy import Audit

__all__ = ["HEADLINES", "audit_page"]

_LEAD = (
    "A synthetic cohort, attacked by people who want to know who was in its training data and what is true of them; "
    "every attack stands beside the same attack where there is nothing to find."
)
_REAL = "Real patients appear in it only as shares of many of them."
_HELD = "This page shows images of real patients: it must stay in the house."


def audit_page(
    audit: Audit,
    *,
    title: str = "Privacy audit of a synthetic cohort",
    stamp: Mapping[str, Any] | None = None,
    show_patients: bool = False,
) -> str:
    """Page of an audit as a single HTML file without any reference to the network.

    Args:
        audit: what to show.
        title: heading, plain text.
        stamp: program, version, seed and SHA-256 of what was audited.
        show_patients: of images, show the most suspicious pairs; the page then says that it must stay in the house.
    """
    pairs = _pairs(audit) if show_patients else ""
    c = audit.comparison
    facts = {
        "Train": f"{len(c.train):,} samples",
        "Holdout": f"{len(c.holdout):,} samples",
        "Synthetic": f"{len(c.synthetic):,} samples",
        "Data": c.kind,
        "Policy": audit.policy.name,
        "Seed": audit.seed,
    }
    sections: list[Section] = [
        ("criteria", "The decision, criterion by criterion", decision.criteria(audit)),
        ("membership", "Who was in train?", _membership(audit)),
        ("risks", "Singling out, linking, inferring", _risks(audit)),
        ("disclosure", "What an attacker learns who knows half", tables.disclosures(audit)),
        ("copies", "Copies", tables.figures(audit) + tables.pair_counts(audit) + pairs + tables.smoke_tests(audit)),
        ("files", "What the files hold", tables.artefacts(audit)),
        ("rules", "How this answers to rules and conventions", decision.rules(audit)),
        ("policy", "The limits, and where they come from", decision.limits(audit.policy)),
        ("stamp", "What was audited", tables.stamped(stamp or {})),
    ]
    sections = [section for section in sections if section[2]]
    warning = f'<p class="callout house"><b>{_HELD}</b></p>' if pairs else ""
    top = head(title, _LEAD, facts, sections) + warning + decision.banner(audit, audit.notes)
    return page(title, top + sections_of(sections) + foot(_HELD if pairs else _REAL))


def _membership(audit: Audit) -> str:
    if not audit.found.attacks:
        return f'<p class="callout">Not evaluable: {escape(audit.reasons.get("membership", ""))}.</p>'
    drawn = gallery("membership", membership_pictures(audit.found.attacks, audit.policy))
    return f'<p class="note">{KNOWS}</p>{tables.power(audit)}{drawn}{tables.attacks(audit)}{tables.attackers(audit)}'


def _risks(audit: Audit) -> str:
    if not audit.found.risks:
        reason = audit.reasons.get("risks", "")
        return f'<p class="callout">Not evaluable: {escape(reason)}.</p>' if reason else ""
    panel = risk_picture(audit.found.risks, audit.policy)
    return (gallery("risks", Gallery([panel])) if panel else "") + tables.risks(audit)


def _pairs(audit: Audit) -> str:
    """The most suspicious pairs of images, synthetic beside the real one nearest to it."""
    parts = []
    for found in audit.found.pairs:
        cards = []
        for pair in found.pairs:
            made, real = pictures(audit.comparison, pair)
            shown = "".join(
                f"<div>{tile(x, word)}<small>{word}</small></div>" for word, x in (("synthetic", made), ("real", real))
            )
            words = f"as near as {pair.as_near:.1%} of new real ones; correlation {pair.correlation:.2f}"
            flag = "<b>suspicious</b><br>" if pair.suspicious else ""
            cards.append(f'<div class="card"><div class="trio large">{shown}</div><small>{flag}{words}</small></div>')
        where = {"pixel": "in pixels, however turned", "embedding": "as a fixed network sees them"}[found.space]
        parts.append(f'<h3>The nearest pairs {where}</h3><div class="cards">{"".join(cards)}</div>')
    return "".join(parts)
