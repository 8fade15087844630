"""`Recipe`: the arguments of a classifier, validated and completed for one data kind."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field, replace
from typing import TYPE_CHECKING, Any

from cohortsmith.data import DataError
from cohortsmith.data.settings import checked, refuse_unknown, settings_of
from cohortsmith.data.suggestions import near_misses
from cohortsmith.ssl_models.fine_tuning import FineTuning
from cohortsmith.ssl_models.kinds import KINDS, classifier_kind
from cohortsmith.ssl_models.presets import PRESETS
from cohortsmith.ssl_models.pretexts import Pretext
from cohortsmith.training import Runtime, fast_precision

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from cohortsmith.ssl_models.backbones import Backbone
    from cohortsmith.ssl_models.inputs import Inputs
    from cohortsmith.ssl_models.kinds import ClassifierKind

_PARTS = ("backbone", "pretext")
_SETTINGS = ("backbone_settings", "pretext_settings")


@dataclass(frozen=True)
class Arguments:
    """A classifier's arguments before its data kind is known; "" selects the kind's default.

    Attributes:
        preset: name in `PRESETS`.
        backbone, pretext: names in `KINDS`.
        backbone_settings, pretext_settings: their settings.
        fine_tuning: fields of `FineTuning`.
    """

    preset: str = ""
    backbone: str = ""
    pretext: str = ""
    backbone_settings: Mapping[str, Any] = field(default_factory=dict)
    pretext_settings: Mapping[str, Any] = field(default_factory=dict)
    fine_tuning: Mapping[str, Any] = field(default_factory=dict)

    def refuse_impossible(self) -> None:
        """Check the arguments against every data kind that they could be for.

        Raises:
            DataError: unknown names or settings, or a combination that no data kind has.
        """
        _refuse_other("preset", self.preset, PRESETS)
        _refuse_other("backbone", self.backbone, [name for kind in KINDS.values() for name in kind.backbones])
        _refuse_other("pretext", self.pretext, [name for kind in KINDS.values() for name in kind.pretexts])
        refuse_unknown("a classifier", self.fine_tuning, settings_of(FineTuning))
        refusals = []
        for name, kind in KINDS.items():
            if not self._could_be(name, kind):
                continue
            try:
                self.settled(name)
                return
            except DataError as refusal:
                refusals.append(refusal)
        named = [f"{what} {name!r}" for what, name in self._named() if name]
        raise refusals[0] if refusals else DataError(f"no data kind has both {' and '.join(named)}")

    def settled(self, name: str) -> Recipe:
        """Recipe for cohorts of a data kind.

        Raises:
            DataError: a component of another data kind, or an invalid value of a setting.
        """
        kind = classifier_kind(name)
        preset = PRESETS.get(self.preset or kind.preset)
        if preset and preset.kind != name:
            raise DataError(f"preset {self.preset!r} is for {preset.kind} data; this cohort holds {name} data")
        own = {key: value for key, value in self._named() if value and key != "preset"} | dict(self.fine_tuning)
        own |= {key: getattr(self, key) for key in _SETTINGS}
        layers: list[Mapping[str, Any]] = [own]
        if preset:
            pretext = self.pretext or preset.arguments.get("pretext", "")
            layers = [preset.arguments, preset.by_pretext.get(pretext, {}), own]
        merged = _over(layers)
        for part, key in zip(_PARTS, _SETTINGS, strict=True):
            chosen = merged.get(part, "")
            # settings given with another component's name belong to that component
            own_layers = [layer.get(key, {}) for layer in layers if layer.get(part, chosen) == chosen]
            merged[key] = _over(own_layers)
        return _recipe(name, kind, merged)

    def _named(self) -> list[tuple[str, str]]:
        return [("preset", self.preset), ("backbone", self.backbone), ("pretext", self.pretext)]

    def _could_be(self, name: str, kind: ClassifierKind) -> bool:
        return (
            (not self.preset or PRESETS[self.preset].kind == name)
            and (not self.backbone or self.backbone in kind.backbones)
            and (not self.pretext or self.pretext in kind.pretexts)
        )


@dataclass(frozen=True)
class Recipe:
    """Full specification of a classifier of one data kind, apart from its seed and its patients.

    Attributes:
        kind: data kind.
        backbone: name in the kind's backbones.
        backbone_settings: all its settings with their values.
        pretext_name, pretext: self-supervised task; None for supervised learning only.
        fine_tuning: settings of supervised learning.
    """

    kind: str
    backbone: str
    backbone_settings: dict[str, Any]
    pretext_name: str
    pretext: Pretext | None
    fine_tuning: FineTuning

    def network(self, inputs: Inputs) -> Backbone:
        """A new backbone; call it inside `isolated_rng`.

        Raises:
            DataError: it does not suit these inputs.
        """
        make: Any = KINDS[self.kind].backbones[self.backbone]
        try:
            made: Backbone = make(inputs, **self.backbone_settings)
        except ValueError as error:
            raise DataError(f"backbone {self.backbone}: {error}") from error
        return made

    def runtime(self, requested: Runtime | None) -> Runtime:
        """Where to train: as requested, else heavy networks on the best available device and others on the CPU."""
        if not KINDS[self.kind].heavy:
            # The layers are small: transfers to a GPU would take longer than the computation.
            return requested or Runtime(device="cpu")
        runtime = requested or Runtime()
        return replace(runtime, precision=fast_precision(runtime))

    def differing(self, other: Recipe) -> str:
        """Description of the first difference between the pretrained networks of two recipes; "" if there is none."""
        for what, ours, theirs in (
            ("data kind", self.kind, other.kind),
            ("backbone", self.backbone, other.backbone),
            ("backbone_settings", self.backbone_settings, other.backbone_settings),
            ("pretext", self.pretext_name, other.pretext_name),
            ("pretext_settings", self.pretext and asdict(self.pretext), other.pretext and asdict(other.pretext)),
        ):
            if isinstance(ours, dict) and isinstance(theirs, dict):
                for key in ours:
                    if ours[key] != theirs[key]:
                        return f"{what}: {key} is {ours[key]!r} in this one and {theirs[key]!r} in the other"
            elif ours != theirs:
                return f"{what} is {ours!r} in this one and {theirs!r} in the other"
        return ""


def _recipe(name: str, kind: ClassifierKind, merged: dict[str, Any]) -> Recipe:
    backbone = merged.pop("backbone", "") or next(iter(kind.backbones))
    pretext = merged.pop("pretext", "")
    for what, one, known in (("backbone", backbone, kind.backbones), ("pretext", pretext, kind.pretexts)):
        if one and one not in known:
            available = ", ".join(known) or "none"
            raise DataError(f"{what} {one!r} is not for {name} data{near_misses(one, known)}; known: {available}")
    of_backbone, of_pretext = (merged.pop(key, {}) for key in _SETTINGS)
    if of_pretext and not pretext:
        raise DataError("pretext_settings need a pretext; choose one, or omit them")
    network = kind.backbones[backbone]
    settings = {key: setting.default for key, setting in settings_of(network).items()}
    settings |= checked(f"backbone {backbone}", network, of_backbone)
    task = None
    if pretext:
        made = kind.pretexts[pretext]
        task = made(**checked(f"pretext {pretext}", made, of_pretext))
    if task and task.backbones and backbone not in task.backbones:
        raise DataError(f"pretext {pretext!r} works on backbone {' or '.join(task.backbones)}; got {backbone!r}")
    fine_tuning = FineTuning(**checked("a classifier", FineTuning, merged))
    _refuse_other("augmentation", fine_tuning.augmentation, ["none", *kind.augmentations])
    if fine_tuning.frozen and not task:
        raise DataError("frozen layers need a pretext that trains them first, and there is none")
    if fine_tuning.unlabelled_weight and (not kind.mixable or fine_tuning.consistency):
        raise DataError(
            "unlabelled_weight mixes patients, which is not possible for sequences; use a pretext"
            if not kind.mixable
            else "unlabelled_weight and consistency cannot be combined; set one of them to 0"
        )
    if fine_tuning.consistency and (task is None or type(task).predicted is Pretext.predicted):
        reason = f"pretext {pretext!r} does not" if task else "there is none"
        raise DataError(f"consistency needs a pretext that fills in masked values; {reason}")
    return Recipe(name, backbone, settings, pretext, task, fine_tuning)


def _over(layers: Iterable[Mapping[str, Any]]) -> dict[str, Any]:
    """Merge layers of settings, later ones first; explicit steps replace the epochs of earlier layers."""
    merged: dict[str, Any] = {}
    for layer in layers:
        if "steps" in layer:
            merged.pop("epochs", None)
        merged |= layer
    return merged


def _refuse_other(what: str, name: str, known: Iterable[str]) -> None:
    known = list(dict.fromkeys(known))
    if name and name not in known:
        raise DataError(f"unknown {what} {name!r}{near_misses(name, known)}; known: {', '.join(known) or 'none'}")
