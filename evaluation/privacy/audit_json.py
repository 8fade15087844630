"""An audit read back from its JSON: attacks, risks and figures, to be drawn again and judged by other limits."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from cohortsmith.data.errors import DataError
from cohortsmith.evaluation.core import Interval
from cohortsmith.evaluation.privacy.membership_attacks import Attack
from cohortsmith.evaluation.privacy.policy import DEFAULT, Judged, Measured, Policy, judge
from cohortsmith.evaluation.privacy.risks import Risk

if TYPE_CHECKING:
    from collections.abc import Mapping


@dataclass(frozen=True)
class ReadAudit:
    """What an audit found.

    Attributes:
        policy: the limits it was judged by.
        measured: figure of each criterion, by its name.
        attacks: membership attacks.
        risks: the three risks, by name.
        notes: what a reader must know first.
    """

    policy: Policy
    measured: Mapping[str, Measured]
    attacks: tuple[Attack, ...]
    risks: Mapping[str, Risk]
    notes: tuple[str, ...]

    def judged(self, policy: Policy | None = None) -> Judged:
        """The decision by these limits, by the audit's own where none are given; figures stay as they are."""
        limits = policy or self.policy
        known = [criterion for criterion in limits.criteria if criterion.name in self.measured]
        return Judged(limits, tuple(judge(criterion, self.measured[criterion.name]) for criterion in known))


def read_audit(facts: Mapping[str, Any]) -> ReadAudit:
    """Read what `Audit.to_json` gave.

    Raises:
        DataError: it is something else.
    """
    try:
        return ReadAudit(
            _policy(facts["policy"]),
            {row["name"]: _measured(row) for row in facts["criteria"]},
            tuple(_attack(row) for row in facts["attacks"]),
            {name: _risk(row) for name, row in facts["risks"].items()},
            tuple(map(str, facts["notes"])),
        )
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise DataError("audit.json: the figures of an audit were expected; make the audit again") from error


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


def _policy(told: Mapping[str, Any]) -> Policy:
    limits = told["criteria"]
    known = tuple(
        replace(criterion, **{key: limits[criterion.name][key] for key in criterion.keys})
        for criterion in DEFAULT.criteria
        if criterion.name in limits
    )
    return Policy(str(told["name"]), known)


def _measured(row: Mapping[str, Any]) -> Measured:
    found = {key: row[key] for key in ("value", "low", "high", "nothing")}
    reason = str(row["words"]) if row["value"] is None else ""
    return Measured(**found, reason=reason, note=str(row["note"]), caveat=str(row["caveat"]))


def _attack(row: Mapping[str, Any]) -> Attack:
    return Attack(
        name=row["name"],
        group=row["group"],
        auc=_interval(row["auc"]),
        tpr={float(rate): _interval(found) for rate, found in row["tpr"].items()},
        f1_gain=_interval(row["f1_gain"]),
        n_members=int(row["n_members"]),
        n_non_members=int(row["n_non_members"]),
        roc=(np.asarray(row["roc"]["fpr"], dtype=np.float64), np.asarray(row["roc"]["tpr"], dtype=np.float64)),
        space=row["space"],
        control=_interval(row["control"]) if row["control"] else None,
        compared=int(row["compared"]),
    )


def _risk(row: Mapping[str, Any]) -> Risk:
    parts = {name: _interval(row[name]) for name in ("attack", "control", "naive")}
    figures = {name: _number(row[name]) for name in ("value", "low", "high")}
    return Risk(**{**row, **parts, **figures})


def _interval(row: Mapping[str, Any]) -> Interval:
    return Interval(_number(row["value"]), _number(row["low"]), _number(row["high"]))


def _number(value: float | None) -> float:
    return float("nan") if value is None else float(value)
