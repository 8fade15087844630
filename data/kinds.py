"""`KINDS`: what a cohort must know of each data kind; here a new one begins."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from cohortsmith.data.errors import DataError
from cohortsmith.data.nucleotides import MASKED

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

Kind = Literal["expression", "sequence", "image"]
EXPRESSION: Kind = "expression"
SEQUENCE: Kind = "sequence"
IMAGE: Kind = "image"


@dataclass(frozen=True)
class CohortKind:
    """What a cohort of one data kind is.

    Attributes:
        check: called with `x` and `features` of a cohort; raises `DataError` where they are not of this kind.
        columns: what features are called in files and in JSON, such as "genes".
        features: what they are called where a person reads of them.
        shown: the measurements in a few words, from features and scale, for `repr`.
        width: how many features a sample has, or their grid in words.
        values: number of values of one sample, from the features.
        kept: keys of `provenance` that virtual patients share with the cohort they were learned from.
        measured: each feature is a measurement, a real number: its least and greatest value may be one patient's.
        coded: `x` holds codes of nucleotides on the columns of an alignment.
        pictured: `x` holds pixels, so that a single patient can be shown.
        scaled: values come on one of the scales of `cohortsmith.data.scale`.
        own_split: a file's own split into train and test, in `obs`, is kept.
        equals_are_usual: different patients often have equal records, which is no sign that one stands twice.
    """

    check: Callable[[NDArray[Any], tuple[str, ...]], None]
    columns: str
    features: str
    shown: Callable[[tuple[str, ...], str], str]
    width: Callable[[tuple[str, ...]], int | str] = len
    values: Callable[[tuple[str, ...]], int] = len
    kept: tuple[str, ...] = ()
    measured: bool = False
    coded: bool = False
    pictured: bool = False
    scaled: bool = False
    own_split: bool = False
    equals_are_usual: bool = False


def grid(x: NDArray[np.uint8]) -> tuple[str, ...]:
    """Features of images: the name of their pixel grid, e.g. ("28x28x3",); `x` is (n, height, width, channels)."""
    return ("x".join(str(size) for size in x.shape[1:]),)


def check_genes(x: NDArray[Any], features: tuple[str, ...]) -> None:
    """Refuse what is no table of genes (n, features)."""
    if x.ndim != 2 or x.shape[1] != len(features):
        raise DataError(f"x must be (samples, {len(features)} genes); got shape {x.shape}")


def check_codes(x: NDArray[Any], features: tuple[str, ...]) -> None:
    """Refuse what are no codes of nucleotides (n, features)."""
    if x.ndim != 2 or x.shape[1] != len(features):
        raise DataError(f"x must be (samples, {len(features)} columns); got shape {x.shape}")
    if x.dtype != np.uint8 or x.max(initial=0) > MASKED:
        raise DataError(f"x of sequences must be uint8 codes 0..{MASKED}; got {x.dtype}, values out of range, or both")


def check_pixels(x: NDArray[Any], features: tuple[str, ...]) -> None:
    """Refuse what are no images (n, height, width, channels)."""
    if x.ndim != 4 or x.shape[3] not in (1, 3) or x.dtype != np.uint8:
        raise DataError(
            "x of images must be uint8 (images, height, width, channels) with 1 or 3 channels; got "
            f"{x.dtype} of shape {x.shape}"
        )
    if features != grid(x):
        raise DataError(f"features of images must be {grid(x)}, their pixel grid; got {features[:3]}")


KINDS: dict[str, CohortKind] = {
    EXPRESSION: CohortKind(
        check=check_genes,
        columns="genes",
        features="genes",
        shown=lambda features, scale: f"x {len(features)} features, scale {scale}",
        kept=("scale",),
        measured=True,
        scaled=True,
    ),
    SEQUENCE: CohortKind(
        check=check_codes,
        columns="columns",
        features="positions",
        shown=lambda features, _: f"x {len(features)} columns",
        kept=("reference",),
        coded=True,
        equals_are_usual=True,
    ),
    IMAGE: CohortKind(
        check=check_pixels,
        columns="pixels",
        features="pixels",
        shown=lambda features, _: f"of {features[0]} pixels",
        width=lambda features: features[0],
        values=lambda features: math.prod(int(side) for side in features[0].split("x")),
        pictured=True,
        own_split=True,
    ),
}


def require_kind(kind: str, wanted: Kind, why: str) -> None:
    """Refuse data of another kind.

    Raises:
        DataError: `why` in words, such as "variants are called from sequences", and the kind that came.
    """
    if kind != wanted:
        raise DataError(f"{why}; this cohort holds {kind} data")
