"""The 2025 study of medical images as arguments of `Classifier`: original settings, and smaller ones for CPUs.

Both are (arguments, arguments by pretext). After a pretext the backbone is fine-tuned too (BNF); `frozen="all"` with a
preset freezes it (BF).
"""

from __future__ import annotations

from typing import Any

# The study reports epochs, batch size, rates and heads. It does not report the weight decay of its contrastive
# pretexts, temperatures and bank size (lightly's defaults here), the sizes of MAE's networks and the rates of MAE and
# AIM (common values here).
_EPOCHS = 100
_RESNET: dict[str, Any] = {"backbone": "resnet18", "backbone_settings": {"stem": "stock"}}
_HEAD: dict[str, Any] = {
    "hidden": [2048],
    "class_weights": False,
    "optimiser": "sgd",
    "momentum": 0.9,
    "learning_rate": 0.01,
    "decay": "cosine",
}
_FOUNDING: dict[str, Any] = {"epochs": _EPOCHS, "batch_size": 128}
_CONTRASTIVE: dict[str, Any] = {
    **_FOUNDING,
    "optimiser": "sgd",
    "learning_rate": 0.06,
    "weight_decay": 5e-4,
    "augmentation": "simclr",
}
_PATCHES: dict[str, Any] = {
    **_FOUNDING,
    "optimiser": "adam",
    "learning_rate": 1e-3,
    "weight_decay": 0.05,
    "warmup": 0.1,
}

SUPERVISED_2025: dict[str, Any] = {
    **_RESNET,
    "epochs": _EPOCHS,
    "batch_size": 128,
    "class_weights": True,
    "optimiser": "sgd",
    "momentum": 0.9,
    "learning_rate": 0.05,
    "decay": "halving",
    "halve_every": 20,
    "least_rate": 0.0005,
}
PRETEXTS_2025: dict[str, dict[str, Any]] = {
    "simclr": {**_HEAD, "pretext_settings": {**_CONTRASTIVE, "temperature": 0.5}},
    "moco": {**_HEAD, "pretext_settings": {**_CONTRASTIVE, "temperature": 0.1, "bank": 4096, "momentum": 0.99}},
    "mae": {
        **_HEAD,
        "backbone": "vit",
        "backbone_settings": {"patch_size": 4, "width": 192, "depth": 12, "heads": 3},
        "pretext_settings": {**_PATCHES, "masked": 0.75},
    },
    "aim": {
        **_HEAD,
        "backbone": "vit",
        "backbone_settings": {"patch_size": 4, "width": 280, "depth": 12, "heads": 7},
        "pretext_settings": _PATCHES,
    },
}

# Smaller: a pretext on 12,000 images of 28 pixels takes three to twelve minutes, depending on the machine, on one core
# with bfloat16 matrix units, and a classifier on all of them about as long. Adam converges faster than SGD in so few
# epochs.
_RESNET_CPU: dict[str, Any] = {"backbone": "resnet18", "backbone_settings": {"stem": "small", "width": 16}}
_VIT_CPU: dict[str, Any] = {
    "backbone": "vit",
    "backbone_settings": {"patch_size": 4, "width": 128, "depth": 4, "heads": 4},
}
_HEAD_CPU: dict[str, Any] = {
    "hidden": [256],
    "class_weights": False,
    "optimiser": "adam",
    "learning_rate": 1e-3,
    "weight_decay": 0.02,
    "decay": "cosine",
    "warmup": 0.1,
}

SUPERVISED_2025_CPU: dict[str, Any] = {**SUPERVISED_2025, **_RESNET_CPU, "epochs": 40, "halve_every": 8}
PRETEXTS_2025_CPU: dict[str, dict[str, Any]] = {
    "simclr": {
        **_HEAD_CPU,
        "epochs": 30,
        "pretext_settings": {"batch_size": 128, "epochs": 12},
    },
    "moco": {
        **_HEAD_CPU,
        "epochs": 30,
        "pretext_settings": {"batch_size": 128, "epochs": 18},
    },
    "mae": {
        **_HEAD_CPU,
        **_VIT_CPU,
        "epochs": 20,
        "pretext_settings": {**_PATCHES, "decoder_width": 64, "decoder_heads": 2, "epochs": 25},
    },
    "aim": {**_HEAD_CPU, **_VIT_CPU, "epochs": 20, "pretext_settings": {**_PATCHES, "epochs": 12}},
}
