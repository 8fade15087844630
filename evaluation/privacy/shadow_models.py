"""Membership inference by shadow models, after LiRA (Carlini et al. 2022, IEEE S&P, section IV).

The attacker knows family and settings, and has patients from the same population as the targets. The same generator is
fitted many times on random parts of train and holdout together, so that each target is IN some parts and OUT of others,
and the distances of each shadow's virtual patients to the targets are recorded. For each target they are modelled as
normal when IN and when OUT, and the released cohort is scored by the likelihood ratio of the two. It is the strongest
black-box attack here: it is calibrated to the distance that virtual patients have to each target anyway.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
from sklearn.metrics import roc_curve

from cohortsmith.data.errors import DataError
from cohortsmith.evaluation.core import NotEvaluable, auc, nearest
from cohortsmith.evaluation.privacy.attack_settings import (
    MAX_MEMBERSHIP_TARGETS,
    MAX_SYNTHETIC,
    MIN_SAMPLES,
    SHADOW_FITS_STREAM,
    SHADOW_PARTS_STREAM,
)
from cohortsmith.evaluation.privacy.attacks import Records, class_density, covariance, covariance_within
from cohortsmith.evaluation.privacy.membership_attacks import attack_result
from cohortsmith.evaluation.privacy.processes import in_processes
from cohortsmith.evaluation.spaces import Comparison

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from numpy.typing import NDArray

    from cohortsmith.data.cohort import Cohort
    from cohortsmith.evaluation.core import Interval
    from cohortsmith.evaluation.privacy.membership_attacks import Attack

    FitAndSample = Callable[[Cohort, Mapping[str, int], int], Cohort]

LEAST_SHADOWS = 4
NEIGHBOURS = 10
_SHARE = (0.25, 0.75)  # least and greatest share of the patients in a shadow, so that both IN and OUT are seen


@dataclass(frozen=True, eq=False)
class _Pool:
    """Patients that shadows are fitted on, and the targets among them.

    Attributes:
        train: training patients of the released generator.
        holdout: unseen patients of the same population.
        targets: rows of the targets in train and holdout, concatenated.
        counts: virtual patients of each class to draw, as in the released cohort.
    """

    train: Cohort
    holdout: Cohort
    targets: NDArray[np.int64]
    counts: Mapping[str, int]

    def nearness(self, made: Cohort) -> NDArray[np.float64]:
        """Features of a release for each target, (targets, 5), each compared with shadows that left the target out.

        Nearness of the nearest virtual patient, and mean of the nearest ten; likeness in the covariance of all, and
        within classes; log density in the Gaussian of the class. Nearness is minus the logarithm of the distance, as
        Carlini et al. take logarithms to come closer to a normal distribution. A tenth of the median distance is added,
        so that the value of a copy is finite.
        """
        c = Comparison(self.train, self.holdout, made)
        x = np.concatenate([c.z_train, c.z_holdout])[self.targets]
        targets = Records(x, np.concatenate([c.train.y, c.holdout.y])[self.targets])
        virtual = Records(c.z_synthetic, c.synthetic.y)
        near = nearest(x, c.z_synthetic, min(NEIGHBOURS, len(made))).astype(np.float64)
        typical = float(np.median(near[:, -1])) or 1.0
        logs = -np.log(near + 0.1 * typical)
        laws = (covariance, covariance_within, class_density)
        return np.column_stack([logs[:, 0], logs.mean(axis=1), *(law(virtual)(targets) for law in laws)])


def shadow_attack(
    train: Cohort,
    holdout: Cohort,
    synthetic: Cohort,
    fit_and_sample: FitAndSample,
    *,
    shadows: int = 16,
    seed: int = 0,
    jobs: int = 1,
) -> Attack:
    """Attack the released cohort by `shadows` generators of the same family and settings.

    Each patient is IN equally many shadows, balanced over classes. A shadow is fitted on as many patients as the
    released generator, but on at most three quarters of all. The control is the same attack with the last shadow in the
    released cohort's place, between patients of train and of the holdout who were all OUT of it: its AUC must be
    compatible with 0.5.

    Args:
        train: training patients of the released generator, the members.
        holdout: unseen patients, the non-members.
        synthetic: the released cohort.
        fit_and_sample: called as fit_and_sample(cohort, counts, seed): fits the released generator's family with its
            settings, and draws these numbers of virtual patients per class. Must be picklable if jobs > 1.
        shadows: number of shadow models, at least 4; the more, the stronger, 16 to 64 are usual.
        seed: of parts, fits and draws.
        jobs: parallel fits, each in its own process.

    Raises:
        DataError: fewer than 4 shadows.
        NotEvaluable: too few patients, or a class too small for a shadow to be fitted.
    """
    if shadows < LEAST_SHADOWS:
        raise DataError(f"a shadow attack needs at least {LEAST_SHADOWS} shadows, 16 or more are better; got {shadows}")
    c = Comparison(train, holdout, synthetic)
    if min(len(c.train), len(c.holdout), len(c.synthetic)) < MIN_SAMPLES:
        raise NotEvaluable(
            f"a shadow attack needs at least {MIN_SAMPLES} samples per cohort; there are {len(c.train)} of train, "
            f"{len(c.holdout)} of the holdout and {len(c.synthetic)} synthetic ones"
        )
    rng = np.random.default_rng([seed, SHADOW_PARTS_STREAM])
    members, others = (np.sort(rng.permutation(len(side))[:MAX_MEMBERSHIP_TARGETS]) for side in (c.train, c.holdout))
    targets = np.concatenate([members, len(c.train) + others])
    released = c.synthetic.take(np.sort(rng.permutation(len(c.synthetic))[:MAX_SYNTHETIC]))
    counts = {name: n for name, n in released.class_counts().items() if n}
    pool = _Pool(c.train, c.holdout, targets, counts)
    inside = _parts(c.train, c.holdout, shadows, rng)
    seeds = np.random.SeedSequence([seed, SHADOW_FITS_STREAM]).generate_state(shadows).tolist()
    near = _fitted(pool, fit_and_sample, inside, [int(one) >> 1 for one in seeds], jobs)
    score = log_ratio(near, inside[:, targets], pool.nearness(released))
    known, new = score[: len(members)], score[len(members) :]
    false, true, _ = roc_curve(np.repeat([1, 0], [len(known), len(new)]), score)
    return attack_result(
        "shadow",
        "all",
        f"{shadows} shadow generators",
        (known, new),
        _control(near, inside[:, targets], len(members)),
        len(c.train) / (len(c.train) + len(c.holdout)),
        seed,
        (false, true),
    )


def log_ratio(near: NDArray[np.float64], inside: NDArray[np.bool_], seen: NDArray[np.float64]) -> NDArray[np.float64]:
    """Log likelihood ratio of IN to OUT of each patient, (n,); Carlini et al. (2022), eq. 4, in two dimensions.

    Nearness when IN and OUT is normal with means per patient and a common covariance (their variant for few shadows,
    section VI-C). A patient's difference of means is shrunk towards the mean difference of all, the more the noisier it
    is (empirical Bayes).

    Args:
        near: (shadows, n, d) nearness of each shadow's virtual patients.
        inside: (shadows, n) whether a patient was IN; both occur for each patient.
        seen: (n, d) nearness of the released cohort.
    """
    shadows, n, d = near.shape
    within: NDArray[np.bool_] = inside[..., None]
    n_in, n_out = within.sum(axis=0), (~within).sum(axis=0)
    mean_in, mean_out = (near * within).sum(axis=0) / n_in, (near * ~within).sum(axis=0) / n_out
    residual = near - np.where(within, mean_in, mean_out)
    flat = residual.reshape(-1, d)
    covariance = flat.T @ flat / max(1, (shadows - 2) * n)
    covariance += 1e-9 * np.eye(d) * max(float(np.trace(covariance)), 1e-9)
    gap = mean_in - mean_out
    mean_gap = gap.mean(axis=0)
    noise = np.diag(covariance) * (1 / n_in + 1 / n_out)
    kept = np.clip(1 - noise.mean(axis=0) / np.maximum(gap.var(axis=0), 1e-12), 0, 1)
    gap = mean_gap + kept * (gap - mean_gap)
    # The mean over all shadows is known far better than those of IN and OUT, which lie about it by their shares.
    share = n_in / shadows
    middle = near.mean(axis=0) + (0.5 - share) * gap
    ratio: NDArray[np.float64] = ((seen - middle) * np.linalg.solve(covariance, gap.T).T).sum(axis=1)
    return ratio


def _parts(train: Cohort, holdout: Cohort, shadows: int, rng: np.random.Generator) -> NDArray[np.bool_]:
    """Which samples of train, then of holdout, are IN each shadow, (shadows, n): whole patients, equally often.

    Within a class, patients are assigned in turn from a random start, in rounds of as many as there are shadows; so the
    numbers of patients per class differ by at most one between shadows.
    """
    n = len(train) + len(holdout)
    share = float(np.clip(len(train) / n, *_SHARE))
    repeats = int(np.clip(round(share * shadows), 2, shadows - 2))  # so that the control may leave one out
    subjects = _distinct(train, holdout)
    y = np.concatenate([train.y, holdout.y])
    _, first, of = np.unique(subjects, return_index=True, return_inverse=True)
    drawn = np.zeros((shadows, len(first)), dtype=bool)
    for label in np.unique(y[first]):
        mine = rng.permutation(np.flatnonzero(y[first] == label))
        for start in range(0, len(mine), shadows):
            order, turns = rng.permutation(shadows), rng.permutation(shadows)
            for patient, turn in zip(mine[start : start + shadows], turns, strict=False):
                drawn[order[(turn + np.arange(repeats)) % shadows], patient] = True
    return drawn[:, of]


def _fitted(
    pool: _Pool, fit_and_sample: FitAndSample, inside: NDArray[np.bool_], seeds: list[int], jobs: int
) -> NDArray[np.float64]:
    """Features of each shadow's release for the targets, (shadows, targets, 5)."""
    tasks = [(pool, fit_and_sample, part, seed) for part, seed in zip(inside, seeds, strict=True)]
    return np.stack(in_processes(_shadow, tasks, jobs))


def _shadow(pool: _Pool, fit_and_sample: FitAndSample, inside: NDArray[np.bool_], seed: int) -> NDArray[np.float64]:
    try:
        made = fit_and_sample(joined(pool.train, pool.holdout).take(inside), pool.counts, seed)
    except DataError as error:
        raise NotEvaluable(f"a shadow generator could not be fitted: {error}") from None
    return pool.nearness(made)


def joined(train: Cohort, holdout: Cohort) -> Cohort:
    """Samples of both, train's first; patients with the same id in both stay distinct."""
    subjects = _distinct(train, holdout)
    ids = [f"{i}" for i in range(len(subjects))]
    return replace(
        train,
        x=np.concatenate([train.x, holdout.x]),
        y=np.concatenate([train.y, holdout.y]),
        subjects=subjects,
        obs=pd.DataFrame(index=pd.Index(ids, name="sample_id")),
    )


def _distinct(train: Cohort, holdout: Cohort) -> NDArray[np.str_]:
    return np.concatenate([np.char.add("train ", train.subjects), np.char.add("holdout ", holdout.subjects)])


def _control(near: NDArray[np.float64], inside: NDArray[np.bool_], members: int) -> Interval | None:
    """AUC of the attack on the last shadow, between train and holdout patients who were all OUT of it."""
    out = ~inside[-1]
    known, new = (np.flatnonzero(out[part]) + part.start for part in (slice(0, members), slice(members, len(out))))
    if min(len(known), len(new)) < MIN_SAMPLES:
        return None
    score = log_ratio(near[:-1], inside[:-1], near[-1])
    return auc(score[known], score[new])
