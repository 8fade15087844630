"""Carrying out the audit of a case: what is drawn from the model, asked of it, fitted again, and judged."""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np

from cohortsmith.app.pipeline import evaluating, fit_and_sample
from cohortsmith.app.release.ledger import pooled_rows
from cohortsmith.app.release.verdicts import undecided, worse_of
from cohortsmith.app.terminal import say
from cohortsmith.data import DataError
from cohortsmith.evaluation.core import NotEvaluable
from cohortsmith.evaluation.spaces import Comparison

if TYPE_CHECKING:
    from pathlib import Path

    from cohortsmith.app.release.audit_case import Case
    from cohortsmith.data import Cohort
    from cohortsmith.evaluation import ImageModels
    from cohortsmith.evaluation.privacy import Attack, Audit, Evidence, Folds, Policy
    from cohortsmith.evaluation.privacy.artefacts import ArtefactFinding
    from cohortsmith.generators import Generator

ROWS = 10_000
"""Virtual patients that the attacks hold, at least: those of the samples, and more drawn from the model."""
MAX_VALUES = 100_000_000
"""Values of them, at most: 400 MB; a cohort of 20,000 genes is attacked with 5,000 rows."""
MAX_VALUES_OF_FOLDS = 300_000_000
"""Values of the virtual patients of all folds together, at most: 1.2 GB."""
ASKED_IMAGES = 1000
"""Images a side that an image model is asked about, at most."""


def carry_out_audit(
    case: Case,
    *,
    policy: Policy,
    seed: int,
    image_models: ImageModels | None,
    shadows: int = 0,
    folds: int = 0,
    samples_only: bool = False,
    jobs: int = 1,
) -> Audit:
    """Audit a case: scan its files, attack its virtual patients and its model, and judge by the policy.

    Args:
        case: what is audited.
        policy: limits.
        seed: of every draw.
        image_models: for images, feature extractors.
        shadows: generators to fit for the shadow attack; with them one more is fitted to the release.
        folds: generators to fit without one part of the patients each; 0: none.
        samples_only: the model stays inside: it is neither scanned nor asked, but rows are drawn from it.
        jobs: parallel fits.

    Raises:
        DataError: a holdout that overlaps train, cohorts that are not comparable, too few patients, or shadow
            models or folds without a family.
    """
    from cohortsmith.evaluation.privacy import audit, check

    comparison = Comparison(case.train, case.holdout, case.synthetic, image_models=image_models)
    check(comparison, in_folds=folds > 0)
    for flag, asked in (("--shadows", shadows), ("--folds", folds)):
        if asked and not case.family:
            raise DataError(f"{flag} fits the same generator again: name it with --family and --set")
    notes: list[str] = []
    scanned = (None if samples_only else case.model, case.samples)
    found = [finding for path in scanned if path for finding in _scan(path, case.train)]
    found += case.left_behind
    model = _model(case, notes)
    evidence = _asked("white_box", model, comparison, seed, notes) if model and not samples_only else {}
    if model and samples_only:
        notes.append("the model was not judged and is not part of this release")
    shadow, apart = None, None
    if folds:
        notes.append(
            f"membership and risks are of {folds} generators, each fitted without one part of the patients, "
            "and of what is released itself"
        )
        apart = _folds(case, folds, seed, jobs, image_models)
    if shadows:
        evidence |= _refitted(case, comparison, seed, notes)
        try:
            shadow = _shadow_attack(case, shadows, seed, jobs)
        except NotEvaluable as error:
            notes.append(f"shadow-model attack not evaluable: {error}")
    drawn = _drawn(model, case.synthetic, seed) if model else None
    with evaluating("audit") as on_progress:
        attack = partial(
            audit,
            case.train,
            case.holdout,
            seed=seed,
            image_models=image_models,
            policy=policy,
            shadow=shadow,
            artefacts=found,
            evidence=evidence,
            folds=apart,
            on_progress=on_progress,
        )
        more = pooled_rows(case.synthetic, drawn) if drawn is not None else None
        done = attack(case.synthetic, more=more)
        if case.before.rows is not None:
            both = pooled_rows(case.synthetic, case.before.rows)
            done = worse_of(done, attack(both, more=pooled_rows(both, drawn) if drawn is not None else None))
    if drawn is not None:
        notes.append(f"the attacks hold {len(drawn)} more rows, drawn from the model: it is judged, not one file")
    notes += [note] if (note := case.before.note(len(case.synthetic))) else []
    if why := case.before.uncounted():
        notes.append(why)
        done = undecided(done, why)
    return replace(done, notes=(*done.notes, *notes))


def _model(case: Case, notes: list[str]) -> Generator | None:
    """The saved model of a run; None if there is none, or, with a note, if it cannot be read."""
    from cohortsmith.generators import load

    if case.model is None:
        return None
    try:
        return load(case.model)
    except DataError as error:
        notes.append(f"the model could not be asked: {error}")
        return None


def _drawn(model: Generator, released: Cohort, seed: int) -> Cohort | None:
    """Further virtual patients in the release's proportions, so that there are 10,000; None if there are already."""
    wanted = min(ROWS, MAX_VALUES // model.schema.values) - len(released)
    if wanted <= 0:
        return None
    counts = released.class_counts()
    shares = {name: round(n * wanted / len(released)) for name, n in counts.items()}
    known = {name: n for name, n in shares.items() if n and model.class_counts.get(name)}
    return model.sample(known, seed=seed + 1_000_003) if known else None


def _asked(attack: str, model: Generator, comparison: Comparison, seed: int, notes: list[str]) -> Evidence:
    """What a model tells about the rows of train and of the holdout; NaN for rows it was not asked about."""
    from cohortsmith.evaluation.privacy import asked_rows, joined

    sides = comparison.train, comparison.holdout
    try:
        rows = asked_rows(comparison, seed, ASKED_IMAGES if comparison.train.about.pictured else None)
        both = joined(*(side.take(np.sort(part)) for side, part in zip(sides, rows, strict=True)))
        told = model.membership_evidence(both, seed)
    except (DataError, NotEvaluable) as error:
        notes.append(f"the model could not be asked: {error}")
        return {}
    evidence = {}
    for name, values in told.items():
        whole = [np.full(len(side), np.nan) for side in sides]
        whole[0][np.sort(rows[0])], whole[1][np.sort(rows[1])] = values[: len(rows[0])], values[len(rows[0]) :]
        evidence[attack, name.replace("_", " ")] = (whole[0], whole[1])
    return evidence


def _refitted(case: Case, comparison: Comparison, seed: int, notes: list[str]) -> Evidence:
    """What a generator of the same family tells that was fitted to the release: an attack that needs no model."""
    from cohortsmith.generators import make_generator

    say(f"fitting {case.family} to the release")
    try:
        again = make_generator(case.family, **dict(case.settings)).fit(comparison.synthetic, seed=seed)
    except DataError as error:
        notes.append(f"the attack by a refitted model is not evaluable: {error}")
        return {}
    return _asked("refitted", again, comparison, seed, notes)


def _folds(case: Case, folds: int, seed: int, jobs: int, image_models: ImageModels | None) -> Folds:
    from cohortsmith.evaluation.privacy import fit_folds

    say(f"fitting {folds} generators of {case.family}, each without one part of the patients")
    make = partial(fit_and_sample, case.family, dict(case.settings))
    most = min(MAX_VALUES, MAX_VALUES_OF_FOLDS // folds)
    rows = min(ROWS, most // case.train.x[0].size) if case.model else 0
    options: dict[str, Any] = {"seed": seed, "jobs": jobs, "rows": rows, "image_models": image_models}
    try:
        return fit_folds(case.train, case.holdout, make, folds=folds, **options)
    except NotEvaluable as error:
        raise DataError(f"--folds {folds}: {error}") from None


def _scan(path: Path, train: Cohort) -> list[ArtefactFinding]:
    from cohortsmith.evaluation.privacy.artefacts import scan

    say(f"scanning {path.name}")
    return scan(path, train)


def _shadow_attack(case: Case, shadows: int, seed: int, jobs: int) -> Attack:
    from cohortsmith.evaluation.privacy import shadow_attack
    from cohortsmith.generators import make_generator

    settings = dict(case.settings)
    make_generator(case.family, **settings)  # checks the settings first
    say(f"fitting {shadows} shadow models of {case.family}")
    return shadow_attack(
        case.train,
        case.holdout,
        case.synthetic,
        partial(fit_and_sample, case.family, settings),
        shadows=shadows,
        seed=seed,
        jobs=jobs,
    )
