"""`KINDS`: backbones, pretexts and augmentations of each data kind; a new one is one more line.

What needs lightly, timm or torchvision imports it inside its functions: they take seconds.
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
    """What classifiers of a data kind are made of.

    Attributes:
        backbones: by name, each made as `backbone(inputs, **settings)`; the first is taken when none is named.
        pretexts: by name.
        augmentations: of fine-tuning, by name; "none" needs no entry.
        preset: name in `PRESETS` that holds when none is named; "" for the plain defaults.
        heavy: networks of so much matrix work that a GPU is taken where there is one, and bfloat16 where a CPU is
            fast at it; the others stay on the CPU unless the runtime says otherwise.
        mixable: a weighted mean of two patients' inputs is an input again, so that MixMatch can learn from it.
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


def kind_of(name: str) -> ClassifierKind:
    """The data kind of that name.

    Raises:
        DataError: none is known.
    """
    if name not in KINDS:
        raise DataError(f"classifiers learn cohorts of kind {', '.join(KINDS)}; this one is of kind {name!r}")
    return KINDS[name]
