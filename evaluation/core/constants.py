"""Constants that several metrics share: sample sizes, names of intervals, and the random streams of a seed."""

from __future__ import annotations

from typing import Final

SAMPLES_PER_SIDE: Final = 2000
"""Largest draw of each cohort where the cost grows with its square (distances, kernels) or a classifier is fitted."""

LARGE_SAMPLES_PER_SIDE: Final = 5000
"""Largest draw of each cohort where the cost is linear in its size."""

MIN_PER_SIDE: Final = 20
"""Fewest samples of each cohort, or of each class in it, that a metric is computed on."""

MIN_FOR_1_PERCENT: Final = 100
"""Fewest samples of which a 1 % quantile, or a rate of 1 %, can be taken."""

MAX_FITTED: Final = 5000
"""Most samples of train that principal components or clusters are fitted on."""

BOOTSTRAP_ROUNDS: Final = 500

TAILS_95: Final = (0.025, 0.975)
"""Probabilities at the ends of a two-sided 95 % interval."""

JACKKNIFE_INTERVAL: Final = "delete-a-group jackknife over samples, 10 groups"
HALF_SAMPLE_INTERVAL: Final = "delete-half jackknife over samples, 20 half-samples"
MEAN_INTERVAL: Final = "normal, of the mean"
WILSON_INTERVAL: Final = "Wilson"


class Stream:
    """Random streams: `np.random.default_rng([seed, Stream.DRAW])` is independent of the other streams of the seed."""

    DRAW: Final = 11
    CORRELATED_GENES: Final = 21
    PROJECTIONS: Final = 22
    TIGHT_PAIRS: Final = 23
    GAPS: Final = 24
    MODULES: Final = 25
    IMPOSSIBLE_VALUES: Final = 26
    COMPONENTS: Final = 31
    BOOSTED_GENES: Final = 41
    FOLDS: Final = 42
    CLASSIFIER_SAMPLES: Final = 51
    CLASSIFIER_BOOTSTRAP: Final = 52
    TRAIN_OR_HOLDOUT: Final = 61
    CLOSEST_RECORD: Final = 62
    NEAR_COPIES_TRAIN: Final = 65
    NEAR_COPIES_HALVES: Final = 66
    REGISTRATION: Final = 67
    COPY_DETECTOR: Final = 68
    NEARNESS_RATIO: Final = 69
    MEMBERSHIP_BOOTSTRAP: Final = 71
    MEMBERSHIP: Final = 72
    UNIQUE_MEMBERSHIP: Final = 73
    STRUCTURELESS: Final = 77
    IDENTITY_BASELINE: Final = 81
    COLOUR_MODES: Final = 91  # of images
    POSITION_BASELINE: Final = 91  # of sequences: no comparison draws from both
    FRAME_BASELINE: Final = 95
