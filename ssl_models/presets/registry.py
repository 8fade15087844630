"""`PRESETS`: named arguments of `Classifier`; explicit arguments override a preset."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from cohortsmith.ssl_models.presets.images_2025 import (
    PRETEXTS_2025,
    PRETEXTS_2025_CPU,
    SUPERVISED_2025,
    SUPERVISED_2025_CPU,
)

if TYPE_CHECKING:
    from collections.abc import Mapping


@dataclass(frozen=True)
class Preset:
    """Arguments of `Classifier`, for one data kind.

    Attributes:
        kind: data kind.
        arguments: common to all pretexts. `backbone_settings` apply to the `backbone` given with them,
            `pretext_settings` to the `pretext`.
        by_pretext: arguments for one pretext, overriding the common ones; "" is supervised learning only.
    """

    kind: str
    arguments: Mapping[str, Any]
    by_pretext: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)


# The 2021 study on transcriptomes. It does not report batch size and maximum epochs: the batch size is Keras's default,
# and early stopping decides the rest.
_STOPPED_EARLY: dict[str, Any] = {"decay": "constant", "epochs": 200, "patience": 10}
_TRANSCRIPTOME: dict[str, Any] = {
    "backbone": "mlp",
    "backbone_settings": {"widths": [1000, 700, 700], "dropout": 0.1},
    "hidden": [32],
    "dropout": 0.1,
    "l1l2": [1e-6, 1e-7, 1e-7],
    **_STOPPED_EARLY,
    "batch_size": 32,
}
# Masking a tenth of the genes, one negative per positive and no projector were best in that study.
_PRETEXT = {**_STOPPED_EARLY, "mask_share": 0.1}
_CONTRASTIVE = {**_PRETEXT, "learning_rate": 1e-5, "temperature": 0.1, "negatives": "one", "projector": 0}

_SMALL: dict[str, Any] = {
    "backbone": "mlp",
    "backbone_settings": {"widths": [256, 256], "dropout": 0.1},
    "steps": 400,
    "learning_rate": 1e-3,
    "weight_decay": 0.01,
    "warmup": 0.1,
    "augmentation": "corrupted",
}

PRESETS: dict[str, Preset] = {
    "microarray-2021": Preset(
        "expression",
        {**_TRANSCRIPTOME, "optimiser": "sgd", "momentum": 0.85, "learning_rate": 1e-3},
        {
            "masked": {"pretext_settings": {**_PRETEXT, "learning_rate": 5e-5}},
            "contrastive": {"pretext_settings": _CONTRASTIVE},
        },
    ),
    "tcga-2021": Preset(
        "expression",
        {**_TRANSCRIPTOME, "optimiser": "adam", "learning_rate": 1e-4},
        {
            "masked": {"pretext_settings": {**_PRETEXT, "learning_rate": 1e-5}},
            "contrastive": {"pretext_settings": _CONTRASTIVE},
        },
    ),
    # Two narrow layers at a high rate learn more from few labels than the study's wide ones: the reference to beat.
    "small-mlp": Preset("expression", _SMALL),
    # The same network, trained on unlabelled patients too.
    "small-mlp-mixed": Preset("expression", {**_SMALL, "steps": 1500, "unlabelled_weight": 1.0}),
    # Convolutions learn from few labels in seconds; next-token needs a causal transformer.
    "sequence": Preset(
        "sequence",
        {"backbone": "convolution", "steps": 200, "batch_size": 64, "learning_rate": 3e-3},
        {"next-token": {"backbone": "causal-transformer"}},
    ),
    # A plain network that is hard to beat at 28 pixels: accuracy of 97 % on BloodMNIST.
    "small-cnn": Preset(
        "image",
        {
            "backbone": "small-cnn",
            "steps": 900,
            "batch_size": 128,
            "learning_rate": 3e-3,
            "weight_decay": 0.02,
            "warmup": 0.2,
            "decay": "cosine",
            "augmentation": "shift",
        },
    ),
    "images-2025": Preset("image", SUPERVISED_2025, PRETEXTS_2025),
    "images-2025-cpu": Preset("image", SUPERVISED_2025_CPU, PRETEXTS_2025_CPU),
}
