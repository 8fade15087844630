"""Reading AnnData, from an `.h5ad` file or in memory: X or a layer, obs and var; raw and embeddings are ignored."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from cohortsmith.data.errors import DataError
from cohortsmith.data.frames import RECORDED
from cohortsmith.data.io.assembly import Table
from cohortsmith.data.io.h5ad_parts import read_parts
from cohortsmith.data.io.matrices import matrix
from cohortsmith.data.suggestions import near_misses


def read_h5ad(path: Path, layer: str | None = None) -> Table:
    """Table of an `.h5ad` file; a sparse X becomes dense.

    Raises:
        DataError: not a complete AnnData file, without a numeric X, or without the layer.
    """
    try:
        file = read_parts(path, RECORDED, layer)
    except (DataError, MemoryError):
        raise
    except Exception:  # h5py and anndata raise many types for a damaged file, quoting its inner paths
        raise DataError(f"{path.name} is not a complete AnnData (.h5ad) file; write or download it again") from None
    return read_anndata(file, path.name, layer, copy=False)


def read_anndata(file: Any, source: str, layer: str | None = None, *, copy: bool = True) -> Table:
    """Table of an AnnData object: its X, or a layer; `copy`: the object stays someone else's.

    Raises:
        DataError: no numeric X, or no such layer.
    """
    layers = [str(name) for name in file.layers]
    if layer is not None and layer not in layers:
        known = f"it has {', '.join(layers)}" if layers else "it has none"
        raise DataError(f"{source} has no layer {layer!r}{near_misses(layer, layers)}; {known} (--layer)")
    values = file.X if layer is None else file.layers[layer]
    if values is None or values.dtype.kind not in "fiub":
        where = f"matrix in layer {layer!r}" if layer else "matrix X"
        more = f"; name one of its layers: {', '.join(layers)} (--layer)" if layers and not layer else ""
        raise DataError(f"{source} has no numeric {where} (samples x genes){more}")
    told = []
    passed = [name for name in layers if name != layer] + ["raw"] * (file.raw is not None)
    if passed:
        read = f"layer {layer!r}" if layer else "X"
        told.append(f"{source}: {read} is read, {', '.join(passed)} passed over; name another layer with --layer")
    obs = pd.DataFrame(file.obs)
    recorded: Any = file.uns.get(RECORDED, {})
    recorded = recorded if isinstance(recorded, dict) else {}
    return Table(
        source=source,
        ids=obs.index.to_numpy(dtype=object),
        x=_dense(values, copy),
        genes=tuple(map(str, file.var_names)),
        obs=obs,
        label=_text(recorded, "label", obs),
        subject=_text(recorded, "subject", obs),
        scale=_scale(recorded, layer),
        warnings=told,
    )


def _dense(values: Any, copy: bool) -> Any:
    """Values as a float32 array of its own (samples, genes)."""
    with np.errstate(over="ignore"):
        if hasattr(values, "toarray"):
            return values.astype(np.float32).toarray(out=matrix(values.shape))
        return np.array(values, dtype=np.float32, order="C", copy=copy or None)


def _scale(recorded: dict[str, Any], layer: str | None) -> Any:
    """The recorded scale, which is that of X."""
    scale = None if layer else _text(recorded, "scale", None)
    return scale if scale in ("counts", "linear", "log") else None


def _text(recorded: dict[str, Any], key: str, obs: pd.DataFrame | None) -> str | None:
    """A recorded name, unless the column has since been removed."""
    value = recorded.get(key)
    if not isinstance(value, str) or (obs is not None and value not in obs.columns):
        return None
    return value
