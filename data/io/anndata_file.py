"""Reading AnnData `.h5ad`: X, obs and var; layers, raw and embeddings are ignored."""

from __future__ import annotations

import warnings
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from cohortsmith.data.errors import DataError
from cohortsmith.data.io.assembly import Table

UNS = "cohortsmith"


def read_h5ad(path: Path) -> Table:
    """Table of an `.h5ad` file; a sparse X becomes dense.

    Raises:
        DataError: not a complete AnnData file, or without a numeric X.
    """
    import anndata  # takes a second to import

    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            file = anndata.read_h5ad(path)
    except Exception:  # h5py and anndata raise many types for a damaged file, quoting its inner paths
        raise DataError(f"{path.name} is not a complete AnnData (.h5ad) file; write or download it again") from None
    values = file.X
    if values is None or values.dtype.kind not in "fiub":
        raise DataError(f"{path.name} has no numeric matrix X (samples x genes)")
    with np.errstate(over="ignore"):
        x = np.ascontiguousarray(values.toarray() if hasattr(values, "toarray") else values, dtype=np.float32)
    obs = pd.DataFrame(file.obs)
    recorded: Any = file.uns.get(UNS, {})
    recorded = recorded if isinstance(recorded, dict) else {}
    return Table(
        source=path.name,
        ids=obs.index.to_numpy(dtype=object),
        x=x,
        genes=tuple(map(str, file.var_names)),
        obs=obs,
        label=_text(recorded, "label", obs),
        subject=_text(recorded, "subject", obs),
        scale=_text(recorded, "scale", None),  # type: ignore[arg-type]
    )


def _text(recorded: dict[str, Any], key: str, obs: pd.DataFrame | None) -> str | None:
    """A recorded name, unless the column has since been removed."""
    value = recorded.get(key)
    if value is None or (obs is not None and value not in obs.columns):
        return None
    return str(value)
