"""The figure that each criterion of a policy is judged on, from the results of the attacks."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from cohortsmith.evaluation.core import Z, title_of, wilson
from cohortsmith.evaluation.metrics import METRICS
from cohortsmith.evaluation.metrics.images import NULL
from cohortsmith.evaluation.privacy.attacks import title_of_attack
from cohortsmith.evaluation.privacy.k_anonymity import K_ANONYMITY
from cohortsmith.evaluation.privacy.membership_attacks import Above
from cohortsmith.evaluation.privacy.near_copies import NEAR_COPIES
from cohortsmith.evaluation.privacy.policy import ALPHA, DEFAULT, Measured
from cohortsmith.evaluation.privacy.scoring import MODELS, WHITE_BOX
from cohortsmith.evaluation.privacy.targets import EVERYBODY

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
NEAR = (
    "near_copies",
    "near_copies_ratio",
    "near_copies_pixel",
    "near_copies_registered",
    "near_copies_fixed",
    "unique_matches",
    "singled_out_variants",
)
NEED_HOLDOUT = ("worst_attack_tpr", "white_box", "singling_out", "linkability", "inference", "near_copies")
"""Criteria that say nothing without a comparable holdout; copies that are exact, and aligned spaces, still do."""
INCOMPARABLE = "holdout not comparable: real patients who were not released are told from it as well"
LARGEST_BY_CHANCE = 2.5
"""Standard errors above 0.5 of the largest of many AUCs without a leak, in nine audits of ten."""
_IN_EXCESS = ("near_copies_ratio",)  # figures that are an excess already
SMOKE = ("dcr", "dcr_share", "nndr")
"""Nearest-record distances: smoke tests only; no criterion is judged on them."""
SINGLED = tuple(metric.name for metric in K_ANONYMITY)

_OF_AUDIT = tuple(dict.fromkeys((*EXACT, *NEAR, *SINGLED, *SMOKE)))


class AttackResults(NamedTuple):
    """Results of the attacks; `Audit.reasons` tells why some could not be carried out.

    `differences` says in words how train and holdout differ, and `control` is the policy's limit on real patients.
    """

    attacks: tuple[Attack, ...]
    left_out: dict[str, str]
    risks: dict[str, Risk]
    disclosures: tuple[Disclosure, ...]
    figures: tuple[Estimate, ...]
    pairs: tuple[CopyPairs, ...]
    differences: str = ""
    control: float = DEFAULT["control"].limit


def figures(comparison: Comparison, seed: int) -> tuple[Estimate, ...]:
    """Copies, near copies, variant sets and smoke tests of a data kind, as on the scorecard."""
    known = {metric.name: metric for metric in (*METRICS, *NEAR_COPIES, *K_ANONYMITY)}
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
    everybody = (a for a in found.attacks if a.group == EVERYBODY)
    if criterion.name in NEED_HOLDOUT and any(incomparable(a, found.control) for a in everybody):
        return Measured(reason=INCOMPARABLE)
    if criterion.name in _OF_ATTACKS:
        if not found.attacks:
            return Measured(reason=reasons.get("membership", "no attack was carried out"))
        return _OF_ATTACKS[criterion.name](criterion, found)
    if criterion.name in ("exact_copies", "near_copies"):
        names = EXACT if criterion.name == "exact_copies" else NEAR
        return _copies([e for e in found.figures if e.name in names], reasons, n_holdout)
    if criterion.name == "artefacts":
        failing = [one for one in artefacts or () if one.severity == "fail"]
        note = "; ".join(f"{one.what} in {one.where}" for one in failing[:3])
        return Measured(float(len(failing)), float(len(failing)), float(len(failing)), nothing=0.0, note=note)
    return _risk(found.risks.get(criterion.name), reasons)


def _control(criterion: Criterion, found: AttackResults) -> Measured:
    """The worst control on all patients; where it tells real patients apart, what differs between train and holdout."""
    known = [(a.control, a) for a in found.attacks if a.group == EVERYBODY and a.control is not None]
    if not known:
        return Measured(reason="too few patients in half of train for a control")
    control, worst = max(known, key=lambda pair: pair[0].value)
    if any(incomparable(a, criterion.limit) for _, a in known):
        differs = f"; {found.differences}" if found.differences else ""
        return Measured(
            reason=f"holdout not comparable: {title(worst)} tells real patients of train, of whom none was released, "
            f"from the holdout (AUC {control.value:.3f}){differs}"
        )
    return Measured(*control, nothing=0.5, note=title(worst), chance=1.0)


def _worst_auc(criterion: Criterion, found: AttackResults) -> Measured:
    """The largest AUC of the attacks on the samples."""
    return _largest(criterion, [a for a in found.attacks if a.name != WHITE_BOX], found.control)


def _white_box(criterion: Criterion, found: AttackResults) -> Measured:
    """The largest AUC of the attacks on the model."""
    attacks = [a for a in found.attacks if a.name == WHITE_BOX]
    return (
        _largest(criterion, attacks, found.control)
        if attacks
        else Measured(reason="the model tells nothing about a patient")
    )


def _largest(criterion: Criterion, attacks: Sequence[Attack], control: float) -> Measured:
    """The largest AUC of the groups that count; intervals hold for all attacks together.

    To fail, one attack's interval must lie above 0.5 with all attacks allowed for. To pass, every attack's own interval
    must end below the block: an attack that leaks more gets past that in 1 of 40 audits, however many there are
    (intersection-union test; Berger 1982, Technometrics 24:295). A group counts if an honest cohort of its size would
    pass, or if a leak was detected in it; smaller groups are named as a caveat.
    Where the control tells real patients apart in a space, no attack in that space counts.
    """
    bad = {a.space for a in attacks if a.group == EVERYBODY and incomparable(a, control)}
    sound = [a for a in attacks if a.space not in bad and not (bad and not a.space)]
    proven = [a for a in sound if a.joint.value > criterion.limit and a.joint.low > 0.5]
    if proven:
        attack = max(proven, key=lambda a: a.joint.value)
        note = f"{title(attack)}; {attack.compared} attacks allowed for"
        return Measured(*attack.joint, nothing=0.5, note=note)
    if bad:
        return Measured(reason=INCOMPARABLE)
    groups = list(dict.fromkeys(a.group for a in attacks))
    large = {
        group: group == EVERYBODY or decides([a for a in attacks if a.group == group], criterion.limit)
        for group in groups
    }
    counted = [a for a in attacks if large[a.group] and not incomparable(a, control)]
    attack = max(counted, key=lambda a: a.auc.value)
    high = max(a.auc.high for a in counted)
    note = f"{title(attack)}; of {len(counted)} attacks, the upper end of every one counts"
    few = [group for group in groups if not large[group]]
    return Measured(attack.joint.value, attack.joint.low, high, nothing=0.5, note=note, caveat=_too_few(attacks, few))


def decides(attacks: Sequence[Attack], limit: float) -> bool:
    """Whether a group is so large that a cohort without a leak would pass.

    The largest of many AUCs lies up to 2.5 standard errors above 0.5 by chance alone.
    """
    errors = [(a.auc.high - a.auc.low) / (2 * Z) for a in attacks]
    return LARGEST_BY_CHANCE * float(np.median(errors)) <= limit - 0.5


def incomparable(attack: Attack, limit: float) -> bool:
    """Whether an attack tells real patients of train, none of them released, from the holdout."""
    return attack.control is not None and attack.control.value > limit and attack.control.low > 0.5


def _worst_tpr(criterion: Criterion, found: AttackResults) -> Measured:
    """Members above all but 1 % of the unseen patients, by an exact test at any size."""
    attacks = [a for a in found.attacks if a.above and a.name != WHITE_BOX]

    def chance(a: Attack) -> float:
        return min(1.0, a.above.chance * len(attacks)) if a.above else 1.0

    proven = [a for a in attacks if chance(a) <= ALPHA and _rate(a) > criterion.limit]
    attack = max(proven or attacks, key=_rate)
    above = attack.above or Above(0, 0, 1.0)
    interval = wilson(above.members, attack.n_members)
    nothing = (above.allowed + 1) / (attack.n_non_members + 1)
    note = (
        f"{title(attack)}: {above.members} of {attack.n_members} members above all but {above.allowed} of "
        f"{attack.n_non_members} unseen patients; {len(attacks)} attacks allowed for"
    )
    few = criterion.least is not None and attack.n_non_members < criterion.least
    caveat = f"{attack.n_non_members} unseen patients are few for a rate of 1 %: an exact count decides" if few else ""
    return Measured(*interval, nothing=nothing, note=note, caveat=caveat, chance=chance(attack))


def _rate(attack: Attack) -> float:
    return attack.above.members / attack.n_members if attack.above else 0.0


_OF_ATTACKS = {
    "control": _control,
    "worst_attack_auc": _worst_auc,
    "worst_attack_tpr": _worst_tpr,
    "white_box": _white_box,
}


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
    known = [(e, excess(e, n_holdout)) for e in estimates if e.ok]
    if not known:
        why = [e.status.removeprefix("not evaluable: ") for e in estimates]
        return Measured(reason=reasons.get("copies") or next(iter(why), "it was not measured"))
    estimate, (value, low, high) = max(known, key=lambda pair: pair[1][1])
    shares = f"{title_of(estimate.name)}: {estimate.value:.2%}, unseen real patients {estimate.reference or 0:.2%}"
    return Measured(value, low, high, nothing=0.0, note=shares)


def excess(estimate: Estimate, n_holdout: int) -> tuple[float, float, float]:
    """Excess of a share of copies over the holdout's: value, low and high."""
    value, real = estimate.value or 0.0, estimate.reference or 0.0
    low = value if estimate.low is None else estimate.low
    high = value if estimate.high is None else estimate.high
    if estimate.name in _IN_EXCESS:
        return value, low, high
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
    where = f" ({attack.space})" if attack.name in MODELS else f" in {attack.space}" if attack.space else ""
    return f"{title_of_attack(attack.name)}{where}, on {GROUPS.get(attack.group, attack.group)}"


def _too_few(attacks: Sequence[Attack], groups: Sequence[str]) -> str:
    """Results of the attacks on groups that are too small to be judged."""
    parts = []
    for group in groups:
        most = max((attack.auc for attack in attacks if attack.group == group), key=lambda auc: auc.value)
        parts.append(
            f"{GROUPS.get(group, group)} (AUC up to {most.value:.3f}, 95 % interval {most.low:.3f} to {most.high:.3f})"
        )
    return f"too few patients to judge separately: {'; '.join(parts)}" if parts else ""


GROUPS = {
    "all": "all patients",
    "outlying": "the most outlying patients",
    "unique sequences": "patients with a unique sequence",
    "linked donors": "donors with samples of several classes",
}
