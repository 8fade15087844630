"""Privacy budget of a private run and its ledger, on Opacus's accountant.

What the guarantee covers. Two cohorts that differ by the presence of one patient's record lead to weights whose
distributions differ by at most epsilon, except with probability delta (Dwork et al. 2006). It covers everything derived
from the weights: their running average, samples, and whatever is computed from these (post-processing). It covers the
training history too, which holds no loss on patients, only norms of gradients with their noise added.

What it does not cover. The number of patients, from which the sampling rate follows, is taken as public; selecting
settings by several fits on the same patients costs more than is accounted for (Papernot & Steinke 2022); noise comes
from PyTorch's generator in floating point (Mironov 2012), though as a sum of four draws, as in Opacus's secure mode
(Holohan & Braghin 2021). A record counts as a patient: whoever has several records of one patient must choose one
before (`cohortsmith.generators.private.budget`). Results
that compare samples with the patients themselves, such as a scorecard or an audit, are not covered either. A
checkpoint contains the secret of the noise: it is for internal use only until it is removed.

A known seed would allow the noise to be subtracted: patients and noise are drawn from a secret of the operating system,
so that two private runs with the same seed differ. The secret is stored in the checkpoint, and a resumed run draws
exactly the noise that the uninterrupted run would have drawn.
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
_PRECISE = 0.01  # fraction of epsilon that the search for the noise may leave unspent
_LEAST_NOISE, _MOST_NOISE = 0.3, 1e5  # below, the accountant's grid is too coarse


@dataclass(frozen=True)
class Privacy:
    """Differential privacy of a run.

    Attributes:
        epsilon: total privacy budget, above 0.
        delta: probability of exceeding it, below one over the number of patients.
        clip: largest norm of one patient's gradient.
        class_shares: (classes,) class probabilities for players that see no patients.
        charges: releases computed on the patients before training, as in Opacus's ledger: noise multiplier, sampling
            rate, number of releases.
        secret: seed of sampling and noise.
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
        except (OSError, ValueError, KeyError, TypeError, RecursionError):
            pass  # none, or a broken one, which the training loop reports
    return secrets.randbits(128)


def epsilon_of(charges: Charges, delta: float, accountant: str = ACCOUNTANT) -> float:
    """Return the epsilon spent by releases (noise multiplier, sampling rate, times), by Opacus's accountant."""
    return _epsilon(merged_charges(charges), delta, accountant)


def merged_charges(charges: Charges) -> tuple[tuple[float, float, int], ...]:
    """Return the same ledger with consecutive equal releases merged."""
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
        warnings.simplefilter("ignore")  # another Rényi order might give a tighter bound
        return float(ledger.get_epsilon(delta=delta))


def noise_multiplier(
    epsilon: float, delta: float, *, rate: float, times: int, charges: Charges = (), accountant: str = ACCOUNTANT
) -> float:
    """Return the noise multiplier at which `times` further releases spend the rest of epsilon, up to a hundredth.

    Args:
        epsilon: total budget.
        delta: probability of exceeding it.
        rate: share of the patients sampled for each release.
        times: number of further releases.
        charges: previous releases.
        accountant: name of Opacus's accountant.

    Raises:
        TrainingError: no budget is left, or no noise is sufficient.
    """
    # Epsilon is roughly a power law of the noise: secant steps in logarithms, kept between bounds.
    low, high, sigma, steep = _LEAST_NOISE, _MOST_NOISE, 1.0, -1.5
    before: tuple[float, float] | None = None
    while high / low > 1 + _PRECISE / 2:
        spent = epsilon_of([*charges, (sigma, rate, times)], delta, accountant)
        low, high = (low, sigma) if spent <= epsilon else (sigma, high)
        if (1 - _PRECISE) * epsilon <= spent <= epsilon or high == _LEAST_NOISE:
            return sigma
        now = (math.log(sigma), math.log(spent))
        if before and now[0] != before[0]:
            steep = min((now[1] - before[1]) / (now[0] - before[0]), -0.3)
        before = now
        aim = sigma * (epsilon * (1 - _PRECISE / 2) / spent) ** (1 / steep)
        sigma = aim if low < aim < high else max(math.sqrt(low * high), _LEAST_NOISE)
    if high == _MOST_NOISE:
        raise TrainingError(
            f"epsilon: {epsilon:g} is too small for {times} releases; choose a larger one or fewer steps"
        )
    return high
