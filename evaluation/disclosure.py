"""Attribute disclosure: who knows half of a patient and holds the synthetic cohort, what does he learn of the rest?"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from evaluation.comparison import Comparison
    from evaluation.intervals import Interval


@dataclass(frozen=True)
class Disclosure:
    """One attack on one secret.

    Attributes:
        name: secret and method, such as "values, nearest" or "class, nearest".
        knows: what the attacker knows of a patient, in words.
        infers: what he infers, in words.
        score: what is scored, in words; 1 is all right.
        train: mean score on patients of train.
        holdout: mean score on patients of one half of the holdout: what the cohort teaches about anybody.
        gain: `train` - `holdout`, with its 95 % interval: what it gives away about its own patients.
        control: the same gain with the other half of the holdout in the synthetic cohort's place; near 0.
        baseline: mean score on patients of train of a guess that ignores what is known of them.
        n: patients attacked, of train and of the holdout.
    """

    name: str
    knows: str
    infers: str
    score: str
    train: Interval
    holdout: Interval
    gain: Interval
    control: Interval
    baseline: float
    n: tuple[int, int]


def disclosure(comparison: Comparison, seed: int) -> list[Disclosure]:
    """All attacks that the data kind allows.

    Raises:
        NotEvaluable: too few patients.
    """
    raise NotImplementedError
