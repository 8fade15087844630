"""`NeuralGenerator`: a family on whatever data kind a cohort has; binding, training, calibration, samples."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np
import torch

from cohortsmith.data import Cohort, DataError
from cohortsmith.data.settings import refuse_unknown
from cohortsmith.generators.contracts import Generator, Schema
from cohortsmith.generators.kinds import KINDS, PROFILE, bind, kind_of
from cohortsmith.training import Runtime, is_main_process, isolated_rng, place, train

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

    from numpy.typing import NDArray
    from torch import nn

    from cohortsmith.generators.binding import Binding

_CALIBRATION_VALUES = 40_000_000
_EVIDENCE = 21  # stream of the seed


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
        """Trained networks by name; none before a fit."""
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
        groups, y = bound.groups(cohort), torch.from_numpy(cohort.y)
        kept, apart = _set_apart(cohort, bound.objective.validation, rng)
        with isolated_rng(seed):
            nets = bound.build(len(cohort.classes))
        plan, schema = bound.objective.plan(len(kept)), Schema.of(cohort)
        if spending:  # the schema holds the class counts that were released
            counts = spending.statistics.counts(cohort.y, len(cohort.classes))
            plan = replace(plan, privacy=spending.of_training(counts))
            schema = replace(schema, class_counts=tuple(counts.tolist()))
        result = train(
            bound.objective,
            nets,
            x[kept],
            groups[kept],
            plan=plan,
            seed=seed,
            runtime=bound.runtime(runtime),
            validation=(x[apart], groups[apart]) if len(apart) else None,
            views=bound.codec.views,
            classes=y[kept],
        )
        self._nets, self.history = result.nets, result.history
        diversity: dict[str, float] = {}
        if not spending:  # these use the patients once more
            bound.objective.finish(self._nets, x, groups)
            diversity = self._calibrate(x.numpy(), cohort, rng) if is_main_process() else {}
        self.summary = {
            "device": result.device,
            "precision": result.precision,
            **({PROFILE: self.settings[PROFILE]} if PROFILE in self.settings else {}),
            "parameters": sum(w.numel() for net in self._nets.values() for w in net.parameters()),
            "steps": result.steps,
            "train_seconds": round(result.seconds, 3),
            "best_step": result.best_step,
            "stopped_early": result.stopped_early,
            "resumed_from": result.resumed_from,
            "code_dim": int(np.prod(bound.codec.code_shape)),
            "diversity": diversity,
            "alarms": [*collapse_alarms(diversity), *getattr(bound.codec, "remarks", ())],
            **({"privacy": spending.statement(result.privacy or {})} if spending else {}),
        }
        return schema

    def _calibrate(self, codes: NDArray[np.float32], cohort: Cohort, rng: np.random.Generator) -> dict[str, float]:
        """Correct the codec's class marginals; return each class's diversity, generated over real."""
        counts = np.array(list(cohort.class_counts().values()))
        present = np.flatnonzero(counts)
        most = self._bound.codec.calibration_patients
        each = int(np.clip(_CALIBRATION_VALUES // (len(cohort.features) * len(present)), 64, most))
        y = np.repeat(present, each).astype(np.int64)
        generated = self._bound.sample(self._nets, y, rng)
        self._bound.codec.calibrate(generated, y, rng)
        return {
            cohort.classes[label]: _spread(generated[y == label]) / max(_spread(codes[cohort.y == label]), 1e-9)
            for label in present
        }

    def _draw(self, y: NDArray[np.int64], rng: np.random.Generator) -> NDArray[Any]:
        return self._bound.codec.decode(self._bound.sample(self._nets, y, rng), y, rng)

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
        for name in self._bound.objective.sampling():
            arrays |= {f"net.{name}.{key}": value.numpy() for key, value in self._nets[name].state_dict().items()}
        return arrays, {"codec": values}

    def _restore(self, tensors: dict[str, NDArray[Any]], values: dict[str, Any]) -> None:
        bound = self._bind(self.schema.kind)
        parts = {name.removeprefix("codec."): value for name, value in tensors.items() if name.startswith("codec.")}
        bound.codec.restore(parts, values["codec"])
        with isolated_rng(0):
            nets = bound.build(len(self.schema.classes))
        # Models of the first versions hold networks that sampling does not need, too.
        saved = {name.split(".")[1] for name in tensors if name.startswith("net.")} | {*bound.objective.sampling()}
        self._nets = {name: net for name, net in nets.items() if name in saved}
        for name, net in self._nets.items():
            state = {key: torch.from_numpy(tensors[f"net.{name}.{key}"]) for key in net.state_dict()}
            net.load_state_dict(state)
            net.eval()


def given(arguments: Mapping[str, Any]) -> dict[str, Any]:
    """Settings that a family's constructor was called with, from its `locals()`; None leaves a default as it is."""
    known = {name: value for name, value in arguments.items() if name not in ("self", "unknown", "__class__")}
    return {**{name: value for name, value in known.items() if value is not None}, **arguments["unknown"]}


def collapse_alarms(diversity: dict[str, float], limit: float = 0.5) -> list[str]:
    """A line for each class whose synthetic patients are less than `limit` times as diverse as real ones.

    That is mode collapse: the generator makes few distinct patients, those that the discriminator accepts.
    """
    return [
        f"mode collapse: generated patients of class {name!r} are {share:.2f} times as diverse as real ones"
        for name, share in diversity.items()
        if share < limit
    ]


def _spread(codes: NDArray[np.float32]) -> float:
    """Root of the total variance of codes (n, ...)."""
    return float(np.sqrt(codes.reshape(len(codes), -1).var(axis=0).sum()))


def _set_apart(cohort: Cohort, share: float, rng: np.random.Generator) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Rows to train on and rows to stop early on: whole subjects, the same share of every class that has enough."""
    if not share:
        return np.arange(len(cohort)), np.arange(0)
    names, first, of = np.unique(cohort.subjects, return_index=True, return_inverse=True)
    chosen: list[np.int64] = []
    for label in range(len(cohort.classes)):
        own = np.flatnonzero(cohort.y[first] == label)
        chosen.extend(rng.permutation(own)[: round(share * len(own))])
    apart = np.isin(of, chosen or [rng.integers(len(names))])
    return np.flatnonzero(~apart), np.flatnonzero(apart)
