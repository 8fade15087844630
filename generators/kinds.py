"""`KINDS`: codec, networks and families of each data kind; a new kind is one more entry."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from cohortsmith.data import DataError
from cohortsmith.data.settings import checked, settings_of
from cohortsmith.generators.contracts import Family
from cohortsmith.generators.expression import ExpressionCodec
from cohortsmith.generators.images import (
    ImageCodec,
    ImageDiffusionFamily,
    ImageGANFamily,
    ImageNetwork,
    ImageVAEFamily,
    ImageWGANFamily,
)
from cohortsmith.generators.networks import ResidualMLP
from cohortsmith.generators.objectives import DiffusionFamily, GANFamily, MaskedDiffusionFamily, VAEFamily, WGANFamily
from cohortsmith.generators.private import PrivateExpressionCodec, PrivateImageCodec, check
from cohortsmith.generators.sequences import (
    SequenceCodec,
    SequenceGANFamily,
    SequenceVAEFamily,
    SequenceWGANFamily,
    SiteNetwork,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from cohortsmith.generators.contracts import Architecture, Codec


PROFILE = "profile"
_PROFILES = ("auto", "cpu", "gpu")


@dataclass(frozen=True)
class DataKind:
    """What the families need to know of a data kind.

    Attributes:
        codec: from a cohort to codes and back.
        networks: architecture for a fitted codec, a number of classes, and a family's width and depth.
        families: losses and sampler of each family by name, with this kind's defaults.
        gpu: settings of each family that differ from these defaults on a GPU; with any, the kind has two profiles.
        heavy: networks of so much matrix work that bfloat16 pays where a CPU is fast at it, and that samples are drawn
            on a GPU where there is one.
        sampled_at_once: virtual patients drawn together, as memory allows.
        private: what differentially private fits learn in this kind's place; None where there are none.
    """

    codec: Callable[..., Codec]
    networks: Callable[[Any, int, Family], Architecture]
    families: Mapping[str, type[Family]]
    gpu: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    heavy: bool = False
    sampled_at_once: int = 16_384
    private: DataKind | None = None

    def names(self, family: str) -> list[str]:
        """Names of the settings of a family and of the codec, private ones too, and `profile` where there are two."""
        parts: list[Any] = [self.families[family], self.codec]
        own = [name for part in parts for name in settings_of(part)]
        private = self.private.names(family) if self.private else []
        return list(dict.fromkeys([*own, *private, *([PROFILE] if self.gpu else [])]))

    def of(self, family: str, settings: Mapping[str, Any]) -> DataKind:
        """What a fit with these settings learns: with `dp_epsilon`, the private kind.

        Raises:
            DataError: there is none.
        """
        if not settings.get("dp_epsilon"):
            return self
        if self.private is None:
            raise DataError(
                f"{family}: differential privacy is there for expression and images, not for this kind of data; "
                "leave dp_epsilon at 0"
            )
        return self.private

    def profiled(self, family: str, settings: Mapping[str, Any], device: str) -> dict[str, Any]:
        """Settings with those of the profile asked for (`auto`: `gpu` on a GPU, else `cpu`) under the ones given.

        Raises:
            DataError: no such profile.
        """
        if not self.gpu:
            return dict(settings)
        asked = settings.get(PROFILE, "auto")
        if asked not in _PROFILES:
            raise DataError(f"{family}: {PROFILE} must be one of {', '.join(_PROFILES)}; got {asked!r}")
        taken = asked if asked != "auto" else "gpu" if device == "cuda" else "cpu"
        changed = self.gpu.get(family, {}) if taken == "gpu" else {}
        return {**changed, **settings, PROFILE: taken}

    def split(self, family: str, settings: Mapping[str, Any]) -> tuple[Family, dict[str, Any]]:
        """The family with its settings, and the codec's settings.

        Raises:
            DataError: a value that a setting cannot have.
        """
        kind = self.of(family, settings)
        objective: Any = kind.families[family]
        codec: Any = kind.codec
        known = set(settings_of(objective))
        own = known | set(settings_of(codec)) | ({PROFILE} if kind.gpu else set())
        for name in settings:
            if name not in own and name in self.names(family):
                raise DataError(f"{family}: {name} is {'not ' if kind is self.private else ''}for fits with dp_epsilon")
        values = checked(family, objective, {name: value for name, value in settings.items() if name in known})
        loss = objective(**(objective.private_defaults | values if kind is self.private else values))
        check(loss)
        if loss.validation and type(loss).validation_loss is Family.validation_loss:
            raise DataError(f"{family} cannot stop early: adversarial losses do not tell when; leave validation at 0")
        taken = {name: value for name, value in settings.items() if name in settings_of(codec)}
        return loss, checked(family, codec, taken)


def _vectors(codec: Any, classes: int, family: Family) -> Architecture:
    return ResidualMLP(codec.code_shape[0], classes, family.width, family.depth, family.dropout)


_OF_VECTORS: dict[str, type[Family]] = {
    "gan": GANFamily,
    "wgan": WGANFamily,
    "vae": VAEFamily,
    "diffusion": DiffusionFamily,
}
KINDS: dict[str, DataKind] = {
    "expression": DataKind(
        ExpressionCodec, _vectors, _OF_VECTORS, private=DataKind(PrivateExpressionCodec, _vectors, _OF_VECTORS)
    ),
    "sequence": DataKind(
        SequenceCodec,
        lambda codec, classes, family: SiteNetwork(codec.sites, classes, family.width, family.depth, family.dropout),
        {
            "gan": SequenceGANFamily,
            "wgan": SequenceWGANFamily,
            "vae": SequenceVAEFamily,
            "diffusion": MaskedDiffusionFamily,
        },
    ),
    "image": DataKind(
        ImageCodec,
        lambda codec, groups, family: ImageNetwork(
            codec.code_shape[0], groups, family.width, family.depth, family.dropout, codec.parents
        ),
        {"gan": ImageGANFamily, "wgan": ImageWGANFamily, "vae": ImageVAEFamily, "diffusion": ImageDiffusionFamily},
        gpu={
            "gan": {"width": 128, "depth": 2, "steps": 30_000},
            "wgan": {"width": 128, "depth": 2, "steps": 15_000},
            "vae": {"width": 128, "steps": 20_000, "epochs": 1000, "batch_size": 256},
            "diffusion": {
                "width": 128,
                "steps": 40_000,
                "epochs": 1000,
                "batch_size": 256,
                "ema_decay": 0.9995,
                "compiled": True,
            },
        },
        heavy=True,
        sampled_at_once=512,
        private=DataKind(PrivateImageCodec, _vectors, _OF_VECTORS),
    ),
}


def kind_of(name: str) -> DataKind:
    """The data kind of that name.

    Raises:
        DataError: none is known.
    """
    if name not in KINDS:
        raise DataError(f"this version learns cohorts of kind {', '.join(KINDS)}; this one is of kind {name!r}")
    return KINDS[name]
