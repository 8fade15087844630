"""Lets timm and lightly be imported where torchvision's compiled operators cannot be loaded.

torchvision's registry wheel is built for CUDA: beside a CPU-only PyTorch its library does not load, and its Python part
then fails at import, because it describes operators that nobody has defined. Nothing here calls those operators.
"""

from __future__ import annotations

import importlib.util
import sys
from functools import cache
from pathlib import Path

import torch

_SCHEMAS = (
    "nms(Tensor dets, Tensor scores, float iou_threshold) -> Tensor",
    "qnms(Tensor dets, Tensor scores, float iou_threshold) -> Tensor",
)


@cache
def allow_torchvision() -> torch.library.Library | None:
    """Load torchvision's operators, or declare those that its import asks for; call it before timm or lightly.

    Returns:
        The declarations, which last as long as this cache holds them; None where none were needed.
    """
    found = None if "torchvision" in sys.modules else importlib.util.find_spec("torchvision")
    if found is None or found.origin is None:
        return None
    compiled = [path for end in ("so", "pyd") for path in Path(found.origin).parent.glob(f"_C*.{end}")]
    try:
        for path in compiled:
            torch.ops.load_library(path)  # type: ignore[no-untyped-call]
    except OSError:
        compiled = []
    if compiled:
        return None
    library = torch.library.Library("torchvision", "DEF")  # type: ignore[no-untyped-call]
    for schema in _SCHEMAS:
        library.define(schema)  # type: ignore[no-untyped-call]
    return library
