"""The parts of an `.h5ad` file that a cohort is made of, each checked before it is read.

The sparse readers of SciPy trust `indptr` and `indices`: a wrong one reads beyond the arrays, which ends the process or
gives other patients' values.
"""

from __future__ import annotations

import warnings
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from cohortsmith.data.errors import DataError
from cohortsmith.data.io.matrices import matrix
from cohortsmith.data.io.unpacking import check_memory, check_unpacked

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    import pandas as pd

_BLOCK = 4_000_000  # values read at a time
_SPARSE = ("csr_matrix", "csc_matrix")


@dataclass(frozen=True)
class Parts:
    """What is read of a file, under the names that AnnData gives it.

    Attributes:
        X: values or None; NumPy or a SciPy sparse matrix (samples, genes).
        layers: by name; only the one asked for is read, the others are None.
        raw: whether there is one.
        obs, var_names: tables of samples, and names of genes.
        uns: notes of this program.
    """

    X: Any
    layers: Mapping[str, Any]
    raw: bool | None
    obs: pd.DataFrame
    var_names: Any
    uns: dict[str, Any]


def read_parts(path: Path, notes: str, layer: str | None = None) -> Parts:
    """Parts of a file; `notes` is the key of this program's in `uns`, `layer` that of the values in place of X.

    Raises:
        DataError: the values do not agree with their own structure, or are more than the file can hold.
    """
    import anndata
    import h5py

    stored = path.stat().st_size
    with warnings.catch_warnings(), h5py.File(path, "r") as file:
        warnings.simplefilter("ignore")
        if not all(isinstance(file.get(name), h5py.Group) for name in ("obs", "var")):
            whole = anndata.read_h5ad(path)  # as the first versions of AnnData wrote it
            return Parts(whole.X, dict(whole.layers), whole.raw is not None or None, whole.obs, whole.var_names, {})
        for name in ("obs", "var", f"uns/{notes}"):
            if name in file:
                _check_declared(path.name, file[name], stored)
        obs = anndata.io.read_elem(file["obs"])
        var = anndata.io.read_elem(file["var"])
        shape = (len(obs), len(var))
        layers = {str(name): None for name in file.get("layers", ())}
        place = "X" if layer is None else f"layers/{layer}"
        values = _values(path.name, file[place], shape, stored) if place in file else None
        uns = {notes: anndata.io.read_elem(file[f"uns/{notes}"])} if f"uns/{notes}" in file else {}
    if layer in layers:
        layers[str(layer)] = values
    return Parts(values if layer is None else None, layers, "raw" in file or None, obs, var.index, uns)


def _values(source: str, node: Any, shape: tuple[int, int], stored: int) -> Any:
    """A matrix, dense or sparse, of that shape."""
    import h5py
    from scipy import sparse

    check_memory(source, 4 * shape[0] * shape[1])
    if isinstance(node, h5py.Dataset):
        if node.shape != shape:
            raise _wrong(source, f"X has shape {node.shape}, where obs and var tell of {shape}")
        check_unpacked(source, stored, node.size * node.dtype.itemsize)
        return _filled(node, shape) if node.dtype.kind in "fiub" else np.empty(0, dtype=node.dtype)
    kind = node.attrs.get("encoding-type")
    if kind not in _SPARSE or not all(
        isinstance(node.get(name), h5py.Dataset) for name in ("data", "indices", "indptr")
    ):
        raise _wrong(source, "X is neither a dense nor a sparse matrix")
    if tuple(node.attrs.get("shape", ())) != shape:
        raise _wrong(source, "the shape of X is not that of obs and var")
    _check_declared(source, node, stored)
    data, indices, indptr = (node[name][()] for name in ("data", "indices", "indptr"))
    rows, columns = shape if kind == _SPARSE[0] else shape[::-1]
    if any(part.dtype.kind not in "iu" or part.ndim != 1 for part in (indices, indptr)) or data.ndim != 1:
        raise _wrong(source, "the indices of the sparse X are no whole numbers")
    ordered = len(indptr) == rows + 1 and indptr[0] == 0 and bool((indptr[1:] >= indptr[:-1]).all())
    if not ordered or not int(indptr[-1]) == len(data) == len(indices):
        raise _wrong(source, "the row pointers (indptr) of the sparse X do not fit its values")
    if len(indices) and not 0 <= int(indices.min()) <= int(indices.max()) < columns:
        raise _wrong(
            source, f"an index of the sparse X lies outside its {columns} {'genes' if rows == shape[0] else 'rows'}"
        )
    made = sparse.csr_matrix if kind == _SPARSE[0] else sparse.csc_matrix
    return made((data, indices, indptr), shape=shape)


def _filled(node: Any, shape: tuple[int, int]) -> Any:
    """Values of a dense matrix, read by rows: what is stored in another type never stands whole beside them."""
    x = matrix(shape)
    rows = max(_BLOCK // max(shape[1], 1), 1)
    with np.errstate(over="ignore"):
        for start in range(0, shape[0], rows):
            x[start : start + rows] = node[start : start + rows]
    return x


def _check_declared(source: str, node: Any, stored: int) -> None:
    """Hold the declared sizes of everything below a group against the size of the file."""
    import h5py

    declared = 0

    def add(_name: str, item: Any) -> None:
        nonlocal declared
        if isinstance(item, h5py.Dataset):
            declared += item.size * item.dtype.itemsize

    node.visititems(add) if isinstance(node, h5py.Group) else add("", node)
    check_unpacked(source, stored, declared)


def _wrong(source: str, what: str) -> DataError:
    return DataError(f"{source} is damaged: {what}; write or download it again")
