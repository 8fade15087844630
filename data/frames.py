"""Cohorts as the tables of other libraries: a pandas data frame, an AnnData object."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Protocol

import numpy as np
import pandas as pd

from cohortsmith.data.errors import DataError
from cohortsmith.data.nucleotides import ALPHABET

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

    from cohortsmith.data.kinds import CohortKind

RECORDED = "cohortsmith"  # key of AnnData's `uns` and of a data frame's `attrs`: label, patient and scale
_LETTERS = np.asarray([*ALPHABET, "N"], dtype=object)


class Tabular(Protocol):
    """What is taken of a `Cohort`, whose methods these functions serve."""

    @property
    def kind(self) -> str:
        """Data kind."""

    @property
    def about(self) -> CohortKind:
        """What is known of its data kind."""

    @property
    def x(self) -> NDArray[Any]:
        """Measurements, one row per sample."""

    @property
    def features(self) -> tuple[str, ...]:
        """Names of the columns of `x`."""

    @property
    def labels(self) -> NDArray[np.str_]:
        """Class name of each sample."""

    @property
    def subjects(self) -> NDArray[np.str_]:
        """Patient of each sample."""

    @property
    def obs(self) -> pd.DataFrame:
        """Covariates under the samples' ids."""

    @property
    def scale(self) -> str:
        """Scale of the values."""

    @property
    def provenance(self) -> Mapping[str, Any]:
        """Where it came from."""


def roles_of(cohort: Tabular) -> dict[str, Any]:
    """What is recorded beside the values: names of the columns of label and patient, and the scale."""
    subject = cohort.provenance.get("subject")
    label = cohort.provenance.get("label") or "label"
    return {"scale": cohort.scale, "label": label, **({"subject": subject} if subject else {})}


def frame_of(cohort: Tabular) -> pd.DataFrame:
    """Label, patient, covariates and measurements, one row per sample under its id.

    Genes are float32 in the cohort's scale, columns of an alignment are letters. `attrs` record which column is what,
    so that `read_cohort` restores the cohort.

    Raises:
        DataError: images, or a covariate and a gene of one name.
    """
    if cohort.about.pictured:
        raise DataError("images are no table: take cohort.x, uint8 (images, height, width, channels)")
    values = _LETTERS[cohort.x] if cohort.about.coded else cohort.x
    genes = pd.DataFrame(values, index=cohort.obs.index, columns=list(cohort.features))
    frame = pd.concat([clinical_of(cohort), genes], axis=1)
    if not frame.columns.is_unique:
        name = frame.columns[frame.columns.duplicated()][0]
        raise DataError(f"column {name!r} would appear twice; rename the gene or covariate of that name")
    frame.attrs[RECORDED] = roles_of(cohort) | {"covariates": [str(name) for name in cohort.obs.columns]}
    return frame


def clinical_of(cohort: Tabular) -> pd.DataFrame:
    """Label, patient and covariates, one row per sample under its id; text is of dtype object."""
    roles = roles_of(cohort)
    obs = cohort.obs.copy()
    named = [(roles["label"], cohort.labels), *([(roles["subject"], cohort.subjects)] if "subject" in roles else [])]
    for at, (name, values) in enumerate(named):
        if name in obs.columns:
            raise DataError(f"column {name!r} would appear twice; rename the covariate of that name")
        obs.insert(at, name, pd.Series(values.astype(object), index=obs.index, dtype=object))
    return obs


def anndata_of(cohort: Tabular, *, copy: bool = True) -> Any:
    """AnnData of an expression cohort: X float32 in its scale, label, patient and covariates in `obs`.

    Log2 values are recorded in `uns["log1p"]` as scanpy does, so that it takes no logarithm twice and knows its base.

    Raises:
        DataError: a cohort of another kind, or a covariate with the name of the label.
    """
    import anndata  # takes a second to import

    if not cohort.about.scaled:
        raise DataError(f"AnnData is written of expression cohorts; this one holds {cohort.kind} data")
    obs = clinical_of(cohort)
    obs.index = words(obs.index)  # without a name, which scanpy would take for a column
    logged = {"log1p": {"base": 2}} if cohort.scale == "log" else {}
    return anndata.AnnData(
        X=cohort.x.astype(np.float32, copy=copy),  # scanpy changes X in place
        obs=obs,
        var=pd.DataFrame(index=words(cohort.features)),
        uns={RECORDED: roles_of(cohort), **logged},
    )


def words(values: Any) -> pd.Index[Any]:
    """Text as object dtype: AnnData does not write the string type of pandas 3."""
    return pd.Index([str(v) for v in values], dtype=object)
