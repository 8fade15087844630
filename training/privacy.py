"""The budget of a private run and its ledger, on Opacus's accountant.

What the guarantee covers. Two cohorts that differ by one patient's record, there or not, lead to weights whose laws
differ by at most epsilon, but for an event of probability delta (Dwork et al. 2006). It covers everything that comes of
the weights: their running average, samples, and whatever is computed of these (post-processing). It covers what is
written on the way, since no loss on patients is: the history holds norms of gradients that carry their noise already.

What it does not cover. The number of patients, from which the sampling rate comes, is taken as public; the choice of
settings, where several were tried on the same patients, costs more than is counted here (Papernot & Steinke 2022);
noise is of PyTorch's generator and in floating point (Mironov 2012), though in four parts, as Opacus's secure mode has
it (Holohan & Braghin 2021). A patient with several records is covered for each of them and not for all together.
Figures that compare samples with the patients themselves, a scorecard's or an audit's, are not covered either. A
checkpoint holds what the noise is drawn from, and must stay in the house until it is removed.

A written seed would let anybody take the noise out again: patients and noise are drawn from a secret of the system's
own, so that two private runs of one seed differ. The secret stands in the checkpoint, and a resumed run draws the very
noise that it would have drawn.
"""

from __future__ import annotations

import json
import math
import secrets
import warnings
from dataclasses import dataclass, field
from functools import lru_cache
from typing import TYPE_CHECKING

from cohortsmith.training.errors import TrainingError

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    Charges = Sequence[tuple[float, float, int]]

ACCOUNTANT = "prv"  # numerical composition of privacy loss (Gopi et al. 2021)
MOST_EPSILON = 100.0
_PRECISE = 0.01  # of epsilon, that the search for noise leaves over
_LEAST_NOISE, _MOST_NOISE = 0.3, 1e5  # the accountant's grid is too coarse below


@dataclass(frozen=True)
class Privacy:
    """What a run may tell of any one patient.

    Attributes:
        epsilon: most that may be spent in all, above 0.
        delta: probability of telling more, below one over the patients.
        clip: largest norm of one patient's gradient.
        class_shares: (classes,) shares from which players that see no patient draw classes.
        charges: releases that have seen the patients before training, as Opacus keeps its ledger: noise multiplier,
            share of the patients drawn, times.
        secret: what sampling and noise are drawn from.
    """

    epsilon: float
    delta: float
    clip: float = 1.0
    class_shares: tuple[float, ...] = ()
    charges: tuple[tuple[float, float, int], ...] = ()
    secret: int = field(default_factory=lambda: secrets.randbits(128), repr=False)

    def __post_init__(self) -> None:
        if not 0 < self.epsilon <= MOST_EPSILON:
            raise TrainingError(f"epsilon: expected a number above 0, at most {MOST_EPSILON:g}; got {self.epsilon!r}")
        if not 0 < self.delta < 1:
            raise TrainingError(f"delta: expected a probability between 0 and 1, got {self.delta!r}")
        if not 0 < self.clip < math.inf:
            raise TrainingError(f"clip: expected a positive norm, got {self.clip!r}")


def secret_of(checkpoint: Path | None) -> int:
    """Return the secret of the unfinished run in a folder, or a new one."""
    if checkpoint is not None:
        try:
            content = json.loads((checkpoint / "checkpoint.json").read_text(encoding="utf-8"))
            return int(content["values"]["privacy"]["secret"])
        except (OSError, ValueError, KeyError, TypeError):
            pass  # none, or a broken one: the training loop says what is wrong with it
    return secrets.randbits(128)


def epsilon_of(charges: Charges, delta: float, accountant: str = ACCOUNTANT) -> float:
    """Return the epsilon that Opacus's accountant counts for releases: noise multiplier, sampling rate, times."""
    return _epsilon(merged(charges), delta, accountant)


def merged(charges: Charges) -> tuple[tuple[float, float, int], ...]:
    """Return the same ledger with equal releases in a row as one entry."""
    ledger: list[tuple[float, float, int]] = []
    for noise, rate, times in charges:
        if ledger and ledger[-1][:2] == (noise, rate):
            times += ledger.pop()[2]
        ledger.append((noise, rate, times))
    return tuple(ledger)


@lru_cache(maxsize=1024)
def _epsilon(charges: tuple[tuple[float, float, int], ...], delta: float, accountant: str) -> float:
    from opacus.accountants import create_accountant

    if not charges:
        return 0.0
    ledger = create_accountant(accountant)
    ledger.history = list(charges)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # that another order of Rényi's might bound it better
        return float(ledger.get_epsilon(delta=delta))


def noise_multiplier(
    epsilon: float, delta: float, *, rate: float, times: int, charges: Charges = (), accountant: str = ACCOUNTANT
) -> float:
    """Return the noise at which so many more releases spend what is left of epsilon, but for a hundredth at most.

    Args:
        epsilon: the budget in all.
        delta: probability of telling more.
        rate: share of the patients that each release draws.
        times: number of releases.
        charges: what has been released before.
        accountant: who counts.

    Raises:
        TrainingError: nothing of the budget is left, or no noise is enough.
    """
    # Epsilon falls with noise about as a power of it: a line through two points in logarithms, kept between bounds.
    low, high, sigma, steep = _LEAST_NOISE, _MOST_NOISE, 1.0, -1.5
    before: tuple[float, float] | None = None
    while high / low > 1 + _PRECISE / 2:
        spent = epsilon_of([*charges, (sigma, rate, times)], delta, accountant)
        low, high = (low, sigma) if spent <= epsilon else (sigma, high)
        if (1 - _PRECISE) * epsilon <= spent <= epsilon or high == _LEAST_NOISE:
            return sigma
        here = (math.log(sigma), math.log(spent))
        if before and here[0] != before[0]:
            steep = min((here[1] - before[1]) / (here[0] - before[0]), -0.3)
        before = here
        aim = sigma * (epsilon * (1 - _PRECISE / 2) / spent) ** (1 / steep)
        sigma = aim if low < aim < high else max(math.sqrt(low * high), _LEAST_NOISE)
    if high == _MOST_NOISE:
        raise TrainingError(f"epsilon: {epsilon:g} cannot be kept over {times} releases; ask for more, or fewer steps")
    return high
