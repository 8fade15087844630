"""`KINDS`: backbones, pretexts and augmentations of each data kind, by name.

lightly, timm and torchvision are imported inside functions, since that takes seconds.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from cohortsmith.data import DataError
from cohortsmith.ssl_models.augmentations import VIEWS, corrupted, shift
from cohortsmith.ssl_models.backbones import (
    CausalTransformer,
    Convolution,
    Perceptron,
    ResNet18,
    ResNet34,
    SmallCNN,
    Transformer,
    Vit,
)
from cohortsmith.ssl_models.pretexts import CorruptedGenes, MaskedGenes, MaskedToken, NextToken, Scarf, SubTab, Vime
from cohortsmith.ssl_models.pretexts.images import Flip, MaskedPatches, MoCo, NextPatches, Permutation, Rotation, SimCLR

if TYPE_CHECKING:
    from collections.abc import Mapping

    from cohortsmith.ssl_models.augmentations import Augmentation
    from cohortsmith.ssl_models.backbones import Backbone
    from cohortsmith.ssl_models.pretexts import Pretext


@dataclass(frozen=True)
class ClassifierKind:
    """Components of classifiers of one data kind.

    Attributes:
        backbones: by name, each constructed as `backbone(inputs, **settings)`; the first is the default.
        pretexts: by name.
        augmentations: for fine-tuning, by name; "none" needs no entry.
        preset: default in `PRESETS`; "" for none.
        heavy: whether networks are large enough to use a GPU if available, and bfloat16 on CPUs that are fast at it;
            others stay on the CPU unless the runtime states otherwise.
        mixable: whether a weighted mean of two patients' inputs is an input again, as MixMatch needs.
    """

    backbones: Mapping[str, type[Backbone]]
    pretexts: Mapping[str, type[Pretext]]
    augmentations: Mapping[str, Augmentation] = field(default_factory=dict)
    preset: str = ""
    heavy: bool = False
    mixable: bool = True


KINDS: dict[str, ClassifierKind] = {
    "expression": ClassifierKind(
        backbones={
            "mlp": Perceptron,
        },
        pretexts={
            "masked": MaskedGenes,
            "vime": Vime,
            "contrastive": CorruptedGenes,
            "scarf": Scarf,
            "subtab": SubTab,
        },
        augmentations={"corrupted": corrupted},
        preset="tcga-2021",
    ),
    "sequence": ClassifierKind(
        backbones={
            "convolution": Convolution,
            "transformer": Transformer,
            "causal-transformer": CausalTransformer,
        },
        pretexts={
            "masked-token": MaskedToken,
            "next-token": NextToken,
        },
        preset="sequence",
        mixable=False,
    ),
    "image": ClassifierKind(
        backbones={
            "small-cnn": SmallCNN,
            "resnet18": ResNet18,
            "resnet34": ResNet34,
            "vit": Vit,
        },
        pretexts={
            "simclr": SimCLR,
            "moco": MoCo,
            "mae": MaskedPatches,
            "aim": NextPatches,
            "rotation": Rotation,
            "flip": Flip,
            "permutation": Permutation,
        },
        augmentations={"shift": shift, **{name: views.of_batch for name, views in VIEWS.items()}},
        preset="small-cnn",
        heavy=True,
    ),
}


def classifier_kind(name: str) -> ClassifierKind:
    """Components of classifiers of a data kind.

    Raises:
        DataError: an unknown data kind.
    """
    if name not in KINDS:
        raise DataError(f"classifiers support cohorts of kind {', '.join(KINDS)}; this one is of kind {name!r}")
    return KINDS[name]
