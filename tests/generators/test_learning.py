"""That the families learn: gene correlations and class differences; early stopping, alarm, resuming."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
import torch
from sklearn.linear_model import LogisticRegression

from cohortsmith.generators import GAN, VAE, Diffusion, Generator, make_generator
from cohortsmith.generators.early_stopping import _folds, _set_apart
from cohortsmith.generators.kinds import KINDS
from cohortsmith.generators.objectives.gan import GANFamily
from cohortsmith.training import Progress, Runtime, TrainingError

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from torch import Tensor, nn

    from cohortsmith.data import Cohort
    from cohortsmith.generators.contracts import SamplerCallback

TINY: dict[str, Any] = {"width": 32, "depth": 1, "batch_size": 64}
ALL_STEPS: dict[str, Any] = TINY | {"validation": 0.0}
QUICK: dict[str, Any] = {
    "validation": 0.0,
    "width": 64,
    "depth": 2,
    "batch_size": 128,
    "steps": 200,
    "learning_rate": 2e-3,
    "ema_decay": 0.98,
}
LEARNERS: dict[str, dict[str, Any]] = {
    "gan": QUICK | {"r1": 1.0, "instance_noise": 0.2},  # sixteen genes: the defaults suit more
    "wgan": QUICK | {"steps": 150},  # each of its steps costs three
    "vae": QUICK,
    "diffusion": QUICK,
}


def correlations(cohort: Cohort) -> Any:
    """Gene-gene correlations (pairs,) within classes."""
    within = np.mean([np.corrcoef(cohort.x[cohort.y == label].T) for label in np.unique(cohort.y)], axis=0)
    return within[np.triu_indices(len(within), 1)]


def distance(made: Cohort, real: Cohort) -> float:
    return float(np.sqrt(((correlations(made) - correlations(real)) ** 2).mean()))


def accuracy(taught_by: Cohort, asked: Cohort) -> float:
    middle, spread = asked.x.mean(axis=0), asked.x.std(axis=0)
    judge = LogisticRegression(max_iter=500).fit((taught_by.x - middle) / spread, taught_by.y)
    return float(judge.score((asked.x - middle) / spread, asked.y))


@pytest.mark.parametrize("family", LEARNERS)
def test_genes_are_correlated_and_classes_stay_apart(family: str, correlated: Cohort) -> None:
    asked = {"class-A": 800, "class-B": 800}
    floor = make_generator("marginals").fit(correlated, seed=0).sample(asked, seed=1)
    generator = make_generator(family, **LEARNERS[family]).fit(correlated, seed=0)
    sample = generator.sample(asked, seed=1)
    assert distance(sample, correlated) < 0.7 * distance(floor, correlated)
    assert accuracy(sample, correlated) > accuracy(correlated, correlated) - 0.08
    assert generator.summary["alarms"] == []
    assert set(generator.summary["diversity"]) == {"class-A", "class-B"}
    expected = {
        "gan": {"loss_discriminator", "loss_generator", "d_real", "d_fake", "js"},
        "wgan": {"loss_critic", "loss_generator", "wasserstein"},
        "vae": {"reconstruction", "kl"},
        "diffusion": {"loss"},
    }[family]
    assert expected | {"step"} <= set(generator.history[-1])
    assert generator.history[-1]["step"] == LEARNERS[family]["steps"]
    assert all(np.isfinite(list(row.values())).all() for row in generator.history)


def test_the_gaussian_knows_the_correlations_and_marginals_do_not(correlated: Cohort) -> None:
    asked = {"class-A": 2000, "class-B": 2000}
    gaussian = make_generator("mvn").fit(correlated, seed=0).sample(asked, seed=1)
    torn = make_generator("marginals").fit(correlated, seed=0).sample(asked, seed=1)
    copied = make_generator("bootstrap").fit(correlated, seed=0).sample(asked, seed=1)
    assert distance(gaussian, correlated) < 0.2 * distance(torn, correlated)
    assert np.abs(correlations(torn)).mean() < 0.03
    # Marginals keep each gene of each class all the same.
    for label in (0, 1):
        own, real = torn.x[torn.y == label], correlated.x[correlated.y == label]
        np.testing.assert_allclose(own.mean(axis=0), real.mean(axis=0), atol=0.15)
        np.testing.assert_allclose(own.std(axis=0), real.std(axis=0), rtol=0.15)
    rows = {(row.tobytes(), label) for row, label in zip(correlated.x, correlated.y, strict=True)}
    assert all((row.tobytes(), label) in rows for row, label in zip(copied.x, copied.y, strict=True))


@dataclass(frozen=True)
class StuckFamily(GANFamily):
    """A generator that gives every patient of a class the same code, and never learns otherwise."""

    def sample(
        self,
        nets: Mapping[str, nn.Module],
        y: Tensor,
        generator: torch.Generator,
        callback: SamplerCallback | None = None,
    ) -> Tensor:
        return torch.zeros_like(super().sample(nets, y, generator, callback))


def test_the_alarm_names_the_class_that_collapsed(correlated: Cohort, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(KINDS["expression"].families, "gan", StuckFamily)
    stuck = GAN(steps=2, learning_rate=1e-9, **ALL_STEPS).fit(correlated, seed=0)
    for alarm, name in zip(stuck.summary["alarms"], ("class-A", "class-B"), strict=True):
        assert "mode collapse" in alarm
        assert repr(name) in alarm
        assert stuck.summary["diversity"][name] < 0.05


def test_balanced_training_shows_the_classes_equally_often(correlated: Cohort, monkeypatch: pytest.MonkeyPatch) -> None:
    rare = correlated.take(np.append(np.flatnonzero(correlated.y == 0), np.flatnonzero(correlated.y == 1)[:20]))
    seen: list[Tensor] = []

    @dataclass(frozen=True)
    class Watching(GANFamily):
        def losses(self, nets: Any, batch: Any) -> Any:
            seen.append(batch.y)
            return super().losses(nets, batch)

    monkeypatch.setitem(KINDS["expression"].families, "gan", Watching)
    for balanced, share in ((True, 0.5), (False, 20 / len(rare))):
        seen.clear()
        generator = GAN(steps=30, balanced=balanced, **ALL_STEPS).fit(rare, seed=0)
        classes = generator.binding.codec.strata.of_class[torch.cat(seen).numpy()]  # type: ignore[union-attr]
        assert classes.mean() == pytest.approx(share, abs=0.02)
        # The classes of train are told as they are, however they were shown.
        assert generator.sample(len(rare)).class_counts() == rare.class_counts()


@pytest.mark.parametrize("family", ["vae", "diffusion"])
def test_training_stops_early_once_held_out_patients_gain_nothing(family: str, correlated: Cohort) -> None:
    few = correlated.take(np.arange(60))
    generator = make_generator(
        family, steps=1500, validation=0.2, validate_every=25, patience=3, learning_rate=3e-3, ema_decay=0.9, **TINY
    ).fit(few, seed=0)
    assert generator.summary["stopped_early"]
    assert generator.summary["steps"] < 1500
    assert generator.history[0]["step"] == 0, "the networks may be best as they are"
    assert np.isfinite(generator.sample(20).x).all()


def test_whole_subjects_are_set_apart_for_the_early_stop(correlated: Cohort) -> None:
    """A patient's other samples would tell the answer."""
    paired = replace(correlated, subjects=np.array([f"patient{i // 3}" for i in range(300)]))
    apart = _set_apart(paired, 0.1, np.random.default_rng(0))
    kept = np.setdiff1d(np.arange(300), apart)
    assert not set(paired.subjects[kept]) & set(paired.subjects[apart])
    assert len(apart) == 30
    fold = _folds(paired, np.random.default_rng(0))
    assert all(len(set(fold[3 * patient : 3 * patient + 3])) == 1 for patient in range(100))
    assert np.bincount(fold).tolist() == pytest.approx([100, 100, 100], abs=6)


def test_every_class_gives_the_same_share_for_the_early_stop(correlated: Cohort) -> None:
    rare = correlated.take(np.append(np.flatnonzero(correlated.y == 0), np.flatnonzero(correlated.y == 1)[:20]))
    for seed in range(20):
        apart = _set_apart(rare, 0.1, np.random.default_rng(seed))
        assert np.bincount(rare.y[apart]).tolist() == [17, 2]


def test_few_patients_are_not_shown_more_often_than_the_passes_allow() -> None:
    family = GANFamily(steps=1200, epochs=150, batch_size=256)
    assert (family.plan(4101).steps, family.plan(4101).batch_size) == (1200, 256)
    assert (family.plan(97).steps, family.plan(97).batch_size) == (150 * 97 // 48, 48)
    assert GANFamily(steps=1200, epochs=0).plan(97).steps == 1200


class Killed(Exception):
    """Stands for the kill of a run."""


@pytest.mark.parametrize("family", ["diffusion"])
def test_a_killed_run_goes_on_to_the_same_patients(family: str, correlated: Cohort, tmp_path: Path) -> None:
    def fresh() -> Generator:
        return make_generator(family, steps=80, **ALL_STEPS)

    def kill(progress: Progress) -> None:
        if progress.step >= 50:
            raise Killed

    whole = fresh().fit(correlated, seed=0)
    runtime = Runtime(checkpoint=tmp_path / "run", checkpoint_every=20)
    killed = fresh()
    with pytest.raises(Killed):
        killed.fit(
            correlated, seed=0, runtime=Runtime(checkpoint=tmp_path / "run", checkpoint_every=20, on_progress=kill)
        )
    resumed = killed.fit(correlated, seed=0, runtime=runtime)
    assert 20 <= resumed.summary["resumed_from"] < 80
    assert resumed.sample(40, seed=3).digest() == whole.sample(40, seed=3).digest()
    assert resumed.history == whole.history
    with pytest.raises(TrainingError):
        fresh().fit(correlated, seed=1, runtime=runtime)


def test_progress_is_told_live(correlated: Cohort) -> None:
    told: list[Progress] = []
    Diffusion(steps=100, **ALL_STEPS).fit(correlated, seed=0, runtime=Runtime(on_progress=told.append))
    assert told[-1].step == 100
    assert [progress.step for progress in told] == sorted(progress.step for progress in told)
    assert all(progress.seconds_left >= 0 for progress in told)
    # Where folds tell for how long to train, they are part of the work.
    told.clear()
    Diffusion(steps=100, **TINY).fit(correlated, seed=0, runtime=Runtime(on_progress=told.append))
    assert {progress.steps for progress in told} == {400}
    assert [progress.step for progress in told] == sorted(progress.step for progress in told)
    assert all(progress.seconds_left >= 0 for progress in told)


def test_the_vaes_two_priors_differ(correlated: Cohort) -> None:
    fitted, normal = (VAE(steps=30, prior=prior, **ALL_STEPS).fit(correlated, seed=0) for prior in ("fitted", "normal"))
    assert not np.array_equal(fitted.sample(20).x, normal.sample(20).x)
