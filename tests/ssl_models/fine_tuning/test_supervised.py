"""Fine-tuning: its loss against slow derivations, what is frozen, how long it goes on, what it keeps."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch
from torch import nn

from cohortsmith.data import Cohort, DataError, simulate
from cohortsmith.ssl_models import Classifier
from cohortsmith.ssl_models.backbones.mlp import Perceptron
from cohortsmith.ssl_models.fine_tuning.supervised import HEAD, PRETEXT, FineTuning, Labelled, balance_weights
from cohortsmith.ssl_models.inputs.tensors import Inputs
from cohortsmith.ssl_models.pretexts.base import BACKBONE
from cohortsmith.ssl_models.pretexts.masked_genes import MaskedGenes
from cohortsmith.training import TrainingError, isolated_rng


@pytest.fixture(scope="module")
def cohort() -> Cohort:
    return simulate("simulated-expression", 60, seed=0, genes=10)


class FewPatients:
    """Stands in for a `training.Batch`."""

    step, steps = 0, 10
    device = torch.device("cpu")

    def __init__(self, x: torch.Tensor, y: torch.Tensor) -> None:
        self.x, self.y = x, y
        self.logged: dict[str, float] = {}

    def randint(self, high: int, *shape: int) -> torch.Tensor:
        return torch.full((len(self.x), *shape), 5)

    def log(self, name: str, value: Any) -> None:
        self.logged[name] = float(value)


def networks(inputs: Inputs, settings: FineTuning) -> dict[str, nn.Module]:
    with isolated_rng(0):
        backbone = Perceptron(inputs, widths=(6, 4), dropout=0.0)
        return {BACKBONE: backbone, HEAD: settings.head(backbone, 3)}


def loss_of(objective: Labelled, nets: dict[str, nn.Module], batch: FewPatients) -> torch.Tensor:
    objective.players(nets)
    ((player, loss),) = objective.losses(nets, batch)  # type: ignore[arg-type]
    assert player == HEAD
    return loss


def weights(net: nn.Module) -> list[np.ndarray]:
    return [value.numpy().copy() for value in net.state_dict().values()]


def log_likelihoods(nets: dict[str, nn.Module], batch: FewPatients) -> np.ndarray:
    logits = nets[HEAD](nets[BACKBONE](batch.x)).detach().double().numpy()
    proba = np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)
    told: np.ndarray = np.log(proba[np.arange(len(batch.y)), batch.y.numpy()])
    return told


def test_the_loss_is_the_mean_negative_log_likelihood_of_the_class(cohort: Cohort) -> None:
    settings = FineTuning()
    inputs = Inputs.fit(cohort)
    nets, batch = networks(inputs, settings), FewPatients(inputs.tensor(cohort), torch.from_numpy(cohort.y))
    loss = loss_of(Labelled(settings), nets, batch)
    assert float(loss.detach()) == pytest.approx(-log_likelihoods(nets, batch).mean(), abs=1e-5)
    recognised = (nets[HEAD](nets[BACKBONE](batch.x)).argmax(1) == batch.y).float().mean()
    assert batch.logged == {"accuracy_train": pytest.approx(float(recognised))}


def test_classes_are_weighed_by_the_share_that_they_are_not(cohort: Cohort) -> None:
    """w_i = (t - e_i)/t, and the mean over patients is weighed by them."""
    assert balance_weights([10, 30]) == (0.75, 0.25)
    settings = FineTuning()
    inputs = Inputs.fit(cohort)
    nets, batch = networks(inputs, settings), FewPatients(inputs.tensor(cohort), torch.from_numpy(cohort.y))
    given = balance_weights(list(cohort.class_counts().values()))
    own = np.array([(len(cohort) - np.sum(cohort.y == label)) / len(cohort) for label in cohort.y])
    expected = -(own * log_likelihoods(nets, batch)).sum() / own.sum()
    assert float(loss_of(Labelled(settings, given), nets, batch).detach()) == pytest.approx(expected, abs=1e-5)
    with torch.no_grad():
        held = Labelled(settings, given).validation_loss(nets, batch.x, batch.y, torch.Generator())
    assert float(held) == pytest.approx(expected, abs=1e-5)


def test_layers_pay_for_magnitudes_and_squares_of_their_weights(cohort: Cohort) -> None:
    inputs = Inputs.fit(cohort)
    plain = FineTuning()
    nets, batch = networks(inputs, plain), FewPatients(inputs.tensor(cohort), torch.from_numpy(cohort.y))
    base = float(loss_of(Labelled(plain), nets, batch).detach())
    first, second = (layer[0].weight.detach().numpy() for layer in nets[BACKBONE].layers)  # type: ignore[union-attr]
    added = 0.01 * (np.abs(first).sum() + (first**2).sum()) + 0.002 * (np.abs(second).sum() + (second**2).sum())
    for factors in ((0.01, 0.002), (0.01, 0.002, 9.0)):  # of a layer that is not there
        loss = loss_of(Labelled(FineTuning(l1l2=factors)), nets, batch)
        assert float(loss.detach()) == pytest.approx(base + added, rel=1e-5)
    frozen = loss_of(Labelled(FineTuning(l1l2=(0.01, 0.002), frozen=2)), nets, batch)
    assert not [w for w in nets[BACKBONE].parameters() if w.requires_grad]
    assert float(frozen.detach()) < base + added / 2


def test_predictions_for_a_patient_and_for_the_same_one_filled_in_should_agree(cohort: Cohort) -> None:
    """Cross-entropy + lambda * mean squared difference of the two probabilities."""
    inputs = Inputs.fit(cohort)
    settings = FineTuning(consistency=10.0)
    pretext = MaskedGenes(mask_share=0.5)
    nets, batch = networks(inputs, settings), FewPatients(inputs.tensor(cohort), torch.from_numpy(cohort.y))
    with isolated_rng(1):
        own = pretext.build(Perceptron(inputs, widths=(6, 4), dropout=0.5), batch.x)
    before = weights(own[BACKBONE])
    loss = loss_of(Labelled(settings, pretext=pretext), nets | {f"{PRETEXT}{name}": own[name] for name in own}, batch)
    with torch.no_grad():
        filled = pretext.predicted({name: net.eval() for name, net in own.items()}, batch.x, torch.Generator())
        one, other = (nets[HEAD](nets[BACKBONE](x)).softmax(1) for x in (batch.x, filled))
    expected = -log_likelihoods(nets, batch).mean() + 10 * float(((one - other) ** 2).mean())
    assert float(loss.detach()) == pytest.approx(expected, rel=1e-4)
    loss.backward()  # type: ignore[no-untyped-call]
    assert not any(w.grad is not None for net in own.values() for w in net.parameters())
    for was, now in zip(before, weights(own[BACKBONE]), strict=True):
        np.testing.assert_array_equal(was, now)


@pytest.mark.parametrize("frozen", [0, 1, 2])
def test_first_layers_stay_as_the_pretext_left_them(cohort: Cohort, frozen: int) -> None:
    few: dict[str, Any] = {"steps": 3, "epochs": 0, "batch_size": 16}
    model = Classifier(
        pretext="masked", backbone_settings={"widths": [6, 4, 3]}, pretext_settings=few, frozen=frozen, **few
    )
    model.pretrain(cohort)
    before = [weights(layer) for layer in model._pretrained[BACKBONE].layers]  # type: ignore[union-attr]
    model.fit(cohort)
    after = [weights(layer) for layer in model._nets[BACKBONE].layers]  # type: ignore[union-attr]
    for at, (was, now) in enumerate(zip(before, after, strict=True)):
        moved = [not np.array_equal(a, b) for a, b in zip(was, now, strict=True)]
        assert any(moved) == (at >= frozen)  # batch norm's running figures are among them


def test_a_head_has_hidden_layers_where_asked_and_cuts_off_what_came_before_a_relu() -> None:
    inputs = Inputs.fit(simulate("simulated-expression", 20, seed=0, genes=5))
    backbone = Perceptron(inputs, widths=(7,))
    plain = FineTuning().head(backbone, 4)
    assert [type(part) for part in plain] == [nn.Linear]
    deep = FineTuning(hidden=(32,), dropout=0.1).head(backbone, 4)
    assert [type(part) for part in deep[0].children()] == [nn.Linear, nn.BatchNorm1d, nn.ReLU, nn.Dropout]
    assert str(list(deep[0].children())[3]) == "Dropout(p=0.1, inplace=False)"
    assert str(deep[1]) == "Linear(in_features=32, out_features=4, bias=True)"

    class Signed(Perceptron):
        rectify = True

    assert [type(part) for part in FineTuning().head(Signed(inputs, widths=(7,)), 4)] == [nn.ReLU, nn.Linear]


def test_epochs_become_steps_and_rates_are_halved_by_epochs() -> None:
    settings = FineTuning(epochs=100, decay="halving", halve_every=20, learning_rate=0.05, least_rate=5e-4, patience=4)
    plan = settings.plan(1000, validated=True)  # eight steps an epoch
    assert (plan.steps, plan.halve_every, plan.validate_every, plan.patience) == (800, 160, 8, 4)
    assert [plan.rate(step) for step in (0, 159, 160, 799)] == pytest.approx([0.05, 0.05, 0.025, 0.003125])
    unseen = settings.plan(1000, validated=False)
    assert (unseen.validate_every, unseen.patience) == (0, 0)
    assert FineTuning(steps=70).plan(1000, validated=True).validate_every == 0
    assert FineTuning(steps=70, patience=1, validate_every=5).plan(1000, validated=True).validate_every == 5


def test_sgd_has_its_momentum_and_decay(cohort: Cohort) -> None:
    settings = FineTuning(optimiser="sgd", momentum=0.85, weight_decay=0.01)
    nets = networks(Inputs.fit(cohort), settings)
    (optimiser,) = Labelled(settings).players(nets).values()
    assert isinstance(optimiser, torch.optim.SGD)
    assert (optimiser.defaults["momentum"], optimiser.defaults["weight_decay"]) == (0.85, 0.01)
    few: dict[str, Any] = {"steps": 30, "epochs": 0, "batch_size": 32, "learning_rate": 0.05, "l1l2": []}
    model = Classifier(preset="microarray-2021", backbone_settings={"widths": [16]}, **few).fit(cohort)
    assert (model.predict_proba(cohort).argmax(axis=1) == cohort.y).mean() > 0.8


def test_the_weights_of_the_best_look_at_validation_are_kept(cohort: Cohort) -> None:
    train, validation = cohort.take(range(30)), cohort.take(range(30, 60))
    model = Classifier(
        backbone_settings={"widths": [16]},
        steps=60,
        epochs=0,
        batch_size=16,
        learning_rate=0.05,
        validate_every=3,
        patience=1000,
    )
    model.fit(train, validation=validation)
    looks = {row["step"]: row["validation_loss"] for row in model.history if "validation_loss" in row}
    assert list(looks) == list(range(3, 61, 3))
    assert model.summary["steps"] == 60
    assert model.summary["best_step"] == min(looks, key=looks.__getitem__)
    proba = model.predict_proba(validation)
    kept = -np.log(proba[np.arange(30), validation.y]).mean()
    assert kept == pytest.approx(min(looks.values()), rel=1e-4)
    impatient = Classifier(
        backbone_settings={"widths": [16]}, steps=600, epochs=0, batch_size=16, learning_rate=0.05, patience=2
    )
    assert impatient.fit(train, validation=validation).summary["steps"] < 600


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({"batch_size": 1}, "batch_size must be at least 2"),
        ({"dropout": 1.0}, "dropout must be a number of at least 0 and below 1"),
        ({"momentum": 1.5}, "momentum must be"),
        ({"weight_decay": -1.0}, "weight_decay must be a number of at least 0"),
        ({"consistency": -1.0}, "consistency must be a number of at least 0"),
        ({"l1l2": [-1.0]}, "l1l2 must be at least 0 each"),
        ({"frozen": 1}, "frozen layers need a pretext"),
        ({"consistency": 1.0}, "consistency needs a pretext that fills in masked values; there is none"),
        ({"consistency": 1.0, "pretext": "scarf"}, "pretext 'scarf' does not"),
        ({"augmentation": "shft", "backbone": "small-cnn"}, "unknown augmentation 'shft'; did you mean 'shift'"),
        ({"optimiser": "lion"}, "optimiser must be one of adam, sgd"),
        ({"decay": "halving"}, "halve_every"),
        ({"learning_rate": -1.0}, "learning_rate"),
        ({"stepz": 1}, "a classifier has no setting 'stepz'; did you mean steps?"),
    ],
)
def test_settings_that_cannot_be_are_refused_before_any_work(settings: dict[str, Any], words: str) -> None:
    with pytest.raises((DataError, TrainingError), match=words):
        Classifier(**settings)


def test_more_frozen_layers_than_there_are_is_refused(cohort: Cohort) -> None:
    few: dict[str, Any] = {"steps": 1, "batch_size": 8}
    model = Classifier(pretext="masked", backbone_settings={"widths": [4]}, pretext_settings=few, frozen=2, **few)
    with pytest.raises(DataError, match="this backbone has 1 layers; got 2"):
        model.pretrain(cohort).fit(cohort)
