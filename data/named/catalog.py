"""Data sets known by name: built-in ones, and those found in COHORTSMITH_DATA."""

from __future__ import annotations

import os
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from cohortsmith.data.errors import DataError
from cohortsmith.data.io import (
    DELIMITED,
    EVERY_SUFFIX,
    LABEL,
    SAMPLE_ID,
    Table,
    assemble,
    count_records,
    fields_of,
    header_of,
    holds_images,
    kind_of_file,
    read_file,
    stem_of,
    suffix_of,
)
from cohortsmith.data.sequences import TP53
from cohortsmith.data.simulators import simulate

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from cohortsmith.data.cohort import Cohort, Scale
    from cohortsmith.data.kinds import Kind

FOLDER = "COHORTSMITH_DATA"


@dataclass(frozen=True)
class NamedSet:
    """A data set known by name.

    Attributes:
        name: to load it by.
        kind: data kind.
        description: in one line.
        licence: terms of use, in one line.
        load: takes the keyword arguments of `read_cohort` for its kind, and returns the cohort.
    """

    name: str
    kind: Kind
    description: str
    licence: str
    load: Callable[..., Cohort]


def named_sets() -> tuple[NamedSet, ...]:
    """All named sets: the built-in ones, then the cohorts found in COHORTSMITH_DATA."""
    return (*BUILT_IN, *_found())


def find_set(name: str) -> NamedSet | None:
    """The set of that name, or None."""
    found = next((s for s in BUILT_IN if s.name == name), None)
    return found or next(_found(name), None)


def _load_gse7390(
    *, label: str | None = None, subject: str | None = None, scale: Scale | None = None, impute: bool = False,
    covariates: tuple[str, ...] = (), part: bool = False,
) -> Cohort:  # fmt: skip
    try:
        from sksurv.datasets import load_breast_cancer
    except ImportError:
        raise DataError("gse7390 ships inside scikit-survival; install it: pip install 'cohortsmith[demo]'") from None
    clinical, outcome = load_breast_cancer()
    genes = [c for c in clinical.columns if c not in ("age", "er", "grade", "size")]
    obs = pd.DataFrame(
        {
            "age": clinical["age"].astype(float),
            "size": clinical["size"].astype(float),
            "grade": clinical["grade"].astype(str).replace("unkown", "unknown"),
            "er": clinical["er"].astype(str),
            "metastasis": np.where(outcome["e.tdm"], "yes", "no"),
            "metastasis_days": outcome["t.tdm"].astype(float),
        }
    )
    table = Table(
        source="gse7390",
        ids=np.asarray([f"gse7390-{i + 1:03d}" for i in range(len(obs))], dtype=object),
        x=clinical[genes].to_numpy(dtype=np.float32),
        genes=tuple(genes),
        obs=obs,
        label="er",
        scale="log",
    )
    return assemble(table, label=label, subject=subject, scale=scale, impute=impute, part=part)


def _load_simulated(
    *, label: str | None = None, subject: str | None = None, scale: Scale | None = None, impute: bool = False,
    covariates: tuple[str, ...] = (), part: bool = False, n: int = 600, seed: int = 0, **options: Any,
) -> Cohort:  # fmt: skip
    if label not in (None, LABEL) or subject is not None:
        raise DataError("simulated-expression has the label 'label' and one sample per patient; leave both out")
    return simulate("simulated-expression", n, seed, scale=scale or "counts", **options)


def _load_tp53(
    name: str, size: int, *, label: str | None = None, subject: str | None = None, label_pattern: str | None = None,
    labels: Path | None = None, reference: str | None = None, alphabet: str | None = None, part: bool = False,
    n: int | None = None, seed: int = 0, **options: Any,
) -> Cohort:  # fmt: skip
    stated = (label if label != LABEL else None, subject, label_pattern, labels, alphabet)
    if any(stated) or reference not in (None, TP53.name):
        raise DataError(
            f"{name} has the label {LABEL!r}, one sequence per patient and reference {TP53.name}; omit other options"
        )
    return simulate(name, size if n is None else n, seed, **options)


def _load_cells(
    *, label: str | None = None, subject: str | None = None, resize: int | None = None, part: bool = False,
    n: int = 2000, seed: int = 0, **options: Any,
) -> Cohort:  # fmt: skip
    if label not in (None, LABEL) or subject is not None:
        raise DataError("simulated-cells has the label 'label' and one image per patient; leave both out")
    return simulate("simulated-cells", n, seed, **options)


def _load_haplotypes(
    *, label: str | None = None, subject: str | None = None, label_pattern: str | None = None,
    labels: Path | None = None, reference: str | None = None, alphabet: str | None = None, part: bool = False,
    n: int = 2000, seed: int = 0, **options: Any,
) -> Cohort:  # fmt: skip
    if any((label if label != LABEL else None, subject, label_pattern, labels, reference, alphabet)):
        raise DataError("simulated-haplotypes has the label 'label' and one haplotype per person; omit other options")
    return simulate("simulated-haplotypes", n, seed, **options)


BUILT_IN: tuple[NamedSet, ...] = (
    NamedSet(
        "gse7390",
        "expression",
        "198 breast cancer patients, 76 probes, log2; label er (or grade, metastasis); age, size, time to metastasis",
        "public (NCBI GEO GSE7390, Desmedt et al. 2007), as shipped in scikit-survival",
        _load_gse7390,
    ),
    NamedSet(
        "simulated-expression",
        "expression",
        "600 simulated patients, 200 genes, 3 classes, counts; gene modules known",
        "none: no real patients involved",
        _load_simulated,
    ),
    NamedSet(
        "tp53-founding",
        "sequence",
        "40 simulated patients, 20 with a TP53 mutation and 20 without; mRNA positions 97..1375",
        "none: no real patients involved; published frequencies of variants",
        partial(_load_tp53, "tp53-founding", 40),
    ),
    NamedSet(
        "tp53-cohort",
        "sequence",
        "4000 simulated patients, half with a TP53 mutation; mRNA positions 97..1375",
        "none: no real patients involved; published frequencies of variants",
        partial(_load_tp53, "tp53-cohort", 4000),
    ),
    NamedSet(
        "simulated-haplotypes",
        "sequence",
        "2000 simulated haplotypes of five populations, 805 variable sites with known linkage (extra: haplotypes)",
        "none: no real patients involved",
        _load_haplotypes,
    ),
    NamedSet(
        "simulated-cells",
        "image",
        "2000 simulated blood cells, 28 x 28 in colour, 8 classes; size, lobes, granules and stain known",
        "none: no real patients involved",
        _load_cells,
    ),
)


def _found(wanted: str | None = None) -> Iterator[NamedSet]:
    """Cohorts in COHORTSMITH_DATA; only files that may have the name `wanted` are opened, where one is wanted."""
    folder = os.environ.get(FOLDER)
    if not folder or not Path(folder).is_dir():
        return
    root = Path(folder)
    taken = {s.name for s in BUILT_IN}
    for path in sorted(root.rglob("*")):
        if not path.name.lower().endswith(EVERY_SUFFIX) or path.name.startswith(".") or not path.is_file():
            continue
        whole = path.relative_to(root).as_posix()
        stem = stem_of(path)
        if wanted is not None and wanted != stem and not Path(wanted).name.startswith(f"{stem}."):
            continue
        kind = kind_of_file(path)
        genotypes = suffix_of(path).startswith(".vcf")
        count, header = count_records(path, 2) if kind == "sequence" and not genotypes else (2 * genotypes, "")
        if not (count > 1 if kind == "sequence" else holds_images(path) if kind == "image" else _has_samples(path)):
            continue  # a table or arrays of something else, or a single sequence: a reference
        unlabelled = kind == "sequence" and bool(header) and LABEL not in fields_of(header)
        name = stem
        if name in taken:  # two files of one name: the second is named by its path in the folder
            name = whole
        taken.add(name)
        if wanted not in (None, name):
            continue
        yield NamedSet(
            name,
            kind,
            f"{whole} in {FOLDER}" + unlabelled * "; specify its classes, e.g. with --labels",
            f"see the notes beside the file in {FOLDER}",
            partial(_load_file, path, kind),
        )


def _load_file(path: Path, kind: Kind, *, label: str | None, subject: str | None, part: bool, **own: Any) -> Cohort:
    return read_file(path, {"label": label, "subject": subject, "part": part}, {kind: own})


def _has_samples(path: Path) -> bool:
    """Whether a table has a column of sample ids or of labels; other tables in the folder are something else."""
    suffix = suffix_of(path)
    try:
        if suffix in DELIMITED:
            names = header_of(path, "\t" if ".tsv" in suffix else ",")
        elif suffix == ".parquet":
            names = pq.read_schema(path).names
        else:
            return True
    except (DataError, OSError, pa.ArrowInvalid):
        return True  # a damaged file is listed; loading it reports the damage
    return SAMPLE_ID in names or LABEL in names
