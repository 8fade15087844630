"""Labels learned with patients who have none: the loss against a slow derivation, and what it brings."""

from __future__ import annotations

import copy
from typing import Any

import numpy as np
import pytest
import torch
from scipy.stats import beta
from torch import nn

from cohortsmith.data import Cohort, DataError, simulate
from cohortsmith.ssl_models import Classifier
from cohortsmith.ssl_models.fine_tuning.mixmatch import TEACHER, Mixed, mixture, sharpened
from cohortsmith.ssl_models.fine_tuning.supervised import HEAD, FineTuning
from cohortsmith.ssl_models.pretexts.base import BACKBONE
from cohortsmith.training import isolated_rng
from tests.ssl_models.gene_nets import Tiny


class Drawn:
    """Stands in for a `training.Batch` of unlabelled patients, with random numbers that a test can repeat."""

    step, steps = 30, 100

    def __init__(self, x: torch.Tensor) -> None:
        self.x, self.logged = x, dict[str, float]()
        self._generator = torch.Generator().manual_seed(1)

    def rand(self, *shape: int) -> torch.Tensor:
        return torch.rand((len(self.x), *shape), generator=self._generator)

    def randint(self, high: int, *shape: int) -> torch.Tensor:
        return torch.randint(high, (len(self.x), *shape), generator=self._generator)

    def log(self, name: str, value: Any) -> None:
        self.logged[name] = float(value)


def test_the_loss_is_that_of_the_paper_patient_by_patient() -> None:
    """Guess, align, sharpen, mix in pairs, cross-entropy: with plain loops, from the same random numbers."""
    rng = np.random.default_rng(0)
    labelled = torch.from_numpy(rng.normal(size=(5, 4)).astype(np.float32))
    y = torch.tensor([0, 0, 0, 1, 2])
    others = torch.from_numpy(rng.normal(size=(6, 4)).astype(np.float32))
    with isolated_rng(3):
        nets: dict[str, nn.Module] = {BACKBONE: Tiny(4, 4), HEAD: nn.Linear(4, 3)}
    settings = FineTuning(unlabelled_weight=0.7, sharpening=0.5, mixing=0.75)
    objective = Mixed(settings)
    nets = objective.networks(nets, labelled, y, 3)
    teacher = copy.deepcopy(nn.Sequential(nets[BACKBONE], nets[HEAD]))  # equal weights stay equal when it follows
    ((_, loss),) = objective.losses(nets, Drawn(others))  # type: ignore[arg-type]

    repeated = Drawn(others)
    rows = repeated.randint(5)
    partner = repeated.rand(2).T.flatten().argsort()
    uniform = repeated.rand(2).T.flatten().double().numpy()
    with torch.no_grad():
        guess = teacher(others).double().softmax(1).numpy()
    prior = np.array([3.5, 1.5, 1.5]) / 6.5
    mean = 0.99 * prior + 0.01 * guess.mean(0)
    patients, classes = [], []
    for row in rows.tolist():
        patients.append(labelled[row].numpy())
        classes.append(np.eye(3)[y[row]])
    for i in range(6):
        aligned = guess[i] * prior / mean
        aligned = aligned / aligned.sum()
        patients.append(others[i].numpy())
        classes.append(aligned**2 / (aligned**2).sum())
    losses = []
    for i, j in enumerate(partner.tolist()):
        drawn = beta.ppf((np.floor(uniform[i] * 1024) + 0.5) / 1024, 0.75, 0.75)
        share = max(drawn, 1 - drawn)
        mixed = torch.from_numpy((share * patients[i] + (1 - share) * patients[j]).astype(np.float32))
        with torch.no_grad():
            told = teacher(mixed[None]).double().log_softmax(1).numpy()[0]
        losses.append(-float((share * classes[i] + (1 - share) * classes[j]) @ told))
    expected = np.mean(losses[:6]) + 0.7 * np.mean(losses[6:])  # after 30 % of the steps guesses count in full
    assert float(loss.detach()) == pytest.approx(expected, abs=2e-4)


def test_sharpened_guesses_are_surer_and_mixtures_lie_between() -> None:
    guess = torch.tensor([[0.6, 0.3, 0.1]])
    assert torch.allclose(sharpened(guess, 0.5), torch.tensor([[0.36, 0.09, 0.01]]) / 0.46)
    assert torch.equal(sharpened(guess, 1.0), guess / guess.sum())
    one, other = torch.zeros(2, 3), torch.ones(2, 3)
    assert torch.equal(mixture(one, other, torch.tensor([1.0, 0.75])), torch.tensor([[0.0] * 3, [0.25] * 3]))


def cohorts() -> tuple[Cohort, Cohort, Cohort]:
    """Twelve labelled patients, others of whom nobody reads the labels, and new ones."""
    cohort = simulate("simulated-expression", 900, seed=6, genes=60, classes=6)
    first = [np.flatnonzero(cohort.y == label)[:2] for label in range(6)]
    return cohort.take(np.concatenate(first)), cohort.take(np.arange(100, 600)), cohort.take(np.arange(600, 900))


def settings() -> dict[str, Any]:
    return {"preset": "small-mlp", "backbone_settings": {"widths": [64, 64]}, "steps": 300}


def accuracy(classifier: Classifier, cohort: Cohort) -> float:
    return float(np.mean(classifier.predict_proba(cohort).argmax(1) == cohort.y))


def test_patients_without_labels_help_where_labels_are_few() -> None:
    labelled, others, new = cohorts()
    alone = accuracy(Classifier(**settings()).fit(labelled), new)
    helped = accuracy(Classifier(**settings(), unlabelled_weight=1.0).fit(labelled, unlabelled=others), new)
    assert helped >= alone + 0.05


def test_labels_of_the_others_are_not_read_and_nothing_of_them_is_saved(tmp_path: Any) -> None:
    from dataclasses import replace

    from safetensors.numpy import load_file

    from cohortsmith.ssl_models import load

    labelled, others, new = cohorts()
    mislabelled = replace(others, y=others.y[::-1].copy())
    small = {**settings(), "steps": 20, "unlabelled_weight": 1.0}
    first = Classifier(**small).fit(labelled, unlabelled=others, seed=3)
    second = Classifier(**small).fit(labelled, unlabelled=mislabelled, seed=3)
    assert np.array_equal(first.predict_proba(new), second.predict_proba(new))
    first.save(tmp_path / "model")
    assert np.array_equal(load(tmp_path / "model").predict_proba(new), first.predict_proba(new))
    (file,) = (tmp_path / "model").glob("*.safetensors")
    assert not [name for name in load_file(file) if TEACHER in name or "labelled" in name]


def test_images_are_mixed_too() -> None:
    cohort = simulate("simulated-cells", 80, seed=0)
    small: dict[str, Any] = {
        "backbone": "small-cnn",
        "augmentation": "shift",
        "steps": 3,
        "batch_size": 16,
        "unlabelled_weight": 1.0,
    }
    proba = Classifier(**small).fit(cohort, unlabelled=cohort).predict_proba(cohort)
    assert np.allclose(proba.sum(1), 1)


def test_what_does_not_go_together_is_refused() -> None:
    labelled, others, _ = cohorts()
    with pytest.raises(DataError, match="must be used together"):
        Classifier(**settings(), unlabelled_weight=1.0).fit(labelled)
    with pytest.raises(DataError, match="must be used together"):
        Classifier(**settings()).fit(labelled, unlabelled=others)
    sequences = simulate("tp53-cohort", 20, seed=0)
    with pytest.raises(DataError, match="not possible for sequences"):
        Classifier(unlabelled_weight=1.0).fit(sequences, unlabelled=sequences)


def test_a_teacher_follows_what_it_teaches() -> None:
    """After many equal steps the teacher's weights are the learner's."""
    with isolated_rng(0):
        nets: dict[str, nn.Module] = {BACKBONE: Tiny(4, 4), HEAD: nn.Linear(4, 2)}
    objective = Mixed(FineTuning(unlabelled_weight=1.0))
    nets = objective.networks(nets, torch.zeros(4, 4), torch.tensor([0, 0, 1, 1]), 2)
    with torch.no_grad():
        for weight in nets[HEAD].parameters():
            weight.add_(1.0)
    before = nets[TEACHER][1].bias.clone()  # type: ignore[index]
    batch = Drawn(torch.zeros(6, 4))
    list(objective.losses(nets, batch))  # type: ignore[arg-type]
    after = nets[TEACHER][1].bias  # type: ignore[index]
    moved = (after - before) / (nets[HEAD].bias - before)
    assert torch.allclose(moved, torch.full_like(moved, 1 - 30 / 40))  # young averages forget fast
