"""Cohorts as commands name them: reading, checks before long work, duplicates reported first."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from cohortsmith.app.terminal import say
from cohortsmith.app.workspace.folders import require_writable
from cohortsmith.data import DataError, duplicates, load_cohort, split
from cohortsmith.data.io import DELIMITED, PNG_FOLDER, check_written, suffix_of
from cohortsmith.data.patients import shared_patients
from cohortsmith.data.scale import require_same_scale, require_same_units
from cohortsmith.data.sequences import REFERENCES
from cohortsmith.data.splits import SPLIT, has_own_split

if TYPE_CHECKING:
    from collections.abc import Iterable

    from cohortsmith.app.config import DataPart
    from cohortsmith.data import Cohort, Kind
    from cohortsmith.data.splits import Split


def read(part: DataPart) -> Cohort:
    """Cohort from a path or a named set; see `data.read_cohort` for rules and errors."""
    return _told(load_cohort(part.cohort, **_options(part)))


def _told(cohort: Cohort) -> Cohort:
    """The cohort, after a person was told what was odd in its file."""
    for line in cohort.provenance.get("warnings", ()):
        say(f"warning: {line}")
    return cohort


def opened_from(part: DataPart, places: Iterable[Path]) -> DataPart:
    """The same patients, with files named from the first of the places that has the cohort: runs start anywhere."""
    if Path(part.cohort).is_absolute():
        return part
    for place in places:
        if (place / part.cohort).exists():
            cohort, labels, reference = (
                str(place / name) if name and (place / name).exists() else name
                for name in (part.cohort, part.labels, part.reference)
            )
            return replace(part, cohort=cohort or part.cohort, labels=labels, reference=reference)
    return part


def read_train(part: DataPart) -> Cohort:
    """Training cohort: all of what `part` names, or its train where a file of images has splits of its own."""
    return _own_side(read(part), "train")


def read_holdout(source: Path, part: DataPart, train: Cohort) -> Cohort:
    """Holdout cohort, read as `train` was by `part`: its label, patients, scale, reference and order of genes.

    Of a file of images with splits of its own, its test.
    """
    # Where one record stands twice and no patient is named, the column of patients is none of the file's.
    named = None if train.provenance.get("subject_made") else train.provenance.get("subject")
    changes: dict[str, Any] = {"subject": part.subject or named}
    name = source.name.lower()
    if train.about.scaled and not name.endswith(".h5ad"):
        changes["layer"] = None
    if train.about.scaled and not name.endswith(DELIMITED):
        changes["transpose"] = False
    return _own_side(_read_like(train, source, part, changes), "test")


def train_and_holdout(cohort: Cohort, part: DataPart, seed: int) -> Split:
    """The split that generators are fitted and judged on, and a line about it; see `data.split` for rules and errors.

    Images whose file has splits of its own keep to them: train is learned, test is the holdout, val is left out.
    """
    sides = split(cohort, seed=seed, holdout=part.holdout)
    say(f"train {sides.train!r}\nholdout {len(sides.holdout)} samples")
    if has_own_split(cohort):
        rest = len(cohort) - len(sides.train) - len(sides.holdout)
        say(f"train and test as split in the file, ignoring --holdout and --seed; {rest} samples of its val left out")
    return sides


def _own_side(cohort: Cohort, side: str) -> Cohort:
    if not has_own_split(cohort):
        return cohort
    own = cohort.take(cohort.obs[SPLIT].to_numpy() == side)
    say(f"{cohort.provenance['source']}: the {len(own)} samples of its own {side}, of {len(cohort)}")
    return own


def width_of(cohort: Cohort) -> int | str:
    """How many genes or positions a sample has; of images, their pixel grid."""
    return cohort.about.width(cohort.features)


def read_synthetic(source: Path, part: DataPart, train: Cohort) -> Cohort:
    """Synthetic cohort, read as `train` was; each virtual patient is its own.

    Generators make no covariates: a file of virtual patients may lack those that `part` declares. It has its labels in
    itself, and patients in rows.
    """
    changes: dict[str, Any] = {"subject": None, "covariates": ()}
    if train.about.scaled:
        changes |= {"labels": None, "layer": None, "transpose": False}
    cohort = _read_like(train, source, part, changes)
    there = tuple(name for name in part.covariates if name in cohort.features and name not in train.features)
    return _read_like(train, source, part, changes | {"covariates": there}) if there else cohort


def _read_like(train: Cohort, source: Path, part: DataPart, changes: dict[str, Any]) -> Cohort:
    options = {**_options(part), **changes, "part": True}
    if train.about.coded:
        known = train.provenance.get("reference")
        options["reference"] = part.reference or (known if known in REFERENCES else None)
        return _told(load_cohort(source, **{key: value for key, value in options.items() if value is not None}))
    cohort = _told(load_cohort(source, **options | {"label": train.provenance.get("label")}))
    if cohort.features != train.features and set(cohort.features) == set(train.features):
        place = {name: column for column, name in enumerate(cohort.features)}
        columns = [place[name] for name in train.features]
        cohort = replace(cohort, x=cohort.x[:, columns], features=train.features)
    return _on_scale_of(train, cohort)  # the comparison reports other genes by name


def _on_scale_of(train: Cohort, cohort: Cohort) -> Cohort:
    """The cohort on train's scale, where its values may be: small counts look like log values, taken by themselves.

    Raises:
        DataError: the values, or what the file records, say another scale.
    """
    if not train.about.scaled or cohort.kind != train.kind:
        return cohort
    if cohort.scale != train.scale and cohort.provenance.get("scale_from") == "values":
        cohort = replace(cohort, provenance={**cohort.provenance, "scale": train.scale})
    for require in (require_same_scale, require_same_units):
        require(train, cohort, str(cohort.provenance.get("source")))
    return cohort


def _options(part: DataPart) -> dict[str, Any]:
    """What `read_cohort` is asked for; what a person did not state is left to it."""
    stated: dict[str, Any] = {
        "label": part.label,
        "label_pattern": part.label_pattern,
        "labels": Path(part.labels) if part.labels else None,
        "reference": part.reference,
        "alphabet": part.alphabet,
        "resize": part.resize,
        "subject": part.subject,
        "layer": part.layer,
        "transpose": part.transpose or None,
        "scale": part.scale,
        "impute": part.impute or None,
        "covariates": tuple(part.covariates) or None,
    }
    return {key: value for key, value in stated.items() if value is not None}


def report_duplicates(train: Cohort, holdout: Cohort) -> dict[str, int]:
    """Say how many patients stand on both sides: copies in the source look like a leak of the generator later.

    Patients are the same by name too, where both sides name them.

    Returns:
        Number of pairs, `exact` and `near`.
    """
    if train.provenance.get("subject") and holdout.provenance.get("subject"):
        both = len(shared_patients(train.subjects, holdout.subjects))
        if both:
            say(
                f"warning: {both} patients are in train and in the holdout by their names in column "
                f"{train.provenance['subject']!r}: the holdout is not unseen, and figures look better than on others"
            )
    if train.about.equals_are_usual:
        return _report_same_sequences(train, holdout)
    if train.features != holdout.features:
        return {"exact": 0, "near": 0}  # not comparable: the comparison refuses them, naming the genes
    found = duplicates(train, holdout)
    counts = {"exact": len(found.exact), "near": len(found.near)}
    if any(counts.values()):
        say(
            f"warning: {counts['exact']} exact and {counts['near']} near duplicates between train and holdout: "
            "they look like a leak of the generator, and inflate its utility"
        )
    else:
        say("duplicates between train and holdout: none")
    return counts


def _report_same_sequences(train: Cohort, holdout: Cohort) -> dict[str, int]:
    """Patients without a variant share the reference's sequence: that is no leak, so it is reported as such."""
    from cohortsmith.data.sequences import on_columns, shared_columns

    try:
        columns = shared_columns(train, holdout)
        found = duplicates(on_columns(train, columns), on_columns(holdout, columns))
    except DataError:
        return {"exact": 0, "near": 0}  # of different columns: the comparison refuses them, naming the positions
    say(
        f"{len(found.exact)} of {len(holdout)} holdout patients have the sequence of a training patient; "
        "only copies above this share count as copying"
    )
    return {"exact": len(found.exact), "near": len(found.near)}


def require_images(cohort: Cohort) -> None:
    """Check before long work that single patients can be shown.

    Raises:
        DataError: a data kind that has no pictures of them.
    """
    if not cohort.about.pictured:
        raise DataError(f"--show-patients shows images of patients; this cohort holds {cohort.kind} data")


def check_writable(out: Path, kind: Kind | None = None) -> None:
    """Check the name and the folder of a file to be written, before the work that fills it.

    A cohort of that data kind is to be written, if one is given; images may go into a folder.

    Raises:
        DataError: a suffix that cohorts are not written in, a folder in its place, or no such parent folder.
    """
    suffix = suffix_of(out) if kind is None else check_written(out, kind)
    if out.is_dir() and suffix != PNG_FOLDER:
        raise DataError(f"{out} is a folder; a file name was expected")
    if not out.parent.is_dir():
        raise DataError(f"the folder {str(out.parent)!r} does not exist; make it first")
    require_writable(out)
