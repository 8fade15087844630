"""Folders of classifiers: `classifier.safetensors` and `classifier.json`, never pickle, whole or not there."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import torch

from cohortsmith.data import DataError
from cohortsmith.ssl_models.classifier import STORED, Classifier
from cohortsmith.ssl_models.fine_tuning import HEAD
from cohortsmith.ssl_models.inputs import Inputs
from cohortsmith.ssl_models.pretexts import BACKBONE
from cohortsmith.training import Placement, Runtime, TrainingError, isolated_rng, place

if TYPE_CHECKING:
    from numpy.typing import NDArray
    from torch import nn


def load(path: str | Path) -> Classifier:
    """Classifier from a folder that `save` wrote; it goes on from there: `start_from`, `fit`, `predict_proba`.

    Raises:
        DataError: no such folder, not one of ours, or broken.
    """
    path = Path(path)
    if not STORED.is_in(path):
        raise DataError(f"{path}: no classifier: a folder with {STORED.card} and {STORED.tensors} was expected")
    card, tensors = STORED.read(path)
    try:
        return _rebuild(card, tensors)
    except DataError as error:
        raise DataError(f"{path}: of another version of this program ({error}); {STORED.again}") from error
    except (KeyError, TypeError, ValueError, RuntimeError) as error:
        raise DataError(f"{path}: incomplete or of another version of this program; {STORED.again}") from error


def _rebuild(card: dict[str, Any], tensors: dict[str, NDArray[Any]]) -> Classifier:
    given = card["arguments"]
    classifier = Classifier(
        **{key: value for key, value in given.items() if key != "fine_tuning"}, **given["fine_tuning"]
    )
    about = card["inputs"]
    inputs = Inputs(
        about["kind"], tuple(about["features"]), tuple(about["shape"]), about["scale"], _under("inputs", tensors)
    )
    recipe = classifier.arguments.settled(inputs.kind)
    names: list[str] = card["pretrained"]
    with isolated_rng(0):
        if names:
            nets: dict[str, nn.Module] = {BACKBONE: recipe.network(inputs)}
            if recipe.pretext and len(names) > 1:
                # The task's networks depend on the inputs' shape and type, and what they learnt of patients is loaded.
                nobody = np.zeros((2, *inputs.shape), inputs.dtype)
                nets = recipe.pretext.build(recipe.network(inputs), torch.from_numpy(nobody))
            classifier._pretrained = {name: _filled(nets[name], f"pretrained/{name}", tensors) for name in names}
        if card["classes"]:
            backbone = recipe.network(inputs)
            head = recipe.fine_tuning.head(backbone, len(card["classes"]))
            fitted: dict[str, nn.Module] = {BACKBONE: backbone, HEAD: head}
            classifier._nets = {name: _filled(net, f"fitted/{name}", tensors) for name, net in fitted.items()}
    classifier._recipe, classifier._inputs = recipe, inputs
    classifier._placement = _at_hand(Placement(**card["placement"]))
    classifier.classes = tuple(card["classes"])
    classifier.history, classifier.pretext_history = card["history"], card["pretext_history"]
    classifier.summary = card["summary"]
    return classifier


def _at_hand(placement: Placement) -> Placement:
    """Where it was trained, or the CPU where that is not here."""
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
