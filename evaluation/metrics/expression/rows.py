"""Single patients: whether a few features of a row tell it from a real one, and whether its values can exist."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from scipy.stats import kurtosis, skew

from cohortsmith.data.value_laws import ValueLaw
from cohortsmith.evaluation.core import (
    SAMPLES_PER_SIDE,
    WILSON_INTERVAL,
    Finding,
    NotEvaluable,
    Stream,
    boosting,
    wilson,
)
from cohortsmith.evaluation.metrics.common import discriminator

if TYPE_CHECKING:
    from cohortsmith.data import Cohort
    from cohortsmith.evaluation.core import Matrix
    from cohortsmith.evaluation.spaces import Comparison

LEAST_GENES = 5
QUANTILES = (0.05, 0.25, 0.75, 0.95)
LAGS = (1, 2, 3)


def row_features_auc(comparison: Comparison, seed: int) -> Finding:
    """AUC of gradient boosting of synthetic against holdout patients on features of one row, 5-fold cross-validated.

    Features: correlations with the next genes in the file, mean, standard deviation, skewness, kurtosis, quantiles,
    extremes, the shares of genes at train's lowest and highest value, and the share of values that obey train's law.
    """
    draw = comparison.draw(SAMPLES_PER_SIDE, seed)
    if draw.real.shape[1] < LEAST_GENES:
        raise NotEvaluable(f"features of a row need {LEAST_GENES} genes; there are {draw.real.shape[1]}")
    ends = comparison.z_train.min(axis=0), comparison.z_train.max(axis=0)
    law = _law(comparison.train)
    sides = (
        (draw.real, comparison.holdout, draw.rows.real),
        (draw.synthetic, comparison.synthetic, draw.rows.synthetic),
        (draw.reference, comparison.train, draw.rows.reference),
    )
    real, synthetic, reference = (
        np.column_stack([_features(z, *ends), 1 - law.broken(cohort.x[rows]).mean(axis=1)]).astype(np.float32)
        for z, cohort, rows in sides
    )
    found, same = (
        discriminator.cross_validated(boosting, real, x, discriminator.folds_of(draw.real_y, y, seed), seed).auc
        for x, y in ((synthetic, draw.synthetic_y), (reference, draw.reference_y))
    )
    detail = {"n": len(draw), "features": real.shape[1]}
    return Finding(*found, reference=same.value, chance=0.5, interval=discriminator.AUC_INTERVAL, detail=detail)


def impossible_values(comparison: Comparison, seed: int) -> Finding:
    """Share of synthetic patients with a value that breaks a law of train's (`ValueLaw`) or lies beyond its bounds.

    Bounds are train's least and largest value; a holdout patient may lie beyond them now and then, and breaks no other
    law. Chance: patients of independent normal genes.
    """
    train = comparison.train
    law = _law(train)
    least, most = float(train.x.min()), float(train.x.max())

    def broken(x: Matrix) -> int:
        return int(((x < least) | (x > most) | law.broken(x)).any(axis=1).sum())

    def share(cohort: Cohort) -> float:
        return broken(cohort.x) / len(cohort)

    rng = np.random.default_rng([seed, Stream.IMPOSSIBLE_VALUES])
    location, spread = train.x.mean(axis=0), train.x.std(axis=0)
    noise = (location + spread * rng.standard_normal((min(len(comparison.holdout), 1000), len(location)))).astype(
        np.float32
    )
    return Finding(
        *wilson(broken(comparison.synthetic.x), len(comparison.synthetic)),
        reference=share(comparison.holdout),
        chance=broken(noise) / len(noise),
        interval=WILSON_INTERVAL,
        detail={
            "n": len(comparison.synthetic),
            "decimals": law.decimals,
            "logs_of_whole_numbers": law.of_whole,
            "fixed_values": len(law.levels),
        },
    )


def _law(train: Cohort) -> ValueLaw:
    return ValueLaw.of(train.x, logarithms=train.scale == "log")


def _features(x: Matrix, low: Matrix, high: Matrix) -> Matrix:
    centred = x - x.mean(axis=1, keepdims=True)
    norm = np.maximum((centred**2).sum(axis=1), 1e-12)
    next_genes = [(centred[:, lag:] * centred[:, :-lag]).sum(axis=1) / norm for lag in LAGS]
    columns = [
        *next_genes,
        x.mean(axis=1),
        x.std(axis=1),
        skew(x, axis=1),
        kurtosis(x, axis=1),
        *np.quantile(x, QUANTILES, axis=1),
        x.min(axis=1),
        x.max(axis=1),
        (x <= low).mean(axis=1),
        (x >= high).mean(axis=1),
    ]
    features: Matrix = np.nan_to_num(np.stack(columns, axis=1)).astype(np.float32)
    return features
