"""An audit in folds: K generators, each fitted without one part of the patients, so that everybody is unseen once."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from scipy.stats import rankdata

from cohortsmith.data.errors import DataError
from cohortsmith.evaluation.core import Interval, NotEvaluable, wilson
from cohortsmith.evaluation.metrics.common import dealt
from cohortsmith.evaluation.privacy.attack_settings import FOLDS_STREAM, MIN_SAMPLES
from cohortsmith.evaluation.privacy.attacks import (
    Records,
    class_density,
    covariance,
    covariance_within,
    local_density,
    nearness,
)
from cohortsmith.evaluation.privacy.processes import in_processes
from cohortsmith.evaluation.privacy.risks import Risk, excess_risk
from cohortsmith.evaluation.privacy.scoring import COMBINED, Scored
from cohortsmith.evaluation.privacy.shadow_models import joined
from cohortsmith.evaluation.privacy.targets import EVERYBODY, AttackSplit, of_classes
from cohortsmith.evaluation.spaces import Comparison

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from cohortsmith.data.cohort import Cohort
    from cohortsmith.evaluation.core import ImageModels
    from cohortsmith.evaluation.privacy.shadow_models import FitAndSample

    Likenesses = dict[tuple[str, str], NDArray[np.float64]]

MIN_FOLDS = 2
PAIRED = {
    "gan_leaks": nearness,
    "domias": local_density,
    "covariance": covariance,
    "covariance_within": covariance_within,
    "class_gaussian": class_density,
}
"""What is asked of a release about each patient, by the name of the attack it stands for."""


class Folds(NamedTuple):
    """Patients in folds, and virtual patients of the generators fitted without one fold each.

    Attributes:
        cohort: all patients.
        part: (n,) fold of each sample.
        made: virtual patients of each fold's generator.
        image_models: for images, the feature extractors.
    """

    cohort: Cohort
    part: NDArray[np.int64]
    made: list[Cohort]
    image_models: ImageModels | None = None

    def comparison(self, fold: int) -> Comparison:
        """The patients outside a fold as train, those in it as the holdout, and as many of the fold's virtual patients.

        Risks are measured on a release as large as train, however many rows the membership attacks hold.
        """
        outside, inside = self.cohort.take(self.part != fold), self.cohort.take(self.part == fold)
        made = self.made[fold]
        if len(made) > len(outside):
            rng = np.random.default_rng([fold, FOLDS_STREAM])
            made = made.take(np.sort(rng.choice(len(made), len(outside), replace=False)))
        return Comparison(outside, inside, made, image_models=self.image_models)


def fit_folds(
    train: Cohort,
    holdout: Cohort,
    fit_and_sample: FitAndSample,
    *,
    folds: int,
    seed: int = 0,
    jobs: int = 1,
    rows: int = 0,
    image_models: ImageModels | None = None,
) -> Folds:
    """Generators fitted without one fold each, on all patients together.

    Args:
        train: training patients of the released generator.
        holdout: unseen patients of the same population.
        fit_and_sample: called as fit_and_sample(cohort, counts, seed): fits the released generator's family with its
            settings, and draws these numbers of virtual patients per class. Must be picklable if jobs > 1.
        folds: how many, at least 2; patients are split by class, all samples of a patient together.
        seed: of folds, fits and draws.
        jobs: parallel fits, each in its own process.
        rows: virtual patients of each fold, at least; as many as it learned from if those are more.
        image_models: for images, the feature extractors.

    Raises:
        DataError: fewer than 2 folds, or so many that a fold has fewer than 20 patients.
        NotEvaluable: a class too small for a generator of a fold.
    """
    aligned = Comparison(train, holdout, train)
    cohort = joined(aligned.train, aligned.holdout)
    people = len(np.unique(cohort.subjects))
    most = people // MIN_SAMPLES
    if not MIN_FOLDS <= folds <= most:
        expected = (
            f"{MIN_FOLDS} to {most} folds" if most >= MIN_FOLDS else f"at least {MIN_FOLDS * MIN_SAMPLES} patients"
        )
        raise DataError(
            f"--folds: {expected} were expected, {MIN_SAMPLES} patients or more in each; got {folds} folds of {people} "
            "patients"
        )
    part = dealt(cohort.y, cohort.subjects, folds, np.random.default_rng([seed, FOLDS_STREAM]))
    seeds = np.random.SeedSequence([seed, FOLDS_STREAM]).generate_state(folds) >> 1
    tasks = [(cohort.take(part != fold), fit_and_sample, int(one), rows) for fold, one in enumerate(seeds)]
    return Folds(cohort, part, in_processes(_fit, tasks, jobs), image_models)


def likenesses(folds: Folds) -> list[Likenesses]:
    """Likeness of every patient to the virtual patients of each fold, (n,), by attack and space."""
    return [_likenesses(folds, made) for made in folds.made]


def score_folds(folds: Folds, tables: Sequence[Likenesses] | None = None) -> list[Scored]:
    """Scores of every patient by every fold's release, each less the mean by the releases of the other folds.

    Per-record calibration (Carlini et al. 2022, section IV): what makes a patient easy to recognise anyway cancels, and
    no other patients are needed to compare with. Members of a part are the patients outside the fold; `tables` are the
    folds' `likenesses`, where they are known already.
    """
    tables = tables or likenesses(folds)
    return [
        _calibrated(folds, made, folds.part != fold, own, [other for other in tables if other is not own])
        for fold, (made, own) in enumerate(zip(folds.made, tables, strict=True))
    ]


def score_released(
    folds: Folds, released: Cohort, n_members: int, tables: Sequence[Likenesses] | None = None
) -> Scored:
    """Scores of every patient by what is released itself, each less the mean by the releases of the folds.

    The folds tell of the family; a file that holds other rows than the family would draw is seen only here. Everybody
    is unseen by one fold, so that the mean favours neither train nor holdout.

    Args:
        folds: generators fitted without one fold each.
        released: the cohort that is released, or more rows of its model.
        n_members: the first so many of `folds.cohort` are train, the others the holdout.
        tables: the folds' `likenesses`, where they are known already.
    """
    inside = np.arange(len(folds.cohort)) < n_members
    return _calibrated(folds, released, inside, _likenesses(folds, released), tables or likenesses(folds))


def _likenesses(folds: Folds, made: Cohort) -> Likenesses:
    """Likeness of every patient to virtual patients, (n,), by attack and space."""
    found: Likenesses = {}
    c = Comparison(folds.cohort, folds.cohort, made, image_models=folds.image_models)
    for space in c.view.membership_spaces():
        if space.views or space.by_distance_only:
            continue
        patients = Records(space.see("train", np.arange(len(c.train)), True), c.train.y)
        virtual = Records(space.see("synthetic", np.arange(len(c.synthetic)), False), c.synthetic.y)
        for name, law in PAIRED.items():
            found[name, space.words] = law(virtual)(patients)
    return found


def _calibrated(
    folds: Folds, made: Cohort, members: NDArray[np.bool_], own: Likenesses, others: Sequence[Likenesses]
) -> Scored:
    """Scores by one release, less the mean by the others, and the mean of their ranks."""
    inside, out = np.flatnonzero(members), np.flatnonzero(~members)
    _, numbers = np.unique(folds.cohort.subjects, return_inverse=True)
    groups = {EVERYBODY: np.ones(len(folds.cohort), dtype=bool)}
    groups |= {name: np.isin(folds.cohort.y, labels) for name, labels in of_classes(folds.cohort).items()}
    split = AttackSplit(
        members=inside,
        non_members=out,
        member_round=np.zeros(len(inside), dtype=np.int64),
        non_member_round=np.zeros(len(out), dtype=np.int64),
        known=(out[:0], out[:0]),
        synthetic=np.arange(len(made)),
        released=out[:0],
        kept=np.zeros(len(inside), dtype=bool),
        groups={name: (mask[inside], mask[out]) for name, mask in groups.items()},
    )
    scores = {}
    for key, likeness in own.items():
        score = likeness - np.mean([other[key] for other in others], axis=0)
        scores[key] = (score[inside], score[out])
    mean = np.mean([rankdata(np.concatenate(sides)) for sides in scores.values()], axis=0)
    scores[COMBINED, ""] = (mean[: len(inside)], mean[len(inside) :])
    return Scored(split, (numbers[inside], numbers[out]), scores)


def pooled_risks(folds: Sequence[dict[str, Risk]]) -> dict[str, Risk]:
    """The risks of all folds as one: every patient is attacked as a member and serves as a control.

    Rates are means over folds; a patient is a member in all folds but one, which adds no patients, so that Wilson's
    intervals are taken at the number of different patients.
    """
    found = {}
    for name in folds[0]:
        parts = [fold[name] for fold in folds]
        if any(part.status.startswith("not evaluable") for part in parts):
            found[name] = next(part for part in parts if part.status.startswith("not evaluable"))
            continue
        controls = sum(part.n[1] for part in parts)
        attack, naive = (_rate([getattr(part, side) for part in parts], controls) for side in ("attack", "naive"))
        control = _rate([part.control for part in parts], controls)
        how = f"{parts[0].how}; in {len(parts)} folds"
        pooled = excess_risk(name, attack, control, naive, (controls, controls), how, parts[0].scale)
        found[name] = replace(pooled, status=parts[0].status if pooled.status == "ok" else pooled.status)
    return found


def _rate(parts: Sequence[Interval], n: int) -> Interval:
    value = float(np.mean([part.value for part in parts]))
    return wilson(value * n, n)


def _fit(cohort: Cohort, fit_and_sample: FitAndSample, seed: int, rows: int) -> Cohort:
    times = max(1.0, rows / len(cohort))
    counts = {name: int(np.ceil(n * times)) for name, n in cohort.class_counts().items() if n}
    try:
        return fit_and_sample(cohort, counts, seed)
    except DataError as error:
        raise NotEvaluable(f"the generator of a fold could not be fitted: {error}") from None
