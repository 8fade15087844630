"""Decisions that rest on more than one audit: the worse of two, and no pass where something was not counted."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from cohortsmith.evaluation.privacy import Judgement, Measured

if TYPE_CHECKING:
    from cohortsmith.evaluation.privacy import Audit

_COUNTED = "worst_attack_auc"  # the criterion that further rows of the same patients bear on
_ORDER = ("pass", "not evaluable", "fail")


def worse_of(alone: Audit, together: Audit) -> Audit:
    """An audit of a release with, criterion by criterion, the worse of its own and of one that counts more rows.

    Both are needed: together, rows released before add to what an attacker learns; alone, copies among the new rows are
    not thinned out by the earlier ones.
    """
    other = {judgement.criterion.name: judgement for judgement in together.judgements}
    worse = (_worse(own, other.get(own.criterion.name, own)) for own in alone.judgements)
    return replace(alone, judgements=tuple(worse))


def undecided(audit: Audit, why: str) -> Audit:
    """The same audit, which does not pass for the reason given; one that fails stays failed."""
    if audit.outcome != "pass":
        return audit
    changed = [
        Judgement(own.criterion, Measured(reason=why), "not evaluable", why) if own.criterion.name == _COUNTED else own
        for own in audit.judgements
    ]
    return replace(audit, judgements=tuple(changed))


def _worse(own: Judgement, other: Judgement) -> Judgement:
    own_rank, rank = _ORDER.index(own.outcome), _ORDER.index(other.outcome)
    own_value, value = own.measured.value or 0.0, other.measured.value or 0.0
    if (own.blocked, own_rank, own_value) >= (other.blocked, rank, value):
        return own
    note = "; ".join(text for text in (other.measured.note, "counted with the rows released before") if text)
    return replace(other, measured=replace(other.measured, note=note))
