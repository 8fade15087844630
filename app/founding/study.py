"""The founding study: what a discriminator and four families learn from 20 mutated TP53 sequences and 20 others."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from cohortsmith.app.config import SamplePart
from cohortsmith.app.pipeline import carry_out
from cohortsmith.app.terminal import say
from cohortsmith.data import simulate
from cohortsmith.evaluation.metrics.sequences import unseen_variants
from cohortsmith.generators import discriminate, make_generator
from cohortsmith.ssl_models import ClassProbabilities
from cohortsmith.training import Runtime

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from cohortsmith.app.config import TrainingPart
    from cohortsmith.app.pipeline import FitOutcome
    from cohortsmith.data import Cohort
    from cohortsmith.evaluation.metrics.sequences import Unseen
    from cohortsmith.generators import Generator

Curve = list[dict[str, float]]

PATIENTS = 40
NEW = 2000  # fresh simulated patients that accuracy and novelty are measured on
HELD = 200  # of these, the holdout of the scorecards: enough for their intervals, few enough for two minutes
PER_CLASS = 100
# Families with the settings in which they differ from their defaults: 40 patients are memorised in fewer steps
# than thousands take to learn, and the study is to be done within two minutes on two cores.
FAMILIES: dict[str, dict[str, Any]] = {
    "gan": {"steps": 300},
    "wgan": {"steps": 100},
    "vae": {"steps": 300},
    "diffusion": {"steps": 200, "sampling_steps": 4},
    "bootstrap": {},
    "random-edits": {},
}
# The metrics of the scorecards; None for all of the data kind.
ONLY: tuple[str, ...] | None = None
# What the discriminator is set against: its own generator, and two that never learn.
GENERATED, COPIES, EDITS = "generated patients", "copies of the 40", "random edits"
BENT, STRAIGHT = "with activation", "without activation"


@dataclass(frozen=True)
class Study:
    """What came of the founding study.

    Attributes:
        train: the 40 patients.
        new: fresh patients of the same simulator and length.
        alone: accuracy curves of the discriminator on its own, by `BENT` and `STRAIGHT`.
        duels: score curves (`d_real`, `d_fake`, `js`) of the discriminator by what it was set against.
        outcomes: each family with its virtual patients and its scorecard.
        unseen: what 40 patients allow.
        seconds: time spent.
    """

    train: Cohort
    new: Cohort
    alone: Mapping[str, Curve]
    duels: Mapping[str, Curve]
    outcomes: Mapping[str, FitOutcome]
    unseen: Unseen
    seconds: float


def carry_out_study(seed: int, training: TrainingPart, variants: Path | None = None) -> Study:
    """Simulate the cohort and carry the study out.

    Args:
        seed: of every draw.
        training: where to train.
        variants: table of somatic variants that patients are drawn from; by default the simulator's own law.

    Raises:
        DataError: the table cannot be read.
        TrainingError: the device is absent, or a fit could not go on.
    """
    started = time.perf_counter()
    drawn: dict[str, Any] = {} if variants is None else {"table": variants}
    train = simulate("tp53-founding", PATIENTS, seed, **drawn)
    new = simulate("tp53-cohort", NEW, seed + 1, **drawn)
    # Tumours also insert and delete; the 40 are of one length, as the founding cohort was.
    arriving, more = (simulate("tp53-cohort", NEW, seed + offset, indels=True, **drawn) for offset in (2, 3))
    say(f"train {train!r}\nnew patients {new!r}")
    alone = {
        name: ClassProbabilities(activation=bent).fit(train, new, seed=seed, log_every=2).history
        for name, bent in ((BENT, True), (STRAIGHT, False))
    }
    outcomes = _families(train, new.take(np.arange(HELD)), seed, training)
    return Study(
        train=train,
        new=new,
        alone=alone,
        duels=_duels(train, outcomes["gan"].generator, seed, Runtime(device=training.device)),
        outcomes=outcomes,
        unseen=unseen_variants(train, arriving, more),
        seconds=time.perf_counter() - started,
    )


def _families(train: Cohort, holdout: Cohort, seed: int, training: TrainingPart) -> dict[str, FitOutcome]:
    outcomes = {}
    for family, settings in FAMILIES.items():
        outcome = carry_out(
            train,
            holdout,
            family=family,
            settings=settings,
            seed=seed,
            training=training,
            sample=SamplePart(per_class=PER_CLASS),
            only=ONLY,
        )
        if outcome is None:
            raise RuntimeError("the study is carried out by one process")
        spent = sum(outcome.report.seconds.values())
        say(f"{family}: fitted in {outcome.fit_seconds:.1f} s, evaluated in {spent:.1f} s")
        outcomes[family] = outcome
    return outcomes


def _duels(train: Cohort, gan: Generator, seed: int, runtime: Runtime) -> dict[str, Curve]:
    """Score curves of one discriminator: in the GAN, and for as many steps against patients that stay as they are."""
    duels: dict[str, Curve] = {GENERATED: gan.history}
    for name, family in ((COPIES, "bootstrap"), (EDITS, "random-edits")):
        fake = make_generator(family).fit(train, seed=seed).sample(train.class_counts(), seed=seed)
        duels[name] = discriminate(train, fake, seed=seed, runtime=runtime, **gan.settings)
    for name, rows in duels.items():
        real, generated = last(rows, "d_real"), last(rows, "d_fake")
        say(f"discriminator against {name}: {real:.2f} on real patients, {generated:.2f} on these")
    return duels


def last(rows: Curve, key: str) -> float:
    """Mean of a curve over its last tenth."""
    values = [row[key] for row in rows if key in row]
    return float(np.mean(values[-max(1, len(values) // 10) :]))
