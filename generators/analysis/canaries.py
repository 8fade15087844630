"""Canaries: records planted into a fit, whose detectability gives a lower bound on epsilon next to the claimed one.

One run is enough (Steinke, Nasr & Jagielski 2023, "Privacy auditing with one (1) training run"): each of many canaries,
artificial records unlike any patient's, is included in the cohort or not by a coin toss. An attacker who has the model
then guesses for some of them whether they were included. (epsilon, delta) bounds the number of correct guesses, so
correct guesses bound epsilon from below. The bound is that of this attacker: a low one proves nothing, a high one
disproves a claim.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
import torch
from scipy import stats

from cohortsmith.data import DataError
from cohortsmith.generators.neural import NeuralGenerator
from cohortsmith.generators.registry import make_generator
from cohortsmith.training.private import SinglePatientBatch

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from cohortsmith.data import Cohort
    from cohortsmith.training import Runtime

_REPEATS = 128  # draws of noise that a canary's loss is averaged over
_GUESSED = 0.5  # share of the canaries that are guessed: the highest scores in, the lowest out
_TILES = 7  # on a side of an image canary


@dataclass(frozen=True)
class CanaryAudit:
    """Result of one run.

    Attributes:
        canaries: included or not.
        guesses, correct: number of guesses, and of correct ones.
        lower: lower bound on epsilon at `confidence`; 0 where the guesses exclude nothing.
        claimed: epsilon that the fit has spent by its accountant; infinite without differential privacy.
        delta: of both.
        confidence: of the lower bound.
    """

    canaries: int
    guesses: int
    correct: int
    lower: float
    claimed: float
    delta: float
    confidence: float


def audit(
    family: str,
    cohort: Cohort,
    *,
    canaries: int = 200,
    seed: int = 0,
    confidence: float = 0.95,
    delta: float = 1e-5,
    runtime: Runtime | None = None,
    **settings: Any,
) -> CanaryAudit:
    """Fit a family to a cohort with canaries, and guess by the loss of the trained networks which were included.

    The attacker has the model itself and not only samples, like any recipient of a model folder. The fitted model has
    learned canaries and is discarded.

    Args:
        family: `gan`, `wgan`, `vae` or `diffusion`.
        cohort: of expression or images; canaries are added to it.
        canaries: number, at least 10.
        seed: of canaries, coins, fit and guesses.
        confidence: of the lower bound.
        delta: used where the fit claims none.
        runtime: device and progress.
        settings: of the family.

    Raises:
        DataError: a baseline, another data kind, or too few canaries.
    """
    generator = make_generator(family, **settings)
    if not isinstance(generator, NeuralGenerator) or cohort.about.coded:
        raise DataError("canaries are for gan, wgan, vae and diffusion on expression or images")
    if canaries < 10:
        raise DataError(f"canaries: at least 10 were expected; got {canaries}")
    rng = np.random.default_rng([seed, 11])
    planted = plant(cohort, canaries, rng)
    coins = rng.random(canaries) < 0.5
    rows = np.concatenate([np.arange(len(cohort)), len(cohort) + np.flatnonzero(coins)])
    generator.fit(planted.take(rows), seed=seed, runtime=runtime)
    scores = -losses_of(generator, planted.take(np.arange(len(cohort), len(planted))), seed)
    order, each = np.argsort(scores, kind="stable"), max(int(canaries * _GUESSED / 2), 1)
    correct = int(coins[order[-each:]].sum() + (~coins[order[:each]]).sum())
    claim = generator.summary.get("privacy", {})
    delta = claim.get("delta", delta)
    lower = epsilon_below(canaries, 2 * each, correct, delta, confidence)
    return CanaryAudit(canaries, 2 * each, correct, lower, claim.get("epsilon_spent", math.inf), delta, confidence)


def plant(cohort: Cohort, canaries: int, rng: np.random.Generator) -> Cohort:
    """The cohort with canaries appended to its patients, each of a random class.

    In expression canaries, every gene is near the lower or the upper end of its range in the cohort, by a coin toss
    each; image canaries have black and white tiles. No patient is similar, so that a low loss shows memorisation.
    """
    n, y = len(cohort), rng.choice(np.flatnonzero(np.bincount(cohort.y)), canaries)
    if cohort.about.pictured:
        side, channels = cohort.x.shape[1] // _TILES, cohort.x.shape[-1]
        tiles = rng.integers(0, 2, (canaries, _TILES, _TILES, channels)) * 255
        x = tiles.repeat(side, axis=1).repeat(side, axis=2).astype(cohort.x.dtype)
    else:
        ends = np.quantile(cohort.x, [0.02, 0.98], axis=0)
        inwards = 0.1 * rng.random((canaries, cohort.x.shape[1]))  # no two are the same
        shares = np.where(rng.random(inwards.shape) < 0.5, inwards, 1 - inwards)
        x = (ends[0] + shares * np.ptp(ends, axis=0)).astype(cohort.x.dtype)
        x = np.rint(x) if cohort.scale == "counts" else x
    names = np.array([f"canary-{number}" for number in range(canaries)])
    return replace(
        cohort,
        x=np.concatenate([cohort.x, x]),
        y=np.concatenate([cohort.y, y]),
        subjects=np.concatenate([cohort.subjects.astype(str), names]),
        obs=pd.DataFrame(index=pd.Index([*(f"patient-{row}" for row in range(n)), *names], name="sample_id")),
    )


@torch.no_grad()
def losses_of(generator: NeuralGenerator, patients: Cohort, seed: int = 0) -> NDArray[np.float64]:
    """Loss of a fitted model on each patient (n,), averaged over the same noise for all."""
    bound, rng = generator.binding, np.random.default_rng([seed, 12])
    x = torch.from_numpy(np.ascontiguousarray(bound.codec.encode(patients, rng)))
    y, family, nets = bound.groups(patients), bound.objective, generator.networks
    player = family.private_moves(0, 1)[0]
    found = np.empty(len(x))
    for row in range(len(x)):
        noise = torch.Generator().manual_seed(seed)
        batch = SinglePatientBatch(x[row].expand(_REPEATS, *x.shape[1:]), y[row].expand(_REPEATS), noise, 1, 1)
        found[row] = float(family.private_loss(nets, batch, player))
    return found


def epsilon_below(canaries: int, guesses: int, correct: int, delta: float, confidence: float = 0.95) -> float:
    """Largest epsilon that the number of correct guesses excludes (theorem 5.2, appendix D); 0 where there is none."""
    level = 1 - confidence
    if chance_of(canaries, guesses, correct, 0.0, delta) > level:
        return 0.0
    low, high = 0.0, 1.0
    while chance_of(canaries, guesses, correct, high, delta) < level:
        low, high = high, 2 * high
        if high > 64:  # every guess of thousands is right
            return low
    for _ in range(40):
        middle = (low + high) / 2
        low, high = (middle, high) if chance_of(canaries, guesses, correct, middle, delta) < level else (low, middle)
    return low


def chance_of(canaries: int, guesses: int, correct: int, epsilon: float, delta: float) -> float:
    """Upper bound on the probability of at least `correct` correct guesses under (epsilon, delta).

    Under pure epsilon a guess is right at most as often as randomised response, e^epsilon / (1 + e^epsilon), whatever
    the others are; delta adds 2 delta per canary, at the worst point of the binomial.
    """
    right = 1 / (1 + math.exp(-epsilon))
    beta = float(stats.binom.sf(correct - 1, guesses, right))
    below = np.cumsum(stats.binom.pmf(correct - np.arange(1, correct + 1), guesses, right))
    alpha = float((below / np.arange(1, correct + 1)).max(initial=0.0))
    return min(beta + 2 * canaries * delta * alpha, 1.0)
