"""`Cohort`: the one value passed between readers, generators and metrics."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field, replace
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from cohortsmith.data.errors import DataError
from cohortsmith.data.kinds import KINDS

if TYPE_CHECKING:
    from collections.abc import Mapping

    import pandas as pd
    from anndata import AnnData
    from numpy.typing import ArrayLike, NDArray

    from cohortsmith.data.kinds import CohortKind, Kind

Scale = Literal["counts", "linear", "log"]


@dataclass(frozen=True, eq=False, repr=False)
class Cohort:
    """Patients of one data kind, labelled, immutable.

    Attributes:
        kind: "expression", "sequence" or "image".
        x: measurements, one row per sample. Expression: float32 (n, genes), in the scale of the file it came from.
            Sequence: uint8 (n, columns), codes of `cohortsmith.data.nucleotides` on the columns of an alignment.
            Image: uint8 (n, height, width, channels), 0..255, one channel (grey) or three (red, green, blue).
        y: int64 (n,), index of each sample's class in `classes`.
        classes: class names, sorted; a class may be empty after `take`.
        features: gene (probe) names, in the order of the columns of `x`. Sequence: "97" is position 97 of the
            reference, "97+1" the first base inserted after it; "1".."L" without a reference. Image: one name, that
            of the pixel grid, height x width x channels: ("28x28x3",); see `cohortsmith.data.kinds.grid`.
        subjects: (n,) the patient each sample belongs to; samples of one patient are never split across train and
            holdout.
        obs: clinical covariates, indexed by sample id; neither the label nor the subject column. Image: `split` is
            train, val or test where the file states it; `data.split` follows it.
        provenance: where it came from: `source`, `scale`, `label`, `subject`, `imputed`, and so on. Sequence:
            `reference`, name of the reference it is aligned to ("" for none), and `masked`, the number of unknown
            bases. Image: `label_names`, the file's classes in the order of its numbers, and `resized`, the original
            size.

    Raises:
        DataError: the parts do not fit together.
    """

    kind: Kind
    x: NDArray[Any]
    y: NDArray[np.int64]
    classes: tuple[str, ...]
    features: tuple[str, ...]
    subjects: NDArray[np.str_]
    obs: pd.DataFrame
    provenance: Mapping[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        n = len(self.x)
        if self.kind not in KINDS:
            raise DataError(f"kind must be one of {', '.join(KINDS)}; got {self.kind!r}")
        for name, size in (("y", len(self.y)), ("subjects", len(self.subjects)), ("obs", len(self.obs))):
            if size != n:
                raise DataError(f"{name} must have one entry per sample: expected {n}, got {size}")
        self.about.check(self.x, self.features)
        if n and (self.y.min() < 0 or self.y.max() >= len(self.classes)):
            raise DataError(f"y must hold indices 0..{len(self.classes) - 1} in classes")
        object.__setattr__(self, "provenance", MappingProxyType(dict(self.provenance)))

    def __len__(self) -> int:
        return len(self.x)

    def __repr__(self) -> str:
        counts = ", ".join(f"{name} {count}" for name, count in self.class_counts().items())
        return f"Cohort({self.kind}, {len(self)} samples {self.about.shown(self.features, self.scale)}; {counts})"

    @property
    def about(self) -> CohortKind:
        """What is known of its data kind."""
        return KINDS[self.kind]

    @property
    def scale(self) -> Scale:
        """Scale of `x` for expression: raw counts, linear intensities or log2 values; meaningless for other kinds."""
        scale: Scale = self.provenance.get("scale", "log")
        return scale

    @property
    def ids(self) -> pd.Index[Any]:
        """Sample ids, the index of `obs`."""
        return self.obs.index

    @property
    def labels(self) -> NDArray[np.str_]:
        """Class name of each sample, (n,)."""
        return np.asarray(self.classes, dtype=np.str_)[self.y]

    def class_counts(self) -> dict[str, int]:
        """Number of samples of each class, in the order of `classes`."""
        counts = np.bincount(self.y, minlength=len(self.classes))
        return dict(zip(self.classes, counts.tolist(), strict=True))

    def take(self, rows: ArrayLike) -> Cohort:
        """Cohort of the given rows (positions or a boolean mask), with the same classes and features."""
        rows = np.asarray(rows)
        rows = np.flatnonzero(rows) if rows.dtype == bool else rows.astype(np.int64)
        return replace(self, x=self.x[rows], y=self.y[rows], subjects=self.subjects[rows], obs=self.obs.iloc[rows])

    def to_frame(self) -> pd.DataFrame:
        """Label, patient, covariates and measurements as a pandas data frame, one row per sample under its id.

        Genes are float32 in the cohort's scale, columns of an alignment are letters; `read_cohort` restores the
        cohort from the frame of an expression cohort.

        Raises:
            DataError: images, or a covariate and a gene of one name.
        """
        from cohortsmith.data.frames import frame_of

        return frame_of(self)

    def to_anndata(self) -> AnnData:
        """AnnData of an expression cohort, as scanpy takes it; `read_cohort` restores the cohort.

        X is float32 in the cohort's scale; label, patient and covariates are in `obs`.

        Raises:
            DataError: a cohort of another kind, or a covariate with the name of the label.
        """
        from cohortsmith.data.frames import anndata_of

        made: AnnData = anndata_of(self)
        return made

    def digest(self) -> str:
        """SHA-256 (16 hex digits) over measurements, labels, features and classes; ids and covariates excluded.

        Zero counts as one value whatever its sign, since a table of text does not keep the sign.
        """
        h = hashlib.sha256()
        h.update(repr((self.kind, self.x.shape, str(self.x.dtype), self.classes, self.features, self.scale)).encode())
        unsigned = self.x + self.x.dtype.type(0) if self.x.dtype.kind == "f" else self.x  # -0.0 + 0.0 is 0.0
        h.update(np.ascontiguousarray(unsigned).tobytes())
        h.update(np.ascontiguousarray(self.y).tobytes())
        return h.hexdigest()[:16]
