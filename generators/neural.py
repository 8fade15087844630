"""The four families as generators: codec x architecture x objective."""

from __future__ import annotations

from dataclasses import asdict, replace
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np
import torch

from cohortsmith.data import Cohort, DataError
from cohortsmith.data.settings import refuse_unknown
from cohortsmith.generators.contracts import Generator, Schema
from cohortsmith.generators.kinds import KINDS, PROFILE, kind_of
from cohortsmith.generators.objectives import VAEFamily
from cohortsmith.generators.private import PrivateExpressionCodec, PrivateImageCodec, Spending
from cohortsmith.training import Runtime, fast_precision, is_main_process, isolated_rng, place, train

if TYPE_CHECKING:
    from collections.abc import Collection

    from numpy.typing import NDArray
    from torch import Tensor, nn

    from cohortsmith.generators.contracts import Codec, Family
    from cohortsmith.generators.kinds import DataKind

_CALIBRATION_VALUES = 40_000_000


class NeuralGenerator(Generator):
    """A family on whatever data kind the cohort has.

    Args:
        settings: fields of the family (`steps`, `width`, `beta`, ...) and of the codec (`rank`, ...).

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
                kind.split(self.family, settings)
                refusals.append(None)
            except DataError as refusal:
                refusals.append(refusal)
        if refusals and all(refusals):  # what one data kind alone refuses is refused when the kind is known
            raise next(filter(None, refusals))
        self._given = dict(settings)
        self.settings = dict(settings)
        self._loss: Family
        self._codec: Codec
        self._kind = ""
        self._counts: NDArray[np.int64]
        self._nets: dict[str, nn.Module] = {}

    @classmethod
    def setting_names(cls, kind: str = "") -> list[str]:
        """Names of the family's settings and of the codec's, for one data kind or whatever the kind."""
        asked = [kind_of(kind)] if kind else KINDS.values()
        return list(dict.fromkeys(name for one in asked for name in one.names(cls.family)))

    def _take_kind(self, name: str, device: str = "cpu") -> DataKind:
        """Settle family and codec for a data kind; `settings` then holds every setting with its value."""
        whole, self._kind = kind_of(name), name
        known = self.setting_names(name)
        refuse_unknown(f"{self.family} on {name} data", self._given, known)
        kind = whole.of(self.family, self._given)
        given = kind.profiled(self.family, self._given, device)
        self._loss, own = whole.split(self.family, given)
        self._codec = kind.codec(**own)
        values = given | {name: getattr(self._codec, name) for name in known if hasattr(self._codec, name)}
        values |= asdict(self._loss)
        self.settings = {name: values[name] for name in known if name in values}
        return kind

    def _narrowed(self, cohort: Cohort) -> Cohort:
        self._take_kind(cohort.kind)
        return self._codec.narrowed(cohort)

    def _fit(self, cohort: Cohort, seed: int, runtime: Runtime | None) -> None:
        runtime = runtime or Runtime()
        kind = self._take_kind(cohort.kind, place(runtime).device)  # says at once when the device is not here
        spending = Spending.open(self._loss, cohort, runtime.checkpoint) if self._loss.dp_epsilon else None
        if spending and isinstance(self._codec, PrivateExpressionCodec | PrivateImageCodec):
            self._codec.statistics = spending.statistics
            runtime = replace(runtime, precision="32-true")  # of single patients' gradients, every digit
        elif kind.heavy:
            runtime = replace(runtime, precision=fast_precision(runtime))
        rng = np.random.default_rng([seed, 0])
        x = torch.from_numpy(np.ascontiguousarray(self._codec.fit_encode(cohort, rng)))
        strata, y = self._codec.strata, torch.from_numpy(cohort.y)
        told = y if strata is None else torch.from_numpy(strata.groups(cohort.x, cohort.y))
        kept, apart = _set_apart(cohort, self._loss.validation, rng)
        with isolated_rng(seed):
            nets = self._loss.build(kind.networks(self._codec, self._groups(len(cohort.classes)), self._loss))
        plan = self._loss.plan(len(kept))
        if spending:
            self._counts = spending.statistics.counts(cohort.y, len(cohort.classes))
            plan = replace(plan, privacy=spending.of_training(self._counts))
        result = train(
            self._loss,
            nets,
            x[kept],
            told[kept],
            plan=plan,
            seed=seed,
            runtime=runtime,
            validation=(x[apart], told[apart]) if len(apart) else None,
            views=self._codec.views,
            classes=y[kept],
        )
        self._nets, self.history = result.nets, result.history
        diversity: dict[str, float] = {}
        if not spending:  # these look at the patients once more
            self._loss.finish(self._nets, x, told)
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
            "code_dim": int(np.prod(self._codec.code_shape)),
            "diversity": diversity,
            "alarms": collapse_alarms(diversity),
            **({"privacy": spending.told(result.privacy or {})} if spending else {}),
        }

    def _calibrate(self, codes: NDArray[np.float32], cohort: Cohort, rng: np.random.Generator) -> dict[str, float]:
        """Set the codec's class marginals right; return each class's diversity, generated over real."""
        counts = np.array(list(cohort.class_counts().values()))
        present = np.flatnonzero(counts)
        most = self._codec.calibration_patients
        each = int(np.clip(_CALIBRATION_VALUES // (len(cohort.features) * len(present)), 64, most))
        y = np.repeat(present, each).astype(np.int64)
        generated = self._codes(y, rng)
        self._codec.calibrate(generated, y, rng)
        return {
            cohort.classes[label]: _spread(generated[y == label]) / max(_spread(codes[cohort.y == label]), 1e-9)
            for label in present
        }

    def _described(self, cohort: Cohort) -> Schema:
        """The schema; of a private fit, with the class counts that were released."""
        whole = super()._described(cohort)
        return replace(whole, class_counts=tuple(self._counts.tolist())) if self._loss.dp_epsilon else whole

    def _groups(self, classes: int) -> int:
        """Number of groups that the networks tell apart: classes, or finer ones that the codec found."""
        strata = self._codec.strata
        return classes if strata is None else len(strata)

    def _told(self, y: NDArray[np.int64], rng: np.random.Generator) -> Tensor:
        """What the networks are told of classes y (n,): themselves, or finer groups drawn by their shares in train."""
        strata = self._codec.strata
        return torch.from_numpy(y if strata is None else strata.draw(y, rng))

    @torch.no_grad()
    def _codes(self, y: NDArray[np.int64], rng: np.random.Generator) -> NDArray[np.float32]:
        kind = kind_of(self._kind).of(self.family, self.settings)
        told = self._told(y, rng)
        runtime = Runtime() if kind.heavy else Runtime(device="cpu")
        device, precision = place(runtime).device, fast_precision(runtime) if kind.heavy else "32-true"
        generator = torch.Generator(device).manual_seed(int(rng.integers(2**62)))
        nets = {name: net.to(device) for name, net in self._nets.items()}
        with torch.autocast(device, dtype=torch.bfloat16, enabled=precision == "bf16-mixed"):
            parts = [
                self._loss.sample(nets, told[start : start + kind.sampled_at_once].to(device), generator).float().cpu()
                for start in range(0, len(y), kind.sampled_at_once)
            ]
        for net in nets.values():
            net.cpu()
        return torch.cat(parts).numpy()

    def _draw(self, y: NDArray[np.int64], rng: np.random.Generator) -> NDArray[Any]:
        return self._codec.decode(self._codes(y, rng), y, rng)

    def _state(self) -> tuple[dict[str, NDArray[Any]], dict[str, Any]]:
        tensors, values = self._codec.state()
        arrays = {f"codec.{name}": value for name, value in tensors.items()}
        for name, net in self._nets.items():
            arrays |= {f"net.{name}.{key}": value.numpy() for key, value in net.state_dict().items()}
        return arrays, {"codec": values}

    def _restore(self, tensors: dict[str, NDArray[Any]], values: dict[str, Any]) -> None:
        kind = self._take_kind(self.schema.kind)
        parts = {name.removeprefix("codec."): value for name, value in tensors.items() if name.startswith("codec.")}
        self._codec.restore(parts, values["codec"])
        with isolated_rng(0):
            self._nets = self._loss.build(
                kind.networks(self._codec, self._groups(len(self.schema.classes)), self._loss)
            )
        for name, net in self._nets.items():
            state = {key: torch.from_numpy(tensors[f"net.{name}.{key}"]) for key in net.state_dict()}
            net.load_state_dict(state)
            net.eval()


class GAN(NeuralGenerator):
    """Non-saturating GAN; settings in `GANFamily` and its like for other data kinds."""

    family: ClassVar[str] = "gan"


class WGAN(NeuralGenerator):
    """WGAN with gradient penalty; settings in `WGANFamily`."""

    family: ClassVar[str] = "wgan"


class VAE(NeuralGenerator):
    """Variational autoencoder; settings in `VAEFamily`."""

    family: ClassVar[str] = "vae"

    @torch.no_grad()
    def interpolate(self, first: str, last: str, steps: int = 9, seed: int = 0) -> Cohort:
        """Virtual patients on the way from one of class `first` to one of class `last`, in equal steps of the latent.

        Each is labelled with the end it is nearer to.

        Raises:
            DataError: an unknown class, or fewer than two steps.
        """
        self._checked({first: 1, last: 1})
        if steps < 2:
            raise DataError(f"an interpolation needs at least 2 steps; got {steps}")
        rng = np.random.default_rng(seed)
        generator = torch.Generator().manual_seed(int(rng.integers(2**62)))
        ends = [self.schema.classes.index(name) for name in (first, last)]
        if not isinstance(self._loss, VAEFamily):
            raise TypeError("a VAE's losses are those of VAEFamily")
        told = self._told(np.array(ends, dtype=np.int64), rng).tolist()
        codes = self._loss.interpolate(self._nets, told[0], told[1], steps, generator)
        y = np.where(np.arange(steps) < steps / 2, ends[0], ends[1]).astype(np.int64)
        return self._cohort(self._codec.decode(codes.numpy(), y, rng), y, 0, seed)


class Diffusion(NeuralGenerator):
    """Diffusion: EDM for codes that are numbers (`DiffusionFamily`), masked for letters (`MaskedDiffusionFamily`)."""

    family: ClassVar[str] = "diffusion"


def collapse_alarms(diversity: dict[str, float], limit: float = 0.5) -> list[str]:
    """A line for each class whose virtual patients are less than `limit` times as diverse as real ones.

    That is mode collapse: a generator that has found a few patients the discriminator lets pass.
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
