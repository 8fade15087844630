"""Singling out, linkability and inference: the three risks of the Article 29 Working Party's opinion 05/2014.

Each is measured by an attack on train, the same attack on the holdout (the control: what is true of people in general
and was not learnt from anybody in train), and a guess that does not look at the synthetic cohort.
Definitions: Giomi et al. (2023), "A unified framework for quantifying privacy risk in synthetic data", PoPETs 2023(2).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from evaluation.comparison import Comparison
    from evaluation.intervals import Interval


@dataclass(frozen=True)
class Risk:
    """One of the three risks.

    Attributes:
        name: "singling_out", "linkability" or "inference".
        attack: success rate on train, with Wilson's interval.
        control: success rate of the same attack on the holdout.
        naive: success rate on train of a guess without the synthetic cohort.
        value: (attack - control) / (1 - control), 0 where it would be negative; Giomi et al. (2023), eq. 5.
        low: lower end of the 95 % interval of `value`.
        high: upper end of the 95 % interval of `value`.
        n: patients attacked (guesses made) on each side: of train, of the holdout.
        status: "ok", or "weak: why" where the attack did no better than the guess: a low risk then says little; or
            "not evaluable: why", with NaN for figures.
        how: what was attacked, one sentence.
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


def risks(comparison: Comparison, seed: int) -> dict[str, Risk]:
    """The three risks by name; each says for itself in `status` when it cannot be measured."""
    raise NotImplementedError
