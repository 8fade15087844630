"""What a release under differential privacy leaves unstated: exact numbers of patients, and digests of private data.

The guarantee covers what the mechanism gave out. An exact size, or the hash of a file, is a statistic of the patients
without noise, and would stand beside it.
"""

from __future__ import annotations

import re
from dataclasses import fields, is_dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from cohortsmith.evaluation.html.audit import UNSTATED
from cohortsmith.evaluation.privacy import Judgement, judge

if TYPE_CHECKING:
    from collections.abc import Mapping

    from cohortsmith.data import Cohort
    from cohortsmith.evaluation.privacy import Audit

_DECIMALS = 3
_REAL = ("train", "holdout")
_COUNT = re.compile(r"n(_.+)?")  # keys of numbers of patients: n, n_members, n_train
_PARTS = ("attacks", "attacks_on_released", "risks", "disclosure", "figures", "copy_pairs")
_NUMBER = re.compile(r"(?<![\w.,])\d[\d,]*(?![\w.,]*\d)(?! ?%)")


def without_sizes(audit: Audit) -> Audit:
    """The same audit and decision, with no number of real patients in its texts, and figures to three decimals.

    A share of all patients with all its decimals is a fraction, whose denominator is their number.
    """
    sizes = _sizes(audit)
    changed = {
        field.name: _texts(getattr(audit, field.name), sizes)
        for field in fields(audit)
        if field.name not in ("policy", "comparison", "seed")
    }
    changed["judgements"] = tuple(_rounded(judgement) for judgement in changed["judgements"])
    return replace(audit, **changed)


def facts_without_sizes(audit: Audit) -> dict[str, Any]:
    """`audit.json` of `without_sizes`, without sizes of groups, and without digests of the real patients."""
    facts = without_sizes(audit).to_json()
    for part in _PARTS:
        facts[part] = _counts(facts[part])
    if facts["worst_attack"]:
        facts["worst_attack"] = _counts(facts["worst_attack"])
    facts["power"] = UNSTATED
    facts["groups_left_out"] = dict.fromkeys(facts["groups_left_out"], UNSTATED)
    facts["sizes"] |= dict.fromkeys(_REAL, UNSTATED)
    facts["digests"] = {side: digest for side, digest in facts["digests"].items() if side not in _REAL}
    return facts


def stamp_without_digests(stamp: Mapping[str, Any]) -> dict[str, Any]:
    """A stamp without the hashes of the real patients and their files."""
    hashes = dict(stamp["sha256"])
    data = {name: digest for name, digest in hashes["data"].items() if name.startswith("synthetic ")}
    return {**stamp, "sha256": hashes | {"data": data | {"real patients": UNSTATED}}}


def _sizes(audit: Audit) -> frozenset[int]:
    """Every exact number of real patients or samples that a text could name."""
    found: set[int] = set()
    for name in _REAL:
        cohort: Cohort = getattr(audit.comparison, name)
        found |= {len(cohort), len(np.unique(cohort.subjects)), *cohort.class_counts().values()}
    for attack in audit.found.attacks:
        found |= {attack.n_members, attack.n_non_members}
    return frozenset(found - {0})


def _texts(value: Any, sizes: frozenset[int]) -> Any:
    """The same value with those numbers replaced in all its texts."""
    if isinstance(value, str):
        return _NUMBER.sub(lambda found: "some" if int(found[0].replace(",", "")) in sizes else found[0], value)
    if isinstance(value, Judgement) and value.measured.value is not None:  # its words follow from figure and limit
        return replace(value, measured=_texts(value.measured, sizes))
    if is_dataclass(value) and not isinstance(value, type):
        return replace(value, **{field.name: _texts(getattr(value, field.name), sizes) for field in fields(value)})
    if isinstance(value, tuple) and hasattr(value, "_fields"):  # a named tuple
        return type(value)(*(_texts(part, sizes) for part in value))
    if isinstance(value, tuple | list):
        return type(value)(_texts(part, sizes) for part in value)
    if isinstance(value, dict):
        return {key: _texts(part, sizes) for key, part in value.items()}
    return value


def _counts(value: Any) -> Any:
    """The same JSON without numbers of patients; the steps of a curve, one per patient, are rounded away."""
    if isinstance(value, dict):
        curve = value.get("roc")
        rest = {key: UNSTATED if _COUNT.fullmatch(key) else _counts(part) for key, part in value.items()}
        rest |= {"above": None} if "above" in rest else {}  # the count test counts patients
        return rest | ({"roc": {k: [round(v, 2) for v in side] for k, side in curve.items()}} if curve else {})
    if isinstance(value, list):
        return [_counts(part) for part in value]
    return round(value, _DECIMALS) if isinstance(value, float) else value


def _rounded(judgement: Judgement) -> Judgement:
    """The judgement of the rounded figure; the exact one where rounding would change the outcome."""
    found = judgement.measured
    value, low, high = (None if end is None else round(end, _DECIMALS) for end in (found.value, found.low, found.high))
    again = judge(judgement.criterion, replace(found, value=value, low=low, high=high))
    same = (again.outcome, again.blocked) == (judgement.outcome, judgement.blocked)
    return again if same else judgement
