"""`KINDS`: codec, networks and families of each data kind; a new kind is one more entry. `bind` puts them together."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING, Any

from cohortsmith.data import DataError
from cohortsmith.data.settings import checked, refuse_unknown, settings_of
from cohortsmith.generators.binding import Binding
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

    from cohortsmith.generators.contracts import Architecture, Codec, Family


PROFILE = "profile"
_PROFILES = ("auto", "cpu", "gpu")


_ORDERED = (("sigma_min", "sigma_max"), ("guided_above", "guided_below"))


@dataclass(frozen=True)
class DataKind:
    """What the families need to know of a data kind.

    Attributes:
        codec: from a cohort to codes and back.
        networks: architecture for a fitted codec, a number of classes, and a family's width and depth.
        families: losses and sampler of each family by name, with this kind's defaults.
        gpu: settings of each family that differ from these defaults on a GPU; with any, the kind has two profiles.
        heavy, sampled_at_once: as `Binding` has them.
        private: codec and families of differentially private fits; None where there are none.
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

    def bind(self, family: str, given: Mapping[str, Any], device: str = "cpu") -> Binding:
        """The family on this kind with the settings given, all of them known by name; others have their defaults.

        Args:
            family: its name.
            given: settings by name; with `dp_epsilon`, of a private fit.
            device: that the fit runs on; it decides the profile `auto`.

        Raises:
            DataError: a value that a setting cannot have, or a private fit of a kind that has none.
        """
        private = bool(given.get("dp_epsilon"))
        kind = self.private if private else self
        if kind is None:
            raise DataError(
                f"{family}: differential privacy is there for expression and images, not for this kind of data; "
                "leave dp_epsilon at 0"
            )
        objective_type: Any = kind.families[family]
        codec_type: Any = kind.codec
        of_objective, of_codec = settings_of(objective_type), settings_of(codec_type)
        for name in given:
            if not (name in of_objective or name in of_codec or (name == PROFILE and kind.gpu)):
                raise DataError(f"{family}: {name} is {'not ' if private else ''}for fits with dp_epsilon")
        asked = kind._profiled(family, given, device)
        values = checked(family, objective_type, {name: asked[name] for name in asked if name in of_objective})
        objective = objective_type(**(objective_type.private_defaults | values if private else values))
        check(objective)
        codec = codec_type(**checked(family, codec_type, {name: asked[name] for name in asked if name in of_codec}))
        values = asked | {name: getattr(codec, name) for name in of_codec} | asdict(objective)
        settings = {name: values[name] for name in self.names(family) if name in values}
        for low, high in _ORDERED:
            if low in settings and settings[low] >= settings[high]:
                raise DataError(f"{family}: {low} {settings[low]} must be below {high} {settings[high]}")
        return Binding(objective, codec, kind.networks, settings, kind.heavy, kind.sampled_at_once)

    def _profiled(self, family: str, given: Mapping[str, Any], device: str) -> dict[str, Any]:
        """The settings given, over those of the profile asked for (`auto`: `gpu` on a GPU, else `cpu`)."""
        if not self.gpu:
            return dict(given)
        asked = given.get(PROFILE, "auto")
        if asked not in _PROFILES:
            raise DataError(f"{family}: {PROFILE} must be one of {', '.join(_PROFILES)}; got {asked!r}")
        taken = asked if asked != "auto" else "gpu" if device == "cuda" else "cpu"
        changed = self.gpu.get(family, {}) if taken == "gpu" else {}
        return {**changed, **given, PROFILE: taken}


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
            "gan": {"minutes": 0.0, "width": 128, "depth": 2, "steps": 30_000},
            "wgan": {"minutes": 0.0, "width": 128, "depth": 2, "steps": 15_000},
            "vae": {"minutes": 0.0, "width": 128, "steps": 20_000, "epochs": 1000, "batch_size": 256},
            "diffusion": {
                "minutes": 0.0,
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


def bind(kind: str, family: str, given: Mapping[str, Any], device: str = "cpu") -> Binding:
    """A family bound to the data kind of that name (`DataKind.bind`).

    Raises:
        DataError: an unknown data kind or setting, or a value that a setting cannot have.
    """
    whole = kind_of(kind)
    refuse_unknown(f"{family} on {kind} data", given, whole.names(family))
    return whole.bind(family, given, device)
