"""A membership attack by shadow generators, in the manner of LiRA (Carlini et al. 2022, IEEE S&P, section IV).

The attacker knows family and settings, and has people like those asked about. He fits the same generator many times on
random parts of train and holdout together, so that everybody is IN some parts and OUT of others, and looks how near the
virtual patients of each come to everybody. What a patient looks like when IN and when OUT is taken to be normal, and
the released cohort is judged by the likelihood ratio of the two. This is a black-box attack and the strongest here: it
knows how near virtual patients come to this very patient anyhow, which a patient's being ordinary or not decides.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
from sklearn.metrics import roc_curve

from cohortsmith.data.errors import DataError
from cohortsmith.evaluation.core import NotEvaluable, auc, nearest
from cohortsmith.evaluation.metrics.common import true_positive_rate
from cohortsmith.evaluation.privacy.membership_attacks import LEAST_FOR, POINTS, Attack, f1_over_naive
from cohortsmith.evaluation.spaces import Comparison

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from numpy.typing import NDArray

    from cohortsmith.data.cohort import Cohort
    from cohortsmith.evaluation.core import Interval

    FitAndSample = Callable[[Cohort, Mapping[str, int], int], Cohort]

LEAST_SHADOWS = 4
LEAST = 20  # patients a side
MOST = 4000  # samples attacked a side
SYNTHETIC = 10000
NEIGHBOURS = 10
_SHARE = (0.25, 0.75)  # least and greatest share of the patients in a shadow, so that both IN and OUT are seen


@dataclass(frozen=True, eq=False)
class _Pool:
    """Everybody a shadow may be fitted on, and who is asked about.

    Attributes:
        train: the released generator's patients.
        holdout: others like them.
        asked: rows of train, then of holdout, that are asked about; those of holdout are counted on from train's end.
        counts: virtual patients of each class to draw, as the released cohort has.
    """

    train: Cohort
    holdout: Cohort
    asked: NDArray[np.int64]
    counts: Mapping[str, int]

    def nearness(self, made: Cohort) -> NDArray[np.float64]:
        """How near virtual patients come to each who is asked about, (asked, 2): the nearest one, and the nearest ten.

        Minus the logarithms of the distances, the ten averaged: Carlini et al. take logarithms, too, to come nearer to
        normal. A tenth of the usual distance is added, so that a copy is near and not infinitely so.
        """
        c = Comparison(self.train, self.holdout, made)
        x = np.concatenate([c.z_train, c.z_holdout])[self.asked]
        near = nearest(x, c.z_synthetic, min(NEIGHBOURS, len(made))).astype(np.float64)
        usual = float(np.median(near[:, -1])) or 1.0
        logs = -np.log(near + 0.1 * usual)
        return np.column_stack([logs[:, 0], logs.mean(axis=1)])


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

    Every patient is IN as many shadows as any other, spread evenly over classes. A shadow is fitted on as many patients
    as the released generator, but on at most three quarters of all there are. The control is the same attack on the
    last shadow in the released cohort's place, between patients of train and of the holdout who were OUT of it alike:
    it must find nothing.

    Args:
        train: patients the released generator was fitted on, the members.
        holdout: patients it never saw, the non-members.
        synthetic: the released cohort.
        fit_and_sample: called as fit_and_sample(cohort, counts, seed): fits the released generator's family with its
            settings, and draws so many virtual patients of each class. With several jobs it goes to other processes.
        shadows: how many; the more, the stronger. 4 at least, 16 to 64 are usual.
        seed: of parts, fits and draws.
        jobs: fits at a time, each in a process of its own.

    Raises:
        DataError: fewer than 4 shadows.
        NotEvaluable: too few patients, or a class too small to be learned from a part of its patients.
    """
    if shadows < LEAST_SHADOWS:
        raise DataError(f"a shadow attack needs at least {LEAST_SHADOWS} shadows, 16 or more are better; got {shadows}")
    c = Comparison(train, holdout, synthetic)
    if min(len(c.train), len(c.holdout), len(c.synthetic)) < LEAST:
        raise NotEvaluable(
            f"a shadow attack needs at least {LEAST} samples a side; there are {len(c.train)} of train, "
            f"{len(c.holdout)} of the holdout and {len(c.synthetic)} synthetic ones"
        )
    rng = np.random.default_rng([seed, 91])
    members, others = (np.sort(rng.permutation(len(side))[:MOST]) for side in (c.train, c.holdout))
    asked = np.concatenate([members, len(c.train) + others])
    shown = c.synthetic.take(np.sort(rng.permutation(len(c.synthetic))[:SYNTHETIC]))
    counts = {name: n for name, n in shown.class_counts().items() if n}
    pool = _Pool(c.train, c.holdout, asked, counts)
    inside = _parts(c.train, c.holdout, shadows, rng)
    seeds = np.random.SeedSequence([seed, 92]).generate_state(shadows).tolist()
    near = _fitted(pool, fit_and_sample, inside, [int(one) >> 1 for one in seeds], jobs)
    score = log_ratio(near, inside[:, asked], pool.nearness(shown))
    control = _control(near, inside[:, asked], len(members))
    share = len(c.train) / (len(c.train) + len(c.holdout))
    return _result(score, len(members), control, share, shadows, seed)


def log_ratio(near: NDArray[np.float64], inside: NDArray[np.bool_], seen: NDArray[np.float64]) -> NDArray[np.float64]:
    """Log likelihood ratio of IN to OUT of each patient, (n,); Carlini et al. (2022), eq. 4, in two dimensions.

    What a patient looks like IN and OUT is normal with his own means and the covariance of all (their variant for few
    shadows, section VI-C). A patient's difference between IN and OUT is drawn to the mean difference of all, the more
    the less the shadows tell of him (empirical Bayes): with few shadows his own would be noise.

    Args:
        near: (shadows, n, d) how near each shadow's virtual patients come.
        inside: (shadows, n) whether a patient was IN; of each both occur.
        seen: (n, d) how near the released cohort comes.
    """
    shadows, n, d = near.shape
    within: NDArray[np.bool_] = inside[..., None]
    n_in, n_out = within.sum(axis=0), (~within).sum(axis=0)
    mean_in, mean_out = (near * within).sum(axis=0) / n_in, (near * ~within).sum(axis=0) / n_out
    left = near - np.where(within, mean_in, mean_out)
    flat = left.reshape(-1, d)
    covariance = flat.T @ flat / max(1, (shadows - 2) * n)
    covariance += 1e-9 * np.eye(d) * max(float(np.trace(covariance)), 1e-9)
    gap = mean_in - mean_out
    usual = gap.mean(axis=0)
    noise = np.diag(covariance) * (1 / n_in + 1 / n_out)
    kept = np.clip(1 - noise.mean(axis=0) / np.maximum(gap.var(axis=0), 1e-12), 0, 1)
    gap = usual + kept * (gap - usual)
    # The mean of all shadows is known far better than IN and OUT apart: the two stand about it by their shares.
    share = n_in / shadows
    middle = near.mean(axis=0) + (0.5 - share) * gap
    ratio: NDArray[np.float64] = ((seen - middle) * np.linalg.solve(covariance, gap.T).T).sum(axis=1)
    return ratio


def _parts(train: Cohort, holdout: Cohort, shadows: int, rng: np.random.Generator) -> NDArray[np.bool_]:
    """Which samples of train, then of holdout, are IN each shadow, (shadows, n): whole patients, each equally often.

    Within a class patients are dealt out in turn from a random start, in rounds of as many as there are shadows; so
    every shadow has as many patients of each class, give or take one.
    """
    n = len(train) + len(holdout)
    share = float(np.clip(len(train) / n, *_SHARE))
    times = int(np.clip(round(share * shadows), 2, shadows - 2))  # so that one may be left out
    subjects = _apart(train, holdout)
    y = np.concatenate([train.y, holdout.y])
    _, first, of = np.unique(subjects, return_index=True, return_inverse=True)
    drawn = np.zeros((shadows, len(first)), dtype=bool)
    for label in np.unique(y[first]):
        mine = rng.permutation(np.flatnonzero(y[first] == label))
        for start in range(0, len(mine), shadows):
            order, turns = rng.permutation(shadows), rng.permutation(shadows)
            for patient, turn in zip(mine[start : start + shadows], turns, strict=False):
                drawn[order[(turn + np.arange(times)) % shadows], patient] = True
    return drawn[:, of]


def _fitted(
    pool: _Pool, fit_and_sample: FitAndSample, inside: NDArray[np.bool_], seeds: list[int], jobs: int
) -> NDArray[np.float64]:
    """How near each shadow's virtual patients come to those asked about, (shadows, asked, 2)."""
    tasks = [(pool, fit_and_sample, part, seed) for part, seed in zip(inside, seeds, strict=True)]
    if jobs == 1:
        return np.stack([_shadow(*task) for task in tasks])
    from joblib import Parallel, delayed, parallel_config

    with parallel_config(backend="loky", n_jobs=jobs, inner_max_num_threads=1):
        return np.stack(Parallel(batch_size=1)(delayed(_shadow)(*task) for task in tasks))


def _shadow(pool: _Pool, fit_and_sample: FitAndSample, inside: NDArray[np.bool_], seed: int) -> NDArray[np.float64]:
    try:
        made = fit_and_sample(_joined(pool.train, pool.holdout).take(inside), pool.counts, seed)
    except DataError as error:
        raise NotEvaluable(f"a shadow generator could not be fitted: {error}") from None
    return pool.nearness(made)


def _joined(train: Cohort, holdout: Cohort) -> Cohort:
    """Samples of both, train's first; patients who merely have the same name in both stay two."""
    subjects = _apart(train, holdout)
    ids = [f"{i}" for i in range(len(subjects))]
    return replace(
        train,
        x=np.concatenate([train.x, holdout.x]),
        y=np.concatenate([train.y, holdout.y]),
        subjects=subjects,
        obs=pd.DataFrame(index=pd.Index(ids, name="sample_id")),
    )


def _apart(train: Cohort, holdout: Cohort) -> NDArray[np.str_]:
    return np.concatenate([np.char.add("train ", train.subjects), np.char.add("holdout ", holdout.subjects)])


def _result(
    score: NDArray[np.float64],
    members: int,
    control: Interval | None,
    share: float,
    shadows: int,
    seed: int,
) -> Attack:
    known, new = score[:members], score[members:]
    false, true, _ = roc_curve(np.repeat([1, 0], [len(known), len(new)]), score)
    at = np.unique(np.linspace(0, len(false) - 1, POINTS).round().astype(np.int64))
    rates = [rate for rate, least in LEAST_FOR.items() if len(new) >= least]
    return Attack(
        name="shadow",
        group="all",
        auc=auc(known, new),
        tpr={rate: true_positive_rate(known, new, seed=seed, false_positives=rate) for rate in rates},
        f1_gain=f1_over_naive(known, new, share, seed=seed),
        n_members=len(known),
        n_non_members=len(new),
        roc=(false[at], true[at]),
        space=f"{shadows} shadow generators",
        control=control,
    )


def _control(near: NDArray[np.float64], inside: NDArray[np.bool_], members: int) -> Interval | None:
    """AUC of the attack on the last shadow, between train and holdout patients who were OUT of it alike."""
    out = ~inside[-1]
    known, new = (np.flatnonzero(out[part]) + part.start for part in (slice(0, members), slice(members, len(out))))
    if min(len(known), len(new)) < LEAST:
        return None
    score = log_ratio(near[:-1], inside[:-1], near[-1])
    return auc(score[known], score[new])
