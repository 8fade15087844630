"""The figure that each criterion of a policy is judged on, from the results of the attacks."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from cohortsmith.evaluation.core import title_of, wilson
from cohortsmith.evaluation.metrics import METRICS
from cohortsmith.evaluation.metrics.common import FALSE_POSITIVES, Metric
from cohortsmith.evaluation.metrics.images import NULL
from cohortsmith.evaluation.privacy.k_anonymity import K_ANONYMITY
from cohortsmith.evaluation.privacy.membership_attacks import allowing_for
from cohortsmith.evaluation.privacy.near_copies import near_copies
from cohortsmith.evaluation.privacy.policy import Measured
from cohortsmith.evaluation.privacy.power import smallest_leak

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from cohortsmith.evaluation.core import Estimate
    from cohortsmith.evaluation.privacy.artefacts import ArtefactFinding
    from cohortsmith.evaluation.privacy.attribute_disclosure import Disclosure
    from cohortsmith.evaluation.privacy.membership_attacks import Attack
    from cohortsmith.evaluation.privacy.near_copies import CopyPairs
    from cohortsmith.evaluation.privacy.policy import Criterion
    from cohortsmith.evaluation.privacy.risks import Risk
    from cohortsmith.evaluation.spaces import Comparison

EXACT = ("exact_copies", "exact_matches")
NEAR = ("near_copies", "near_copies_pixel", "near_copies_fixed", "unique_matches", "singled_out_variants")
SMOKE = ("dcr", "dcr_share", "nndr")
"""Nearest-record distances: smoke tests only; no criterion is judged on them."""
SINGLED = tuple(metric.name for metric in K_ANONYMITY)

NEAR_COPIES = Metric(
    name="near_copies",
    group="privacy",
    direction="lower",
    bounds=(0, 1),
    explanation="Share of synthetic patients nearer to a train patient than all but the nearest 1 % of unseen real "
    "patients.",
    source="Meehan et al. 2020, A non-parametric test to detect data-copying, AISTATS",
    measure=near_copies,
)
_OF_AUDIT = tuple(dict.fromkeys((*EXACT, *NEAR, *SINGLED, *SMOKE)))


class AttackResults(NamedTuple):
    """Results of the attacks; `Audit.reasons` tells why some could not be carried out."""

    attacks: tuple[Attack, ...]
    left_out: dict[str, str]
    risks: dict[str, Risk]
    disclosures: tuple[Disclosure, ...]
    figures: tuple[Estimate, ...]
    pairs: tuple[CopyPairs, ...]


def figures(comparison: Comparison, seed: int) -> tuple[Estimate, ...]:
    """Copies, near copies, variant sets and smoke tests of a data kind, as on the scorecard."""
    known = {metric.name: metric for metric in (*METRICS, NEAR_COPIES, *K_ANONYMITY)}
    chosen = [known[name] for name in _OF_AUDIT if comparison.kind in known[name].kinds]
    return tuple(metric.compute(comparison, seed) for metric in chosen)


def measured(
    criterion: Criterion,
    found: AttackResults,
    reasons: Mapping[str, str],
    artefacts: Sequence[ArtefactFinding] | None,
    n_holdout: int,
) -> Measured:
    """The figure that a criterion is judged on, or the reason why there is none."""
    if criterion.name in ("worst_attack_auc", "worst_attack_tpr"):
        if not found.attacks:
            return Measured(reason=reasons.get("membership", "no attack was carried out"))
        return (
            _worst_auc(criterion, found.attacks)
            if criterion.name == "worst_attack_auc"
            else _worst_tpr(criterion, found.attacks)
        )
    if criterion.name in ("exact_copies", "near_copies"):
        names = EXACT if criterion.name == "exact_copies" else NEAR
        return _copies([e for e in found.figures if e.name in names], reasons, n_holdout)
    if criterion.name == "artefacts":
        failing = [one for one in artefacts or () if one.severity == "fail"]
        note = "; ".join(f"{one.what} in {one.where}" for one in failing[:3])
        return Measured(float(len(failing)), float(len(failing)), float(len(failing)), nothing=0.0, note=note)
    return _risk(found.risks.get(criterion.name), reasons)


def _worst_auc(criterion: Criterion, attacks: Sequence[Attack]) -> Measured:
    """The largest AUC of the groups that count; all intervals are corrected for the number of attacks.

    A group counts if its minimum detectable AUC at 80 % power is at most the blocking limit, or if a leak was detected.
    Smaller groups would fail by chance, or pass for lack of patients: they are reported as a caveat.
    """
    bar = max(criterion.limit, criterion.block or 0.0)
    large_enough = {}
    for attack in attacks:
        if attack.group not in large_enough:
            leak = smallest_leak(attack.n_members, attack.n_non_members).auc
            large_enough[attack.group] = leak is not None and leak <= bar
    corrected = [(attack, allowing_for(attack.auc, len(attacks))) for attack in attacks]
    counted = [(attack, auc) for attack, auc in corrected if large_enough[attack.group] or auc.low > 0.5]
    few = [group for group, enough in large_enough.items() if not enough and group not in {a.group for a, _ in counted}]
    if not any(attack.group == "all" for attack, _ in counted):
        if not any(auc.value > criterion.limit for _, auc in counted):
            members, others = next((a.n_members, a.n_non_members) for a in attacks if a.group == "all")
            least = smallest_leak(members, others).auc
            detectable = "no AUC is detectable" if least is None else f"the minimum detectable AUC is {least:.3f}"
            return Measured(
                reason=f"too few patients: with {members} members and {others} non-members {detectable} at 80 % power; "
                f"{bar:g} or less is needed"
            )
    proven = [(attack, auc) for attack, auc in counted if auc.value > criterion.limit and auc.low > 0.5]
    attack, auc = max(proven or counted, key=lambda pair: pair[1].value)
    note = f"{title(attack)}; the interval is corrected for {len(attacks)} attacks"
    return Measured(*auc, nothing=0.5, note=note, caveat=_too_few(attacks, few))


def _worst_tpr(criterion: Criterion, attacks: Sequence[Attack]) -> Measured:
    least = criterion.least or 0
    able = [attack for attack in attacks if attack.n_non_members >= least and FALSE_POSITIVES in attack.tpr]
    if not able:
        most = max(attack.n_non_members for attack in attacks)
        return Measured(reason=f"it needs at least {least} unseen patients (non-members); there are {most}")
    corrected = [(attack, allowing_for(attack.tpr[FALSE_POSITIVES], len(able))) for attack in able]
    proven = [
        (attack, rate) for attack, rate in corrected if rate.value > criterion.limit and rate.low > FALSE_POSITIVES
    ]
    attack, rate = max(proven or corrected, key=lambda pair: pair[1].value)
    few = [group for group in dict.fromkeys(a.group for a in attacks) if group not in {a.group for a in able}]
    note = f"{title(attack)}; the interval is corrected for {len(able)} attacks"
    caveat = f"TPR at 1 % FPR: too few patients to judge {_listed(few)} separately" if few else ""
    return Measured(*rate, nothing=FALSE_POSITIVES, note=note, caveat=caveat)


def _risk(risk: Risk | None, reasons: Mapping[str, str]) -> Measured:
    if risk is None:
        return Measured(reason=reasons.get("risks", "it was not measured"))
    state, _, why = risk.status.partition(": ")
    if state == "not evaluable" or not np.isfinite(risk.value):
        return Measured(reason=why or "it could not be measured")
    caveat = f"{risk.name.replace('_', ' ')}: {why}; a low risk by a weak attack says little" if why else ""
    return Measured(risk.value, risk.low, risk.high, nothing=0.0, caveat=caveat)


def _copies(estimates: Sequence[Estimate], reasons: Mapping[str, str], n_holdout: int) -> Measured:
    """Excess of the worst share of copies over the holdout's.

    The interval of the difference is Newcombe's (1998, Stat. Med. 17:873, method 10) if the holdout has copies too;
    without any, the interval is that of the synthetic cohort's share.
    """
    known = [(e, _excess(e, n_holdout)) for e in estimates if e.ok]
    if not known:
        why = [e.status.removeprefix("not evaluable: ") for e in estimates]
        return Measured(reason=reasons.get("copies") or next(iter(why), "it was not measured"))
    estimate, (value, low, high) = max(known, key=lambda pair: pair[1][1])
    shares = f"{title_of(estimate.name)}: {estimate.value:.2%}, unseen real patients {estimate.reference or 0:.2%}"
    return Measured(value, low, high, nothing=0.0, note=shares)


def _excess(estimate: Estimate, n_holdout: int) -> tuple[float, float, float]:
    """Excess of a share of copies over the holdout's: value, low and high."""
    value, real = estimate.value or 0.0, estimate.reference or 0.0
    low = value if estimate.low is None else estimate.low
    high = value if estimate.high is None else estimate.high
    if estimate.name.startswith("near_copies"):
        real = NULL  # the holdout's share by construction; the interval includes the holdout's size
    if not real or estimate.name.startswith("near_copies"):
        return value - real, low - real, high - real
    n = estimate.detail.get("n_reference", estimate.detail["n"] if estimate.name.endswith("matches") else n_holdout)
    _, least, most = wilson(real * n, n)
    down, up = np.hypot(value - low, most - real), np.hypot(high - value, real - least)
    return value - real, float(value - real - down), float(value - real + up)


def title(attack: Attack) -> str:
    """An attack in words."""
    where = f" in {attack.space}" if attack.space else ""
    return f"{NAMES.get(attack.name, attack.name)}{where}, on {GROUPS.get(attack.group, attack.group)}"


def _too_few(attacks: Sequence[Attack], groups: Sequence[str]) -> str:
    """Results of the attacks on groups that are too small to be judged."""
    parts = []
    for group in groups:
        most = max((attack.auc for attack in attacks if attack.group == group), key=lambda auc: auc.value)
        parts.append(
            f"{GROUPS.get(group, group)} (AUC up to {most.value:.3f}, 95 % interval {most.low:.3f} to {most.high:.3f})"
        )
    return f"too few patients to judge separately: {'; '.join(parts)}" if parts else ""


def _listed(groups: Sequence[str]) -> str:
    return " and ".join(GROUPS.get(group, group) for group in groups)


GROUPS = {
    "all": "all patients",
    "outlying": "the most outlying patients",
    "unique sequences": "patients with a unique sequence",
}
NAMES = {
    "gan_leaks": "GAN-Leaks",
    "gan_leaks_calibrated": "GAN-Leaks, calibrated",
    "domias": "DOMIAS",
    "monte_carlo": "Monte Carlo",
    "logan": "LOGAN",
    "shadow": "Shadow models",
}
