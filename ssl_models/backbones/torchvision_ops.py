"""Makes timm and lightly importable where torchvision's compiled operators cannot be loaded.

torchvision's wheel on the package index is built for CUDA: with a CPU-only PyTorch its library does not load, and its
Python part then fails at import, because it refers to undefined operators. This package does not call them.
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
    """Load torchvision's operators, or declare those that its import requires; call before importing timm or lightly.

    Returns:
        The declarations, kept alive by the cache; None where none were needed.
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
