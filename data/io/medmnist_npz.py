"""MedMNIST `.npz` files: images, labels, splits and covariates, read and written."""

from __future__ import annotations

import math
import re
import struct
import tokenize
import zipfile
import zlib
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from cohortsmith.data.errors import DataError
from cohortsmith.data.io.column_names import LABEL
from cohortsmith.data.io.image_assembly import Pictures, check_size, cropped, gather
from cohortsmith.data.io.medmnist_sets import names_of
from cohortsmith.data.io.unpacking import check_unpacked
from cohortsmith.data.splits import SPLIT, SPLITS

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from numpy.typing import NDArray

    from cohortsmith.data.cohort import Cohort

# Keys that belong to no split. The last three are this program's own extension of the format.
LABEL_NAMES, LABEL_KEY, SUBJECT_KEY, NO_SPLIT = "label_names", "label_key", "subject_key", "no_split"
NPZ_KEYS = (LABEL_NAMES, LABEL_KEY, SUBJECT_KEY, NO_SPLIT)
# What zipfile and NumPy raise for a file that is not a complete archive of plain arrays; the last for one that is
# encrypted or compressed by an unsupported method.
_DAMAGE = (
    *(zipfile.BadZipFile, zlib.error, EOFError, ValueError, KeyError, OSError, MemoryError, RuntimeError),
    *(NotImplementedError, SyntaxError, TypeError, struct.error, tokenize.TokenError),  # a damaged header of an array
)
_NUMBER = re.compile(r"0|[1-9]\d{0,3}")
_OWN = ("images", "labels", "ids")


def read_npz(
    path: Path, *, label: str | None = None, subject: str | None = None, resize: int | None = None, part: bool = False
) -> Cohort:
    """Cohort of all splits of a MedMNIST 2D file; pickled arrays are never loaded.

    Keys, for each of train, val and test (val may be absent): `*_images` uint8 (n, 28, 28), (n, 28, 28, 1) or
    (n, 28, 28, 3), `*_labels` integers (n,) or (n, 1), `*_ids` if present, and any other `*_name` of n values is the
    covariate `name` (age, sex, lesion). Classes are named by `label_names` in the file, or as in MedMNIST where the
    file is named like one of its sets, or else by their numbers. `obs["split"]` holds the split.

    Raises:
        DataError: as `read_cohort`.
    """
    arrays = _arrays(path)
    splits = [split for split in SPLITS if f"{split}_images" in arrays or f"{split}_labels" in arrays]
    absent = [f"{s}_{what}" for s in SPLITS for what in ("images", "labels") if f"{s}_{what}" not in arrays]
    if set(splits) - {"val"} != {"train", "test"} or any(key.partition("_")[0] in splits for key in absent):
        raise DataError(
            f"{path.name} lacks {', '.join(absent)}; a MedMNIST file has train, val and test, each with _images and "
            f"_labels; this one has {', '.join(sorted(arrays)[:8]) or 'nothing'}"
        )
    images = {split: _pixels(path.name, f"{split}_images", arrays[f"{split}_images"]) for split in splits}
    filled = [split for split in splits if len(images[split])]
    if not filled:
        raise DataError(f"{path.name} has no images; at least one is expected in each split")
    shapes = {split: images[split].shape[1:] for split in filled}
    first = shapes[filled[0]]
    for split, shape in shapes.items():
        if shape[2] != first[2]:
            raise DataError(
                f"{path.name} mixes channels: {filled[0]} has {first[2]} and {split} {shape[2]}; make all images "
                "grey, or all colour"
            )
        if shape != first:
            raise DataError(f"{path.name} mixes sizes: {filled[0]} and {split} differ; all images must have one size")
    names = _label_names(path, arrays)
    obs = pd.concat(
        [_table(path.name, split, arrays, len(images[split]), names) for split in filled], ignore_index=True
    )
    ids = [name for split in filled for name in _ids(path.name, split, arrays, len(images[split]))]
    x = np.concatenate([images[split] for split in filled])
    resized = ""
    if check_size(path.name, first[0], first[1], resize):
        x, resized = np.stack([cropped(image) for image in x]), f"{first[0]}x{first[1]}"
    if bool(arrays.get(NO_SPLIT, np.False_).any()):
        obs = obs.drop(columns=SPLIT)
    pictures = Pictures(path.name, ids, x, obs, label_names=names)
    if LABEL_KEY in arrays:
        pictures.label = _word(arrays[LABEL_KEY])
        pictures.obs = obs.rename(columns={LABEL: pictures.label, f"{LABEL}_": LABEL})
    if SUBJECT_KEY in arrays:
        pictures.subject = _word(arrays[SUBJECT_KEY])
    return gather(pictures, label=label, subject=subject, part=part, resized=resized)


def write_npz(cohort: Cohort, path: Path) -> None:
    """Write images as a MedMNIST file: the same keys, grey images (n, 28, 28), labels (n, 1).

    Images without a known split are all written to train; val and test are then empty.
    """
    known = SPLIT in cohort.obs and bool(cohort.obs[SPLIT].isin(SPLITS).all())
    split = cohort.obs[SPLIT].to_numpy() if known else np.full(len(cohort), "train")
    names = list(cohort.provenance.get(LABEL_NAMES, ()))
    if not set(cohort.classes) <= set(names):
        numbered = all(_NUMBER.fullmatch(name) for name in cohort.classes)  # classes named by their numbers keep them
        last = max(map(int, cohort.classes)) if numbered and cohort.classes else -1
        names = [str(number) for number in range(last + 1)] if numbered else list(cohort.classes)
    numbers = np.asarray([names.index(name) for name in cohort.classes], dtype=np.int64)[cohort.y]
    label, subject = cohort.provenance.get("label") or LABEL, cohort.provenance.get("subject")
    columns = {str(name): _plain(cohort.obs[name]) for name in cohort.obs.columns if not (known and name == SPLIT)}
    if subject:
        columns[subject] = cohort.subjects
    for name in columns:
        if name in _OWN:
            raise DataError(f"cannot write: covariate {name!r} has the name of one of MedMNIST's own keys; rename it")
    if LABEL in columns:  # a column `label` that is not the label is kept as a covariate
        columns[f"{LABEL}_"] = columns.pop(LABEL)
    x = cohort.x if cohort.x.shape[3] == 3 else cohort.x[..., 0]
    arrays: dict[str, NDArray[Any]] = {}
    for name in SPLITS:
        rows = np.flatnonzero(split == name)
        arrays[f"{name}_images"] = x[rows]
        arrays[f"{name}_labels"] = numbers[rows, None].astype(np.uint8 if len(names) <= 256 else np.int64)
        arrays[f"{name}_ids"] = np.asarray(cohort.ids[rows], dtype=np.str_)
        arrays |= {f"{name}_{key}": _narrow(values[rows]) for key, values in columns.items()}
    arrays[LABEL_NAMES] = np.asarray(names, dtype=np.str_)
    if label != LABEL:
        arrays[LABEL_KEY] = np.asarray(label)
    if subject:
        arrays[SUBJECT_KEY] = np.asarray(subject)
    if not known:
        arrays[NO_SPLIT] = np.asarray(True)
    with open(path, "wb") as file:
        np.savez_compressed(file, **arrays)  # type: ignore[arg-type]  # the stub mistakes the names for a flag


def holds_images(path: Path) -> bool:
    """Whether a `.npz` file has the keys of a MedMNIST file; true for a damaged one, so that reading reports it."""
    try:
        with zipfile.ZipFile(path) as archive:
            return "train_images.npy" in archive.namelist()
    except (zipfile.BadZipFile, OSError):
        return True


def _arrays(path: Path) -> dict[str, NDArray[Any]]:
    if not zipfile.is_zipfile(path):
        raise DataError(f"{path.name} is not a complete .npz file as MedMNIST provides; download or write it again")
    arrays: dict[str, NDArray[Any]] = {}
    key = ""
    try:
        _check_declared(path)
        with np.load(path, allow_pickle=False) as file:
            for key in file.files:
                arrays[key] = file[key]
    except DataError:
        raise
    except _DAMAGE as error:
        where = f"{path.name}: {key!r}" if key else path.name
        if "pickle" in str(error) or "Object arrays" in str(error):
            raise DataError(
                f"{where} is a pickled array, which can run code and is not loaded; save it as plain numbers or text"
            ) from None
        raise DataError(f"{where} is damaged; download or write the file again") from None
    return arrays


def _check_declared(path: Path) -> None:
    """Hold what the archive, and the arrays in it, claim to hold against the size of the file."""
    stored, unpacked = path.stat().st_size, 0
    with zipfile.ZipFile(path) as archive:
        for member in archive.infolist():
            unpacked += member.file_size
            check_unpacked(path.name, stored, unpacked)
            with archive.open(member) as file:
                version = np.lib.format.read_magic(file)
                read = {1: np.lib.format.read_array_header_1_0}.get(version[0], np.lib.format.read_array_header_2_0)
                shape, _order, dtype = read(file)
                if not dtype.hasobject and math.prod(shape) * dtype.itemsize > member.file_size:
                    raise ValueError(f"{member.filename} declares more values than it holds")


def _pixels(source: str, key: str, array: NDArray[Any]) -> NDArray[np.uint8]:
    """Images as uint8 (n, height, width, channels)."""
    if array.ndim == 3:
        array = array[..., None]
    if array.ndim != 4 or array.shape[3] not in (1, 3):
        volume = "; 3D sets are not supported" if array.ndim in (4, 5) and array.shape[1:2] == array.shape[3:4] else ""
        raise DataError(
            f"{source}: {key} has shape {array.shape}; expected (images, height, width), or with 1 or 3 channels at "
            f"the end{volume}"
        )
    if array.dtype != np.uint8:
        raise DataError(f"{source}: {key} is {array.dtype}; pixels must be uint8, 0 to 255: scale and round them")
    return array


def _label_names(path: Path, arrays: Mapping[str, NDArray[Any]]) -> tuple[str, ...]:
    names = arrays.get(LABEL_NAMES)
    if names is None:
        return names_of(path.name)
    listed = [str(name) for name in np.atleast_1d(names).ravel()]
    if len(set(listed)) < len(listed):
        raise DataError(f"{path.name}: {LABEL_NAMES} repeats a name; name each class once")
    return tuple(listed)


def _table(
    source: str, split: str, arrays: Mapping[str, NDArray[Any]], size: int, names: tuple[str, ...]
) -> pd.DataFrame:
    """Class, split and covariates of a split's images."""
    key = f"{split}_labels"
    labels = arrays[key]
    if labels.ndim == 2 and labels.shape[1] > 1:
        raise DataError(
            f"{source}: {key} holds {labels.shape[1]} labels per image (as ChestMNIST does); multi-label sets are not "
            "supported: keep one column, or use another set"
        )
    if labels.size != size or labels.ndim not in (1, 2):
        raise DataError(f"{source}: {key} has shape {labels.shape}; expected one label for each of {size} images")
    if labels.dtype.kind not in "iu":
        raise DataError(f"{source}: {key} is {labels.dtype}; labels must be integers from 0")
    numbers = labels.ravel()
    wrong = (numbers < 0) | (numbers >= len(names) if names else False)
    if wrong.any():
        allowed = f"0 to {len(names) - 1}, as there are {len(names)} class names" if names else "0 or more"
        raise DataError(
            f"{source}: {key} is out of range in {int(wrong.sum())} of {size} images (first: image "
            f"{int(np.argmax(wrong)) + 1}); expected {allowed}"
        )
    words = np.asarray(names, dtype=object)[numbers] if names else numbers.astype(str).astype(object)
    columns: dict[str, Any] = {LABEL: words, SPLIT: np.full(size, split, dtype=object)}
    for key, values in arrays.items():
        name = key.removeprefix(f"{split}_")
        if name == key or name in _OWN:
            continue
        if values.shape not in ((size,), (size, 1)):
            raise DataError(f"{source}: {key} has shape {values.shape}; expected one value for each of {size} images")
        if name in columns:
            raise DataError(f"{source}: {key} would be a second column {name!r}; rename it")
        if values.dtype.kind == "S":
            values = np.char.decode(values, "utf-8", "replace")
        columns[name] = values.ravel().astype(object) if values.dtype.kind == "U" else values.ravel()
    return pd.DataFrame(columns)


def _ids(source: str, split: str, arrays: Mapping[str, NDArray[Any]], size: int) -> list[str]:
    named = arrays.get(f"{split}_ids")
    if named is None:
        return [f"{split}-{i:05d}" for i in range(size)]
    if named.shape not in ((size,), (size, 1)):
        raise DataError(f"{source}: {split}_ids has shape {named.shape}; expected one name for each of {size} images")
    return [str(name) for name in named.ravel()]


def _word(array: NDArray[Any]) -> str:
    return str(array.ravel()[0]) if array.size else LABEL


def _narrow(values: NDArray[Any]) -> NDArray[Any]:
    """Text arrays no wider than their longest value, so that the same images give the same bytes."""
    return np.asarray(values.tolist(), dtype=np.str_) if values.dtype.kind == "U" else values


def _plain(column: pd.Series[Any]) -> NDArray[Any]:
    """Values as an array that needs no pickle; missing text is empty."""
    if column.dtype == object or not pd.api.types.is_numeric_dtype(column.dtype):
        return column.map(str, na_action="ignore").fillna("").to_numpy(dtype=np.str_)
    return column.to_numpy()
