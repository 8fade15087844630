"""Loading saved classifiers: folders with `classifier.safetensors` and `classifier.json`, never pickle."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import torch

from cohortsmith.data import DataError, Kind, Scale  # noqa: TC001  # pydantic reads the annotations of `ClassifierCard`
from cohortsmith.ssl_models.classifier import CLASSIFIER_FILES, Classifier
from cohortsmith.ssl_models.fine_tuning import HEAD
from cohortsmith.ssl_models.inputs import Inputs
from cohortsmith.ssl_models.pretexts import BACKBONE
from cohortsmith.training import Placement, Runtime, TrainingError, isolated_rng, place

if TYPE_CHECKING:
    from numpy.typing import NDArray
    from torch import nn


@dataclass(frozen=True)
class InputsCard:
    """Inputs as a card tells them; see `Inputs`."""

    kind: Kind
    features: tuple[str, ...]
    shape: tuple[int, ...]
    scale: Scale


@dataclass(frozen=True)
class ArgumentsCard:
    """Arguments as a card tells them; see `Arguments`."""

    preset: str
    backbone: str
    pretext: str
    backbone_settings: dict[str, Any]
    pretext_settings: dict[str, Any]
    fine_tuning: dict[str, Any]


@dataclass(frozen=True)
class ClassifierCard:
    """`classifier.json`, as `Classifier.save` writes it.

    Attributes:
        arguments: of the classifier.
        inputs: what its networks take.
        pretrained: names of the networks that a pretext trained.
        placement: where it was trained.
        classes, history, pretext_history, summary: as of `Classifier`.
    """

    arguments: ArgumentsCard
    inputs: InputsCard
    pretrained: list[str]
    classes: tuple[str, ...]
    history: list[dict[str, Any]]
    pretext_history: list[dict[str, Any]]
    summary: dict[str, Any]
    placement: Placement


def load(path: str | Path) -> Classifier:
    """Load a classifier from a folder written by `Classifier.save`.

    Raises:
        DataError: missing folder, not a saved classifier, or broken.
    """
    path = Path(path)
    if not CLASSIFIER_FILES.is_in(path):
        raise DataError(
            f"{path}: not a classifier; expected a folder with {CLASSIFIER_FILES.card} and {CLASSIFIER_FILES.tensors}"
        )
    card, tensors = CLASSIFIER_FILES.read(path, ClassifierCard)
    try:
        return _rebuild(card, tensors)
    except DataError as error:
        raise DataError(
            f"{path}: written by another version of this program ({error}); {CLASSIFIER_FILES.again}"
        ) from error
    except (KeyError, TypeError, ValueError, RuntimeError) as error:
        raise DataError(
            f"{path}: incomplete or written by another version of this program; {CLASSIFIER_FILES.again}"
        ) from error


def _rebuild(card: ClassifierCard, tensors: dict[str, NDArray[Any]]) -> Classifier:
    given, about = card.arguments, card.inputs
    classifier = Classifier(
        preset=given.preset,
        backbone=given.backbone,
        pretext=given.pretext,
        backbone_settings=given.backbone_settings,
        pretext_settings=given.pretext_settings,
        **given.fine_tuning,
    )
    inputs = Inputs(about.kind, about.features, about.shape, about.scale, _under("inputs", tensors))
    recipe = classifier.arguments.settled(inputs.kind)
    names = card.pretrained
    with isolated_rng(0):
        if names:
            nets: dict[str, nn.Module] = {BACKBONE: recipe.network(inputs)}
            if recipe.pretext and len(names) > 1:
                # The task's networks depend on the inputs' shape and type, and their weights are loaded.
                blank = np.zeros((2, *inputs.shape), inputs.dtype)
                nets = recipe.pretext.build(recipe.network(inputs), torch.from_numpy(blank))
            classifier._pretrained = {name: _filled(nets[name], f"pretrained/{name}", tensors) for name in names}
        if card.classes:
            backbone = recipe.network(inputs)
            head = recipe.fine_tuning.head(backbone, len(card.classes))
            fitted: dict[str, nn.Module] = {BACKBONE: backbone, HEAD: head}
            classifier._nets = {name: _filled(net, f"fitted/{name}", tensors) for name, net in fitted.items()}
    classifier._recipe, classifier._inputs = recipe, inputs
    classifier._placement = _at_hand(card.placement)
    classifier.classes = card.classes
    classifier.history, classifier.pretext_history = card.history, card.pretext_history
    classifier.summary = card.summary
    return classifier


def _at_hand(placement: Placement) -> Placement:
    """Where it was trained, or the CPU where that device is not available on this machine."""
    try:
        place(Runtime(device=placement.device))
    except TrainingError:
        return Placement("cpu", "32-true")
    return placement


def _under(start: str, tensors: dict[str, NDArray[Any]]) -> dict[str, NDArray[Any]]:
    return {name[len(start) + 1 :]: value for name, value in tensors.items() if name.startswith(f"{start}/")}


def _filled(net: nn.Module, start: str, tensors: dict[str, NDArray[Any]]) -> nn.Module:
    net.load_state_dict({key: torch.from_numpy(value) for key, value in _under(start, tensors).items()})
    return net.eval()
