"""`Classifier`: inputs, backbone, pretext and fine-tuning, for every data kind."""

from __future__ import annotations

import copy
from dataclasses import asdict, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

import torch

from cohortsmith.data import Cohort, DataError
from cohortsmith.data.io import Stored
from cohortsmith.ssl_models.backbones import through
from cohortsmith.ssl_models.fine_tuning import HEAD, PRETEXT, TEACHER, Labelled, Mixed, balance_weights
from cohortsmith.ssl_models.inputs import Inputs
from cohortsmith.ssl_models.kinds import KINDS
from cohortsmith.ssl_models.pretexts import BACKBONE, Pretext
from cohortsmith.ssl_models.recipe import Arguments
from cohortsmith.training import Placement, isolated_rng, place, train

if TYPE_CHECKING:
    from collections.abc import Mapping

    import numpy as np
    from numpy.typing import NDArray
    from torch import Tensor, nn

    from cohortsmith.ssl_models.backbones import Backbone
    from cohortsmith.ssl_models.recipe import Recipe
    from cohortsmith.training import Runtime, TrainingResult

CLASSIFIER_FILES = Stored("classifier", "cohortsmith-classifier/1", "train it again")


class Classifier:
    """Classifier that can pretrain on unlabelled patients (`pretrain`) and is fitted to labelled ones (`fit`).

    Args:
        preset: name in `PRESETS`; other arguments override it. "" selects the data kind's default.
        backbone: name of the network in `KINDS`; "" selects the preset's, or the data kind's first.
        pretext: name of the self-supervised task; "" for supervised learning only.
        backbone_settings, pretext_settings: their settings; the others have their defaults.
        fine_tuning: fields of `FineTuning`.

    Attributes:
        arguments: those above.
        classes: names, in the order of the probabilities; empty until fitted.
        history: rows of `step`, `loss`, `accuracy_train` and, with validation, `validation_loss`.
        pretext_history: the same for the pretext.
        summary: `steps`, `best_step`, `epochs`, `seconds`, `seconds_an_epoch`, `device`, `precision` and `parameters`
            of the last fit; under `pretext` the same for the pretext, with its `validation_loss` if there were
            validation patients.

    Raises:
        DataError: unknown names or settings (the message suggests similar ones), or an invalid combination.
        TrainingError: an invalid schedule.
    """

    def __init__(
        self,
        *,
        preset: str = "",
        backbone: str = "",
        pretext: str = "",
        backbone_settings: Mapping[str, Any] | None = None,
        pretext_settings: Mapping[str, Any] | None = None,
        **fine_tuning: Any,
    ) -> None:
        self.arguments = Arguments(
            preset, backbone, pretext, dict(backbone_settings or {}), dict(pretext_settings or {}), fine_tuning
        )
        self.arguments.refuse_impossible()
        self.classes: tuple[str, ...] = ()
        self.history: list[dict[str, float]] = []
        self.pretext_history: list[dict[str, float]] = []
        self.summary: dict[str, Any] = {}
        self._recipe: Recipe | None = None
        self._inputs: Inputs | None = None
        self._pretrained: dict[str, nn.Module] = {}
        self._nets: dict[str, nn.Module] = {}
        self._placement = Placement("cpu", "32-true")

    def __repr__(self) -> str:
        state = f"fitted, {len(self.classes)} classes" if self._nets else "pretrained" if self._pretrained else "new"
        named = [name for name in (self.arguments.preset, self.arguments.backbone, self.arguments.pretext) if name]
        return f"Classifier({', '.join([*named, state])})"

    def pretrain(
        self,
        cohort: Cohort,
        *,
        validation: Cohort | None = None,
        seed: int = 0,
        runtime: Runtime | None = None,
    ) -> Self:
        """Train the backbone on the pretext; labels are not used.

        Args:
            cohort: training patients.
            validation: patients for the pretext's validation loss, and for early stopping if it has `patience`.
            seed: of the initial weights, the order of the patients and all random draws of the task.
            runtime: where to train; by default the best available device for images, the CPU for other kinds.

        Raises:
            DataError: there is no pretext, it is not for this data kind, or the validation patients do not match.
            TrainingError: the device is not available, or training diverged.
        """
        recipe = self.arguments.settled(cohort.kind)
        if recipe.pretext is None:
            raise DataError("this classifier has no pretext; choose one, or call fit(cohort) directly")
        runtime = recipe.runtime(runtime)
        inputs = Inputs.fit(cohort)
        x = inputs.tensor(cohort)
        held_out = _unlabelled(inputs.tensor(validation)) if validation is not None else None
        with isolated_rng(seed):
            backbone = recipe.network(inputs)
            recipe.fine_tuning.frozen_layers(backbone)  # fail now rather than after the pretext
            nets = recipe.pretext.build(backbone, x)
        plan = recipe.pretext.plan(len(x))
        if held_out is None:
            plan = replace(plan, validate_every=0, patience=0)
        result = train(
            recipe.pretext, nets, *_unlabelled(x), plan=plan, seed=seed, runtime=runtime, validation=held_out
        )
        summary = _summary(result, len(x), plan.batch_size)
        if held_out is not None and _has(recipe.pretext, "validation_loss"):
            generator = torch.Generator().manual_seed(seed)
            with torch.no_grad():
                summary["validation_loss"] = float(recipe.pretext.validation_loss(result.nets, *held_out, generator))
        self._forget()
        self._recipe, self._inputs, self._placement = recipe, inputs, Placement(result.device, result.precision)  # type: ignore[arg-type]
        self._pretrained = _kept(recipe.pretext, result.nets)
        self.pretext_history, self.summary = result.history, {"pretext": summary}
        return self

    def start_from(self, other: Classifier) -> Self:
        """Use the pretrained networks of another classifier, but not its fine-tuning.

        Raises:
            DataError: the other has not been pretrained, or its pretext or backbone differs.
        """
        if other._recipe is None or not other._pretrained:
            raise DataError("the classifier to start from has not been pretrained; call its pretrain(cohort) first")
        recipe = self.arguments.settled(other._recipe.kind)
        differing = recipe.differing(other._recipe)
        if differing:
            raise DataError(f"the pretrained classifier is of another architecture: {differing}")
        self._forget()
        self._recipe, self._inputs, self._placement = recipe, other._inputs, other._placement
        self._pretrained, self.pretext_history = other._pretrained, list(other.pretext_history)
        self.summary = {"pretext": other.summary["pretext"]}
        return self

    def fit(
        self,
        cohort: Cohort,
        *,
        unlabelled: Cohort | None = None,
        validation: Cohort | None = None,
        seed: int = 0,
        runtime: Runtime | None = None,
    ) -> Self:
        """Learn the classes of a cohort, starting from the pretrained backbone if there is a pretext.

        Args:
            cohort: labelled patients.
            unlabelled: further training patients if `unlabelled_weight` is not 0; their labels are not used.
            validation: patients for early stopping, with `patience`.
            seed: of the initial weights, the order of the patients and all random draws.
            runtime: where to train; by default the best available device for images, the CPU for other kinds.

        Raises:
            DataError: a class without patients, patients that do not match the pretext's, or no pretraining yet.
            TrainingError: the device is not available, or training diverged.
        """
        recipe = self.arguments.settled(cohort.kind)
        absent = [name for name, count in cohort.class_counts().items() if not count]
        if absent and len(cohort):
            raise DataError(f"class {absent[0]!r} has no patients; label at least one patient of each class")
        if recipe.pretext and not self._pretrained:
            raise DataError(
                f"pretext {recipe.pretext_name!r} must be trained first: call pretrain(cohort) or start_from(other)"
            )
        if validation is not None and validation.classes != cohort.classes:
            raise DataError(
                f"expected validation patients of classes {', '.join(cohort.classes)}; got "
                f"{', '.join(validation.classes)}"
            )
        runtime = recipe.runtime(runtime)
        settings = recipe.fine_tuning
        if (unlabelled is None) != (not settings.unlabelled_weight):
            raise DataError(
                "unlabelled_weight and unlabelled patients must be used together: pass both, as in "
                f"fit(cohort, unlabelled=others), or neither; got {settings.unlabelled_weight} and "
                f"{0 if unlabelled is None else len(unlabelled)} patients"
            )
        inputs = self._inputs if recipe.pretext and self._inputs else Inputs.fit(unlabelled or cohort)
        x, y = inputs.tensor(cohort), torch.from_numpy(cohort.y)
        with isolated_rng(seed):
            backbone = self._start(recipe, inputs)
            head = settings.head(backbone, len(cohort.classes))
        held_out = (inputs.tensor(validation), torch.from_numpy(validation.y)) if validation is not None else None
        plan = settings.plan(len(x), validated=held_out is not None)
        make = Mixed if unlabelled is not None else Labelled
        objective = make(
            settings,
            balance_weights(list(cohort.class_counts().values())) if settings.class_weights else (),
            KINDS[recipe.kind].augmentations.get(settings.augmentation),
            recipe.pretext,
        )
        nets: dict[str, nn.Module] = {BACKBONE: backbone, HEAD: head}
        if settings.consistency:
            nets |= {f"{PRETEXT}{name}": copy.deepcopy(net) for name, net in self._pretrained.items()}
        fixed = settings.frozen == "all" and objective.augment is None
        if fixed and not settings.consistency and not settings.unlabelled_weight:
            # Features of a frozen backbone are computed once.
            where = place(runtime)
            x = through(backbone, x, where)
            held_out = held_out and (through(backbone, held_out[0], where), held_out[1])
            del nets[BACKBONE]
        if isinstance(objective, Mixed) and unlabelled is not None:
            nets = objective.networks(nets, x, y, len(cohort.classes))
            x, y = _unlabelled(inputs.tensor(unlabelled))
        result = train(objective, nets, x, y, plan=plan, seed=seed, runtime=runtime, validation=held_out)
        if isinstance(objective, Mixed):
            backbone, head = nets[TEACHER].children()  # type: ignore[assignment]
        self._recipe, self._inputs, self._placement = recipe, inputs, Placement(result.device, result.precision)  # type: ignore[arg-type]
        self._nets = {BACKBONE: backbone.eval(), HEAD: head}
        self.classes, self.history = cohort.classes, result.history
        summary = _summary(result, len(x), plan.batch_size)
        summary["parameters"] = sum(w.numel() for net in self._nets.values() for w in net.parameters())
        self.summary = {**summary, **{key: value for key, value in self.summary.items() if key == "pretext"}}
        return self

    def predict_proba(self, x: Cohort | NDArray[Any]) -> NDArray[np.float64]:
        """Probability of each class, (n, classes), rows sum to one.

        Raises:
            DataError: not fitted, or patients that do not match the training cohort.
        """
        if not self._nets:
            raise DataError("this classifier is not fitted; call fit(cohort) first")
        both = torch.nn.Sequential(self._nets[BACKBONE], self._nets[HEAD])
        proba: NDArray[np.float64] = self._run(both, x).double().softmax(1).numpy()
        return proba

    def embed(self, x: Cohort | NDArray[Any]) -> NDArray[np.float32]:
        """Features (n, width) of the fitted backbone, or of the pretrained one if not yet fitted.

        Raises:
            DataError: neither fitted nor pretrained, or patients that do not match the training cohort.
        """
        nets = self._nets or self._pretrained
        if not nets:
            raise DataError("this classifier is not fitted; call fit(cohort) or pretrain(cohort) first")
        features: NDArray[np.float32] = self._run(nets[BACKBONE], x).numpy()
        return features

    def pairs(self, x: Cohort | NDArray[Any], seed: int = 0) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        """Features (n, width) of two views of each patient, by the pretrained backbone and the pretext's augmentation.

        Raises:
            DataError: not pretrained, a pretext without views, or patients that do not match the training cohort.
        """
        if not self._pretrained or self._inputs is None or self._recipe is None or self._recipe.pretext is None:
            raise DataError("this classifier has not been pretrained; call pretrain(cohort) first")
        views = self._recipe.pretext.views(self._inputs.tensor(x), torch.Generator().manual_seed(seed))
        if views is None:
            raise DataError(f"pretext {self._recipe.pretext_name!r} does not use two views of a patient")
        one, other = (through(self._pretrained[BACKBONE], view, self._placement).numpy() for view in views)
        return one, other

    def save(self, path: str | Path) -> None:
        """Write a pretrained or fitted classifier to a new or empty folder; `load` reads it."""
        inputs = self._inputs
        if inputs is None:
            raise DataError("this classifier is not fitted; call fit(cohort) or pretrain(cohort) first")
        tensors = {f"inputs/{name}": value for name, value in inputs.tensors.items()}
        for part, nets in (("pretrained", self._pretrained), ("fitted", self._nets)):
            for name, net in nets.items():
                tensors |= {f"{part}/{name}/{key}": value.cpu().numpy() for key, value in net.state_dict().items()}
        card = {
            "arguments": asdict(self.arguments),
            "inputs": {key: getattr(inputs, key) for key in ("kind", "features", "shape", "scale")},
            "pretrained": sorted(self._pretrained),
            "classes": self.classes,
            "history": self.history,
            "pretext_history": self.pretext_history,
            "summary": self.summary,
            "placement": asdict(self._placement),
        }
        CLASSIFIER_FILES.write(Path(path), tensors, card)

    def _start(self, recipe: Recipe, inputs: Inputs) -> Backbone:
        if not self._pretrained:
            return recipe.network(inputs)
        backbone: Backbone = copy.deepcopy(self._pretrained[BACKBONE])  # type: ignore[assignment]
        return backbone

    def _run(self, net: nn.Module, x: Cohort | NDArray[Any]) -> Tensor:
        if self._inputs is None:
            raise DataError("this classifier is not fitted; call fit(cohort) or pretrain(cohort) first")
        return through(net, self._inputs.tensor(x), self._placement)

    def _forget(self) -> None:
        self._nets, self.classes, self.history = {}, (), []


def _unlabelled(x: Tensor) -> tuple[Tensor, Tensor]:
    return x, torch.zeros(len(x), dtype=torch.int64)


def _has(pretext: Pretext, method: str) -> bool:
    """Whether a pretext overrides a method of the base class."""
    return getattr(type(pretext), method) is not getattr(Pretext, method)


def _kept(pretext: Pretext, nets: Mapping[str, nn.Module]) -> dict[str, nn.Module]:
    """The networks to keep: the backbone, and the rest only if it predicts masked values; never banks of features."""
    return dict(nets) if _has(pretext, "predicted") else {BACKBONE: nets[BACKBONE]}


def _summary(result: TrainingResult, n: int, batch_size: int) -> dict[str, Any]:
    epochs = result.steps * batch_size / n
    return {
        "steps": result.steps,
        "best_step": result.best_step,
        "epochs": round(epochs, 2),
        "seconds": round(result.seconds, 3),
        "seconds_an_epoch": round(result.seconds / epochs, 4),
        "device": result.device,
        "precision": result.precision,
        "parameters": sum(w.numel() for net in result.nets.values() for w in net.parameters()),
    }
