"""An audit read back from its JSON: attacks, risks and figures, to be plotted and judged by other limits."""

from __future__ import annotations

import json
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from cohortsmith.data.errors import DataError
from cohortsmith.data.validation import from_json
from cohortsmith.evaluation.core import Interval
from cohortsmith.evaluation.privacy.membership_attacks import Above, Attack, allowing_for
from cohortsmith.evaluation.privacy.policy import DEFAULT, Judged, Measured, Policy, judge
from cohortsmith.evaluation.privacy.risks import Risk

if TYPE_CHECKING:
    from collections.abc import Mapping

_FILE, _REMEDY = "audit.json", "run the audit again"


@dataclass(frozen=True)
class ReadAudit:
    """An audit as read from `audit.json`.

    Attributes:
        policy: the limits applied.
        measured: figure of each criterion, by its name.
        attacks: membership attacks.
        risks: the three risks, by name.
        notes: to be read first, what is not excluded among them.
    """

    policy: Policy
    measured: Mapping[str, Measured]
    attacks: tuple[Attack, ...]
    risks: Mapping[str, Risk]
    notes: tuple[str, ...]

    def judged(self, policy: Policy | None = None) -> Judged:
        """The decision by these limits, by the audit's own if None; figures are unchanged."""
        limits = policy or self.policy
        known = [criterion for criterion in limits.criteria if criterion.name in self.measured]
        return Judged(limits, tuple(judge(criterion, self.measured[criterion.name]) for criterion in known))


def read_audit(facts: Mapping[str, Any]) -> ReadAudit:
    """Read the result of `Audit.to_json`.

    Raises:
        DataError: not such a result.
    """
    stated = from_json(_AuditJson, json.dumps(facts), where=_FILE, remedy=_REMEDY)
    return ReadAudit(
        _policy(stated.policy),
        {row.name: _measured(row) for row in stated.criteria},
        tuple(_attack(row) for row in stated.attacks),
        {name: _risk(row) for name, row in stated.risks.items()},
        (*stated.first_lines, *stated.notes),
    )


def toml_of(policy: Policy) -> str:
    """A policy as `cohortsmith.evaluation.privacy.policy.read_policy` reads it, under the file's own name."""
    lines = []
    for criterion in policy.criteria:
        lines.append(f"[{criterion.name}]")
        for key in criterion.keys:
            value = getattr(criterion, key)
            lines.append(f"{key} = {int(value) if key == 'least' or criterion.name == 'artefacts' else float(value)}")
        lines.append("")
    return "\n".join(lines)


@dataclass(frozen=True)
class _IntervalRow:
    """An `Interval`; NaN is written as null."""

    value: float | None
    low: float | None
    high: float | None


@dataclass(frozen=True)
class _Limits:
    limit: float
    block: float | None = None
    least: int | None = None


@dataclass(frozen=True)
class _PolicyRow:
    name: str
    criteria: dict[str, _Limits]


@dataclass(frozen=True)
class _CriterionRow:
    """A `Judgement`, as far as needed to be judged again."""

    name: str
    value: float | None
    low: float | None
    high: float | None
    nothing: float
    words: str
    note: str
    caveat: str
    chance: float | None = None


@dataclass(frozen=True)
class _Curve:
    fpr: list[float]
    tpr: list[float]


@dataclass(frozen=True)
class _AboveRow:
    members: int
    allowed: int
    chance: float


@dataclass(frozen=True)
class _AttackRow:
    name: str
    group: str
    auc: _IntervalRow
    tpr: dict[float, _IntervalRow]
    f1_gain: _IntervalRow | None
    n_members: int | str  # text where differential privacy leaves it unstated
    n_non_members: int | str
    roc: _Curve
    space: str
    control: _IntervalRow | None
    compared: int
    joint: _IntervalRow | None = None
    above: _AboveRow | None = None


@dataclass(frozen=True)
class _RiskRow:
    name: str
    attack: _IntervalRow
    control: _IntervalRow
    naive: _IntervalRow
    value: float | None
    low: float | None
    high: float | None
    n: tuple[int, int] | str  # text where differential privacy leaves it unstated
    status: str
    how: str
    scale: float


@dataclass(frozen=True)
class _AuditJson:
    """The result of `Audit.to_json`, as far as it is read back."""

    policy: _PolicyRow
    criteria: list[_CriterionRow]
    attacks: list[_AttackRow]
    risks: dict[str, _RiskRow]
    notes: tuple[str, ...]
    first_lines: tuple[str, ...] = ()


def _policy(stated: _PolicyRow) -> Policy:
    known = []
    for criterion in DEFAULT.criteria:
        if criterion.name in stated.criteria:
            limits = {key: getattr(stated.criteria[criterion.name], key) for key in criterion.keys}
            for key, value in limits.items():
                if value is None:
                    raise DataError(f"{_FILE}: policy.criteria.{criterion.name}.{key} is missing; {_REMEDY}")
            known.append(replace(criterion, **limits))
    return Policy(stated.name, tuple(known))


def _measured(row: _CriterionRow) -> Measured:
    reason = row.words if row.value is None else ""
    return Measured(row.value, row.low, row.high, row.nothing, reason, row.note, row.caveat, row.chance)


def _attack(row: _AttackRow) -> Attack:
    return Attack(
        name=row.name,
        group=row.group,
        auc=_interval(row.auc),
        tpr={rate: _interval(found) for rate, found in row.tpr.items()},
        f1_gain=_interval(row.f1_gain) if row.f1_gain else None,
        n_members=0 if isinstance(row.n_members, str) else row.n_members,
        n_non_members=0 if isinstance(row.n_non_members, str) else row.n_non_members,
        roc=(np.asarray(row.roc.fpr, dtype=np.float64), np.asarray(row.roc.tpr, dtype=np.float64)),
        space=row.space,
        control=_interval(row.control) if row.control else None,
        compared=row.compared,
        joint=_interval(row.joint) if row.joint else allowing_for(_interval(row.auc), row.compared),
        above=Above(row.above.members, row.above.allowed, row.above.chance) if row.above else None,
    )


def _risk(row: _RiskRow) -> Risk:
    value, low, high = _interval(_IntervalRow(row.value, row.low, row.high))
    return Risk(
        row.name,
        _interval(row.attack),
        _interval(row.control),
        _interval(row.naive),
        value,
        low,
        high,
        (0, 0) if isinstance(row.n, str) else row.n,
        row.status,
        row.how,
        row.scale,
    )


def _interval(row: _IntervalRow) -> Interval:
    return Interval(*(float("nan") if end is None else end for end in (row.value, row.low, row.high)))
