"""`NeuralGenerator`: a family on whatever data kind a cohort has; binding, training, calibration, samples."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any, ClassVar, NamedTuple

import numpy as np
import torch

from cohortsmith.data import Cohort, DataError
from cohortsmith.data.settings import refuse_unknown
from cohortsmith.generators.collapse import collapse_alarms, diversity
from cohortsmith.generators.contracts import Generator, Schema
from cohortsmith.generators.early_stopping import trained
from cohortsmith.generators.kinds import KINDS, PROFILE, bind, kind_of
from cohortsmith.training import Runtime, is_main_process, isolated_rng, place

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

    from numpy.typing import NDArray
    from torch import nn

    from cohortsmith.generators.binding import Binding
    from cohortsmith.generators.contracts import Codec

_CALIBRATION_VALUES = 40_000_000
_CALIBRATION_TIMES = 40  # generated patients for one of train's, whose own number limits what can be corrected
_OF_SYMBOLS = 3  # dimensions of sequences' codes
_EVIDENCE = 21  # stream of the seed
IDLE = (
    "the network adds nothing here: `copula` is as good, in a fraction of the time, and samples are those of the copula"
)


class NeuralGenerator(Generator):
    """A family on whatever data kind the cohort has; each family's own class lists its settings.

    Args:
        settings: settings by name; those not given are the data kind's defaults.

    Raises:
        DataError: an unknown setting (the message names the near ones), or a value that it cannot have.
    """

    kinds: ClassVar[Collection[str]] = KINDS.keys()

    def __init__(self, **settings: Any) -> None:
        super().__init__()
        refuse_unknown(self.family, settings, self.setting_names())
        refusals: list[DataError | None] = []
        for kind in KINDS.values():
            if not set(settings) <= set(kind.names(self.family)):
                continue
            try:
                kind.bind(self.family, settings)
                refusals.append(None)
            except DataError as refusal:
                refusals.append(refusal)
        if refusals and all(refusals):  # what one data kind alone refuses is refused when the kind is known
            raise next(filter(None, refusals))
        self._given = dict(settings)
        self.settings = dict(settings)
        self._bound: Binding
        self._nets: dict[str, nn.Module] = {}

    @classmethod
    def setting_names(cls, kind: str = "") -> list[str]:
        """Names of the family's settings and of the codec's, for one data kind or whatever the kind."""
        asked = [kind_of(kind)] if kind else KINDS.values()
        return list(dict.fromkeys(name for one in asked for name in one.names(cls.family)))

    @property
    def binding(self) -> Binding:
        """Objective, fitted codec and settings.

        Raises:
            DataError: the generator has not been fitted.
        """
        self.schema  # noqa: B018  refuses what is not fitted
        return self._bound

    @property
    def networks(self) -> dict[str, nn.Module]:
        """Trained networks by name; none before a fit, or where they add nothing to the copula."""
        return self._nets

    def _bind(self, kind: str, device: str = "cpu") -> Binding:
        """Settle everything for a data kind; `settings` then holds every setting with its value."""
        self._bound = bind(kind, self.family, self._given, device)
        self.settings = dict(self._bound.settings)
        return self._bound

    def _fit(self, cohort: Cohort, seed: int, runtime: Runtime | None) -> Schema:
        runtime = runtime or Runtime()
        bound = self._bind(cohort.kind, place(runtime).device)  # refuses an absent device before any work
        cohort = bound.codec.narrowed(cohort)
        if spending := bound.open_budget(cohort, runtime.checkpoint):
            cohort = spending.one_record_each(cohort)
        rng = np.random.default_rng([seed, 0])
        x = torch.from_numpy(np.ascontiguousarray(bound.codec.fit_encode(cohort, rng)))
        groups = bound.groups(cohort)
        plan, schema = bound.objective.plan(len(cohort)), Schema.of(cohort)
        if spending:  # the schema holds the class counts that were released
            counts = spending.statistics.counts(cohort.y, len(cohort.classes))
            plan = replace(plan, privacy=spending.of_training(counts))
            schema = replace(schema, class_counts=tuple(counts.tolist()))
        training = trained(bound, x, groups, cohort, plan, bound.runtime(runtime), seed)
        self._nets, result = training.nets, training.result
        self.history = result.history
        checked = GeneratedPatients({}, ())
        if not spending:  # these use the patients once more
            if self._nets:
                bound.objective.finish(self._nets, x, groups)
            checked = self._calibrate(x.numpy(), groups.numpy(), cohort, rng) if is_main_process() else checked
        self.summary = {
            "device": result.device,
            "precision": result.precision,
            **({PROFILE: self.settings[PROFILE]} if PROFILE in self.settings else {}),
            "parameters": sum(w.numel() for net in self._nets.values() for w in net.parameters()),
            "steps": result.steps,
            "train_seconds": round(result.seconds, 3),
            "best_step": training.best_step,
            **({"gain": round(training.gain, 4)} if training.gain is not None else {}),
            "stopped_early": result.stopped_early,
            "resumed_from": result.resumed_from,
            "code_dim": int(np.prod(bound.codec.code_shape)),
            "diversity": checked.diversity,
            **told(bound.codec),
            "alarms": list(checked.alarms),
            **({"privacy": spending.statement(result.privacy or {})} if spending else {}),
        }
        if training.remark:
            self.summary["remarks"].append(training.remark)
        if training.gain is not None and not self._nets:
            self.summary["remarks"].append(IDLE)
        return schema

    def _calibrate(
        self, codes: NDArray[np.float32], groups: NDArray[np.int64], cohort: Cohort, rng: np.random.Generator
    ) -> GeneratedPatients:
        """Correct the codec's marginals; return how diverse generated patients are."""
        counts = np.bincount(groups)
        most = self._bound.codec.calibration_patients
        room = int(np.clip(_CALIBRATION_VALUES // (len(cohort.features) * np.count_nonzero(counts)), 64, most))
        drawn = np.repeat(np.arange(len(counts)), np.where(counts, np.clip(_CALIBRATION_TIMES * counts, 64, room), 0))
        generated = self._bound.sample(self._nets, drawn, rng)
        self._bound.codec.calibrate(generated, drawn, rng)
        of_class = np.zeros(len(counts), np.int64)
        of_class[groups] = cohort.y
        shown = diversity(generated, codes, of_class[drawn], cohort.y, cohort.classes)
        real: NDArray[Any] = codes
        if generated.ndim == _OF_SYMBOLS:  # codes are probabilities, from which patients are yet to be drawn
            generated, real = self._bound.codec.decode(generated, drawn, rng), cohort.x
        alarms = collapse_alarms(generated, real, of_class[drawn], cohort.y, cohort.classes)
        return GeneratedPatients(shown, tuple(alarms))

    def _draw(self, y: NDArray[np.int64], rng: np.random.Generator) -> NDArray[Any]:
        groups = self._bound.draw_groups(y, rng)
        return self._bound.codec.decode(self._bound.sample(self._nets, groups, rng), groups, rng)

    def _evidence(self, cohort: Cohort, seed: int) -> dict[str, NDArray[np.float64]]:
        codec, rng = self._bound.codec, np.random.default_rng([seed, _EVIDENCE])
        codes, groups, own = [], [], []
        rows = max(_CALIBRATION_VALUES // max(self.schema.values, 1), 1)
        for start in range(0, len(cohort), rows):
            part = cohort.take(np.arange(start, min(start + rows, len(cohort))))
            codes.append(codec.encode(part, rng))
            groups.append(self._bound.groups(part))
            own.append(codec.evidence(part, rng))
        found = self._bound.evidence(self._nets, np.concatenate(codes), torch.cat(groups), seed)
        return found | {name: np.concatenate([part[name] for part in own]) for name in own[0]}

    def _state(self) -> tuple[dict[str, NDArray[Any]], dict[str, Any]]:
        tensors, values = self._bound.codec.state()
        arrays = {f"codec.{name}": value for name, value in tensors.items()}
        for name in self._bound.objective.sampling() if self._nets else ():
            arrays |= {f"net.{name}.{key}": value.numpy() for key, value in self._nets[name].state_dict().items()}
        return arrays, {"codec": values}

    def _restore(self, tensors: dict[str, NDArray[Any]], values: dict[str, Any]) -> None:
        bound = self._bind(self.schema.kind)
        parts = {name.removeprefix("codec."): value for name, value in tensors.items() if name.startswith("codec.")}
        bound.codec.restore(parts, values["codec"])
        with isolated_rng(0):
            nets = bound.build(len(self.schema.classes))
        # Models of the first versions hold networks that sampling does not need, too.
        saved = {name.split(".")[1] for name in tensors if name.startswith("net.")}
        if saved or not bound.codec.gaussian:
            saved |= {*bound.objective.sampling()}
        self._nets = {name: net for name, net in nets.items() if name in saved}
        for name, net in self._nets.items():
            state = {key: torch.from_numpy(tensors[f"net.{name}.{key}"]) for key in net.state_dict()}
            net.load_state_dict(state)
            net.eval()


def given(arguments: Mapping[str, Any]) -> dict[str, Any]:
    """Settings that a family's constructor was called with, from its `locals()`; None leaves a default as it is."""
    known = {name: value for name, value in arguments.items() if name not in ("self", "unknown", "__class__")}
    return {**{name: value for name, value in known.items() if value is not None}, **arguments["unknown"]}


class GeneratedPatients(NamedTuple):
    """What generated patients look like beside real ones: diversity by class, and alarms."""

    diversity: dict[str, float]
    alarms: tuple[str, ...]


def told(codec: Codec) -> dict[str, Any]:
    """What a codec tells of its fit, for a model's summary: what it keeps, and remarks."""
    kept = getattr(codec, "kept", {})
    return {**({"keeps": dict(kept)} if kept else {}), "remarks": list(getattr(codec, "remarks", ()))}
