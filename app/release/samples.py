"""The samples of a run as files: only regular files that are read as its cohort, copied, and written anew."""

from __future__ import annotations

import os
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from cohortsmith.data import DataError, write_cohort
from cohortsmith.data.io import IMAGE_TABLE, png_files

if TYPE_CHECKING:
    from pathlib import Path

    from cohortsmith.data import Cohort

_BLOCK = 1 << 20


def files_of(samples: Path) -> list[Path]:
    """The files that a cohort is read from: the file itself, or images and their table in a folder.

    Raises:
        DataError: a symbolic link, a hidden file, or anything else that is not read as the cohort, by its name.
    """
    if samples.is_symlink():
        raise DataError(f"{samples.name} is a symbolic link, whose target may change; put the file itself in its place")
    if samples.is_file():
        return [samples]
    wanted = {*png_files(samples), samples / IMAGE_TABLE}
    found = []
    for folder, folders, files in os.walk(samples):
        for name in sorted((*folders, *files)):
            path = samples.__class__(folder, name)
            where = path.relative_to(samples.parent).as_posix()
            if path.is_symlink():
                raise DataError(f"{where} is a symbolic link; put the file itself in its place, or remove it")
            if name.startswith("."):
                raise DataError(f"{where} is hidden and is not read as part of the cohort; remove it")
            if name in folders:
                if not any(path.iterdir()):
                    raise DataError(f"{where} is an empty folder and no part of the cohort; remove it")
            elif path not in wanted or not path.is_file():
                raise DataError(f"{where} is not read as part of the cohort; remove it from the samples")
            else:
                found.append(path)
    return sorted(found)


def copied(samples: Path, folder: Path) -> Path:
    """Copy the samples into a folder, and give their place there.

    Raises:
        DataError: as `files_of`.
    """
    for path in files_of(samples):
        target = folder / path.relative_to(samples.parent)
        target.parent.mkdir(parents=True, exist_ok=True)
        _copy(path, target)
    return folder / samples.name


def written_anew(cohort: Cohort, target: Path, seed: int) -> None:
    """Write what a generator makes of a cohort, and nothing else: profiles, labels, names of classes and features.

    Covariates, ids and whatever else the file held stay behind: no generator makes them, and no attack judges them.

    Args:
        cohort: the samples as they were read.
        target: file or folder to write, in the format of its suffix.
        seed: of the run, which the new ids name, as those of a generator do.

    Raises:
        DataError: the format cannot hold the cohort.
    """
    ids = np.asarray([f"synthetic-{seed}-{row:07d}" for row in range(len(cohort))], dtype=np.str_)
    kept = {"label", *cohort.about.kept}
    write_cohort(
        replace(
            cohort,
            subjects=ids,
            obs=pd.DataFrame(index=pd.Index(ids, name="sample_id")),
            provenance={name: value for name, value in cohort.provenance.items() if name in kept},
        ),
        target,
    )


def _copy(path: Path, target: Path) -> None:
    """Copy the content of a regular file; a link put in its place meanwhile is not followed."""
    number = os.open(path, os.O_RDONLY | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_BINARY", 0))
    with os.fdopen(number, "rb") as source, target.open("xb") as copy:
        while block := source.read(_BLOCK):
            copy.write(block)
