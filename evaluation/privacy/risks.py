"""Singling out, linkability and inference: the three risks of the Article 29 Working Party's opinion 05/2014.

Each is measured by an attack on train, the same attack on the holdout (the control: what holds for people in
general), and an uninformed guess that does not use the synthetic cohort. Definitions: Giomi
et al. (2023), "A unified framework for quantifying privacy risk in synthetic data", PoPETs 2023(2).
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from cohortsmith.evaluation.core import Interval, NotEvaluable, distances, pick, proportional, same_rows, wilson
from cohortsmith.evaluation.privacy.attack_settings import (
    HALVES_STREAM,
    MAX_SYNTHETIC,
    MAX_TARGETS,
    MIN_SAMPLES,
    RISK_TARGETS_STREAM,
)
from cohortsmith.evaluation.privacy.singling_out import single_out
from cohortsmith.evaluation.privacy.targets import one_per_patient

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    from cohortsmith.evaluation.core import Matrix
    from cohortsmith.evaluation.spaces import Comparison

SECRETS = 50  # columns inferred at most
TOLERANCE = 0.1  # standard deviations in train by which an inferred value may be off


@dataclass(frozen=True)
class Risk:
    """One of the three risks.

    Attributes:
        name: "singling_out", "linkability" or "inference".
        attack: success rate on train, with Wilson's interval.
        control: success rate of the same attack on the holdout.
        naive: success rate on train of an uninformed guess, without the synthetic cohort.
        value: excess risk over the control, `scale` (attack - control) / (1 - control), zero if negative; Giomi et al.
            (2023), eq. 5.
        low: lower end of the 95 % interval of `value`.
        high: upper end of the 95 % interval of `value`.
        n: attacks on train and on the holdout: patients or, for singling out, predicates.
        status: "ok"; "weak: why" where the attack did no better than the guess, so that a low risk says little; or
            "not evaluable: why", with NaN for figures.
        how: what was attacked, in words.
        scale: for singling out, patients of train over the size of the population that each predicate is tried on: the
            excess over the control adds up over populations. Else 1.
    """

    name: str
    attack: Interval
    control: Interval
    naive: Interval
    value: float
    low: float
    high: float
    n: tuple[int, int]
    status: str = "ok"
    how: str = ""
    scale: float = 1.0


def risks(comparison: Comparison, seed: int) -> dict[str, Risk]:
    """The three risks by name; `status` of each tells when it cannot be measured."""
    return comparison.memo(("risks", seed), lambda: {name: _risk(name, comparison, seed) for name in MEASURES})


def singling_out(comparison: Comparison, seed: int) -> Risk:
    """Does a predicate that holds for exactly one synthetic sample hold for exactly one patient? See `singling_out`.

    Populations have equal sizes, since chance singles out more easily in a small one: the holdout, and as many patients
    of train at a time, until all of them have been attacked.
    """
    found = single_out(comparison, seed)
    how = (
        f"{found.n} predicates, each true of exactly one synthetic sample, of {found.length:.1f} conditions on "
        f"average; tried on {found.people} patients at a time"
    )
    return excess_risk("singling_out", found.attack, found.control, found.naive, (found.n, found.n), how, found.scale)


def linkability(comparison: Comparison, seed: int) -> Risk:
    """Is the same synthetic sample the nearest to both halves of a patient's columns?

    Giomi et al. (2023), section 4.2, with one neighbour; ties are broken at random.
    """
    found = _halved(comparison, seed)
    naive = 1 / found.synthetic
    attack, control = _clustered(found.linked[0]), _clustered(found.linked[1])
    how = f"{found.knows} of a patient and the rest are linked through {found.synthetic} synthetic samples"
    return excess_risk("linkability", attack, control, Interval(naive, naive, naive), found.n(found.linked), how)


def inference(comparison: Comparison, seed: int) -> Risk:
    """Given half of a patient's columns, does the nearest synthetic sample reveal values of the other half?

    Giomi et al. (2023), section 4.3. A value is inferred if it is right within 0.1 standard deviations; for sequences,
    all edits that fewer than a tenth of patients have must be right, in patients who have one there.
    """
    found = _halved(comparison, seed)
    if min(found.n(found.inferred)) < MIN_SAMPLES:
        raise NotEvaluable(f"inference needs at least {MIN_SAMPLES} patients on each side with an attribute to infer")
    attack, control, naive = (_clustered(side) for side in (*found.inferred, found.guessed))
    how = f"{found.seeks} from the nearest of {found.synthetic} synthetic samples to {found.knows}"
    return excess_risk("inference", attack, control, naive, found.n(found.inferred), how)


MEASURES: dict[str, Callable[[Comparison, int], Risk]] = {
    "singling_out": singling_out,
    "linkability": linkability,
    "inference": inference,
}


def _risk(name: str, comparison: Comparison, seed: int) -> Risk:
    try:
        return MEASURES[name](comparison, seed)
    except NotEvaluable as reason:
        none = Interval(math.nan, math.nan, math.nan)
        return Risk(name, none, none, none, math.nan, math.nan, math.nan, (0, 0), f"not evaluable: {reason}")


def excess_risk(
    name: str,
    attack: Interval,
    control: Interval,
    naive: Interval,
    n: tuple[int, int],
    how: str,
    scale: float = 1.0,
) -> Risk:
    """Risk whose interval propagates both Wilson intervals through eq. 5, as the root of the summed squares."""
    left = max(1 - control.value, 1e-9)
    value = scale * (attack.value - control.value) / left
    slope = (1 - attack.value) / left
    low, high = (
        scale / left * math.hypot(attack.value - attack.low, slope * (control.high - control.value)),
        scale / left * math.hypot(attack.high - attack.value, slope * (control.value - control.low)),
    )
    found = Interval(*(min(1.0, max(0.0, v)) for v in (value, value - low, value + high)))
    weak = f"weak: an uninformed guess succeeds in {naive.value:.3g}, the attack in {attack.value:.3g}"
    status = "ok" if attack.value > naive.value else weak
    return Risk(name, attack, control, naive, found.value, found.low, found.high, n, status, how, scale)


class _Halved(NamedTuple):
    """Success rates of an attacker with half of each patient's columns, (patients,) of train and of the holdout."""

    linked: tuple[NDArray[np.float64], NDArray[np.float64]]
    inferred: tuple[NDArray[np.float64], NDArray[np.float64]]
    guessed: NDArray[np.float64]
    synthetic: int
    knows: str
    seeks: str

    def n(self, sides: tuple[NDArray[np.float64], NDArray[np.float64]]) -> tuple[int, int]:
        """Patients with a figure, of train and of the holdout."""
        return int(np.isfinite(sides[0]).sum()), int(np.isfinite(sides[1]).sum())


def targets(c: Comparison, seed: int, limit: int = MAX_TARGETS) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Target rows of train and of the holdout: one sample per patient, the holdout's class proportions.

    Raises:
        NotEvaluable: fewer than 20 patients on a side.
    """
    rng = np.random.default_rng([seed, RISK_TARGETS_STREAM])
    sides = [one_per_patient(cohort.subjects, rng) for cohort in (c.train, c.holdout)]
    if min(map(len, sides)) < MIN_SAMPLES or len(c.synthetic) < MIN_SAMPLES:
        raise NotEvaluable(
            f"it needs at least {MIN_SAMPLES} patients on each side and as many synthetic samples; train has "
            f"{len(sides[0])}, the holdout {len(sides[1])}, the synthetic cohort {len(c.synthetic)}"
        )
    share = np.bincount(c.holdout.y[sides[1]], minlength=len(c.classes)) / len(sides[1])
    drawn = [
        rows[pick(cohort.y[rows], proportional(share, min(len(rows), limit)), rng)]
        for rows, cohort in zip(sides, (c.train, c.holdout), strict=True)
    ]
    return drawn[0], drawn[1]


def _halved(comparison: Comparison, seed: int) -> _Halved:
    return comparison.memo(("halved", seed), partial(_make_halved, comparison, seed))


def _make_halved(c: Comparison, seed: int) -> _Halved:
    inside, out = targets(c, seed)
    rng = np.random.default_rng([seed, HALVES_STREAM])
    _, number = same_rows(c.z_synthetic[:0], c.z_synthetic)  # equal samples count once when records are linked by them
    single = np.unique(number, return_index=True)[1]
    made = c.z_synthetic[rng.permutation(single)[:MAX_SYNTHETIC]]
    x = np.concatenate([c.z_train[inside], c.z_holdout[out]])
    linked, inferred, guessed, cut = [], [], [], len(inside)
    for a, b in c.view.halvings(rng):
        near = [_nearest(x[:, half], made[:, half]) for half in (a, b)]
        linked.append((near[0] & near[1]).sum(axis=1) / (near[0].sum(axis=1) * near[1].sum(axis=1)))
        for way, secret in zip(near, (b, a), strict=True):
            taken = (way * (1 + rng.random(way.shape, dtype=np.float32))).argmax(axis=1)
            secret = c.view.secrets(secret, SECRETS, rng)
            truth, guess = x[:, secret], made[:, secret]
            inferred.append(_right(truth, guess[taken], c.view.presence))
            other = c.z_holdout[:, secret][rng.integers(0, len(c.holdout), cut)]
            guessed.append(_right(truth[:cut], other, c.view.presence))
    rates = [_mean(np.stack(each)) for each in (linked, inferred, guessed)]
    link, infer = ((rate[:cut], rate[cut:]) for rate in rates[:2])
    words = c.view.words
    return _Halved(link, infer, rates[2], len(made), words.half, words.sought)


def _nearest(x: Matrix, made: Matrix) -> NDArray[np.bool_]:
    """Which rows of `made` (m, d) are the nearest to each of `x`, (n, m): several if tied."""
    distance = distances(x, made)
    return np.asarray(distance <= distance.min(axis=1, keepdims=True))


def _right(truth: Matrix, guess: Matrix, presence: bool) -> NDArray[np.float64]:
    """Share of values inferred correctly, (n,); for presence 1 or 0, and NaN without an attribute to infer."""
    if presence:
        return np.where(truth.any(axis=1), (truth == guess).all(axis=1), np.nan)
    return np.asarray((np.abs(truth - guess) <= TOLERANCE).mean(axis=1), dtype=np.float64)


def _mean(each: NDArray[np.float64]) -> NDArray[np.float64]:
    """Mean over rows, ignoring NaN; NaN where all are."""
    have = np.isfinite(each)
    total = np.where(have, each, 0).sum(axis=0)
    return np.where(have.any(axis=0), total / np.maximum(have.sum(axis=0), 1), np.nan)


def _clustered(rates: NDArray[np.float64]) -> Interval:
    """Mean of the patients' success rates, 0 to 1, with Wilson's interval at the effective sample size."""
    rates = rates[np.isfinite(rates)]
    n, p = len(rates), float(rates.mean())
    variance = float(rates.var(ddof=1)) / n if n > 1 else 0.0
    effective = p * (1 - p) / variance if variance > 0 else n
    return wilson(p * effective, effective)
