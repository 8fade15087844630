"""The three sorts of jobs of a grid, as plain functions that any worker can run: read from files, write whole files."""

from __future__ import annotations

import json
import math
from dataclasses import asdict, dataclass, field, replace
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from safetensors.numpy import load_file, save_file

from cohortsmith.app.config import Grid, GridData, ratio_text
from cohortsmith.app.grid.arms import (
    Parts,
    first_of_each,
    joined,
    labelled_part,
    learning_set,
    most_counts,
    parts_of,
    pretext_cohort,
    virtual_counts,
    with_extra,
)
from cohortsmith.app.grid.results import rows_of, write_probabilities, write_rows
from cohortsmith.app.workspace import read, read_synthetic, write_json
from cohortsmith.data import Cohort, DataError, on_columns
from cohortsmith.data.io import whole_folder
from cohortsmith.data.named import find_set
from cohortsmith.generators import make_generator
from cohortsmith.training import Runtime

if TYPE_CHECKING:
    from collections.abc import Mapping

    from cohortsmith.app.config import Arm, PretextSet, VirtualSet
    from cohortsmith.ssl_models.classifier import Classifier

_LOOKS = 50  # at validation patients in one training
PATIENTS, FACTS = "patients.safetensors", "facts.json"


@dataclass(frozen=True)
class GridStudy:
    """A grid and the folder of its results.

    Attributes:
        grid: what to do.
        folder: of the results.
        home: folder that paths of files are from: workers may start in another.
    """

    grid: Grid
    folder: Path
    home: Path = field(default_factory=Path.cwd)

    def virtual(self, wanted: VirtualSet) -> Path:
        """Folder of virtual patients."""
        return self.folder / "virtual" / wanted.name

    def pretext(self, wanted: PretextSet) -> Path:
        """Folder of a pretrained classifier."""
        return self.folder / "pretext" / wanted.name

    def rows(self, arm: Arm) -> Path:
        """Parquet file of an arm."""
        return self.folder / "rows" / f"{arm.name}.parquet"

    def probabilities(self, arm: Arm) -> Path:
        """Class probabilities of an arm."""
        return self.folder / "probabilities" / f"{arm.name}.safetensors"

    def parts(self, data: str, seed: int) -> Parts:
        """Train, validation and test of a set of patients; the last ones asked for are kept."""
        part = self.part(data)
        path = Path(part.cohort)
        changed = path.stat().st_mtime_ns if path.exists() else 0
        return _parts(json.dumps(asdict(part), sort_keys=True), changed, seed)

    def part(self, data: str) -> GridData:
        """A set of patients, its files by their whole paths."""
        part = self.grid.data[data]
        named = {name: getattr(part, name) for name in ("cohort", "labels", "reference", "extra_unlabelled")}
        files = {name: self.home / value for name, value in named.items() if value and find_set(value) is None}
        there: dict[str, Any] = {name: str(path) for name, path in files.items() if path.exists()}
        return replace(part, **there)

    @property
    def runtime(self) -> Runtime | None:
        """Where its networks are trained; None leaves it to what is trained."""
        asked = self.grid.training
        if asked.device == asked.precision == "auto":
            return None
        return Runtime(device=asked.device, precision=asked.precision)


@lru_cache(maxsize=1)
def _cohort(part: str, changed: int) -> Cohort:
    return read(GridData(**json.loads(part)))


@lru_cache(maxsize=1)
def _parts(part: str, changed: int, seed: int) -> Parts:
    return parts_of(_cohort(part, changed), GridData(**json.loads(part)), seed)


def make_virtual(study: GridStudy, wanted: VirtualSet) -> list[str]:
    """Fit a generator once and write as many virtual patients as the largest ratio asks for; return its alarms.

    Raises:
        DataError: patients that the family cannot learn from.
        TrainingError: the fit could not go on.
    """
    part = study.grid.virtual
    if part is None:
        raise DataError("this grid has no [virtual] table")
    train = study.parts(wanted.data, wanted.seed).train
    labelled = labelled_part(train, wanted.labelled, wanted.seed)
    ratios = [ratio_text(ratio) for ratio in part.ratios]
    counts = most_counts(labelled, ratios)
    train_on = labelled if wanted.learn_from == "labelled" else pseudo_labelled(study, train, labelled, wanted.seed)
    generator = make_generator(wanted.family, **part.settings.get(wanted.family, {}))
    facts: dict[str, Any] = {**asdict(wanted), "learnt_from": len(train_on), "ratios": ratios}
    alarms: list[str] = []
    sizes = np.bincount(train_on.y, minlength=len(train_on.classes))
    alone = [name for name, size in zip(train_on.classes, sizes, strict=True) if size == 1]
    if alone:
        alarms.append(f"no virtual patients of {', '.join(alone)}: {wanted.family} cannot learn one patient")
        train_on, counts = train_on.take(sizes[train_on.y] > 1), np.where(sizes > 1, counts, 0)
    if counts.any():
        generator.fit(train_on, seed=wanted.seed, runtime=study.runtime, to_save=False)
        asked = {name: int(n) for name, n in zip(train_on.classes, counts, strict=True) if n}
        virtual = generator.sample(asked, seed=wanted.seed)
        if train.about.coded:  # a column made by a few patients' insertions is not learned
            virtual = on_columns(virtual, train.features)
        alarms += [str(alarm) for alarm in generator.summary.get("alarms", ())]
        facts |= {"settings": dict(generator.settings), "summary": generator.summary}
    else:
        virtual = labelled.take([])
    with whole_folder(study.virtual(wanted)) as working:
        save_file({"x": np.ascontiguousarray(virtual.x), "y": virtual.y}, working / PATIENTS)
        write_json(working / FACTS, facts | {"patients": virtual.class_counts()})
    return alarms


def make_pretext(study: GridStudy, wanted: PretextSet, classifier: str) -> list[str]:
    """Train a classifier's backbone without labels and write it.

    Raises:
        DataError: a pretext that cannot learn from these patients.
        TrainingError: the training could not go on.
    """
    arm = wanted.arm
    parts = study.parts(arm.data, arm.seed)
    train = parts.train
    labelled = labelled_part(train, arm.labelled, arm.seed) if arm.labelled else train
    real = train if study.grid.unlabelled == "all" else labelled
    made = evened(study.grid.classifiers[classifier], train.kind, len(labelled), len(real), len(labelled))
    made.pretrain(unlabelled_patients(study, arm, parts, labelled), seed=arm.seed, runtime=study.runtime)
    made.save(study.pretext(wanted))
    return []


def make_rows(study: GridStudy, arm: Arm, pretext: PretextSet | None) -> list[str]:
    """Train the classifier of an arm, and write its probabilities and, last, its rows.

    Raises:
        DataError: a class absent from what it learns from, or a pretext of another architecture.
        TrainingError: the training could not go on.
    """
    from cohortsmith.ssl_models.loading import load

    parts = study.parts(arm.data, arm.seed)
    labelled = labelled_part(parts.train, arm.labelled, arm.seed)
    train_on = learning_set(arm.role, labelled, virtual_patients(study, arm, labelled))
    unlabelled = parts.train if study.grid.unlabelled == "all" else labelled
    settings = study.grid.classifiers[arm.classifier]
    made = evened(settings, train_on.kind, len(labelled), len(unlabelled), len(train_on))
    if pretext is not None:
        made.start_from(load(study.pretext(pretext)))
    recipe = made.arguments.settled(train_on.kind)
    others = unlabelled_patients(study, arm, parts, labelled) if recipe.fine_tuning.unlabelled_weight else None
    made.fit(train_on, unlabelled=others, validation=parts.validation, seed=arm.seed, runtime=study.runtime)
    probabilities = {name: made.predict_proba(getattr(parts, name)) for name in ("validation", "test")}
    facts = {name: made.summary[name] for name in ("steps", "epochs", "seconds", "seconds_an_epoch", "parameters")}
    taught = (recipe.pretext_name, "mixed" if others is not None else "")  # by what beside labels; "" is supervised
    facts |= {"n_labelled": len(labelled), "pretext": "+".join(filter(None, taught))}
    write_probabilities(study.probabilities(arm), probabilities)
    write_rows(study.rows(arm), rows_of(arm, parts, probabilities, facts))
    return []


def evened(settings: Mapping[str, Any], kind: str, labelled: int, unlabelled: int, train_on: int) -> Classifier:
    """A classifier that takes as many gradient steps whoever joins the real patients, and never stops before them.

    Epochs are those of the real patients alone; so is how often it looks at validation patients (50 times at most,
    unless `validate_every` says otherwise) and how fast its rate is halved.

    Args:
        settings: arguments of `Classifier`.
        kind: data kind.
        labelled: real patients that the classifier learns from when none are added.
        unlabelled: real patients that its pretext learns from when none are added.
        train_on: patients that the classifier learns from.
    """
    from cohortsmith.ssl_models.classifier import Classifier

    recipe = Classifier(**settings).arguments.settled(kind)
    own = recipe.fine_tuning
    plan = own.plan(labelled, validated=True)
    a_pass = math.ceil(labelled / own.batch_size)
    changed: dict[str, Any] = {"epochs": 0, "steps": plan.steps}
    if own.patience:
        looks = own.validate_every or max(a_pass, math.ceil(plan.steps / _LOOKS))
        changed |= {"patience": plan.steps, "validate_every": looks}
    if own.halve_every:
        changed["halve_every"] = max(1, round(own.halve_every * a_pass / math.ceil(train_on / own.batch_size)))
    if recipe.pretext:
        given = dict(settings.get("pretext_settings", {}))
        steps = recipe.pretext.plan(unlabelled).steps
        changed["pretext_settings"] = given | {"epochs": 0, "steps": steps}
    return Classifier(**{**settings, **changed})


def pseudo_labelled(study: GridStudy, train: Cohort, labelled: Cohort, seed: int) -> Cohort:
    """The labelled patients, and the rest of train with classes predicted by a classifier trained on them."""
    from cohortsmith.ssl_models.classifier import Classifier

    grid = study.grid
    without = (s for s in grid.classifiers.values() if not Classifier(**s).arguments.settled(train.kind).pretext_name)
    made = Classifier(**next(without, {}))
    made.fit(labelled, seed=seed, runtime=study.runtime)
    rest = train.take(~np.isin(train.ids, labelled.ids))
    if not len(rest):
        return labelled
    return joined(labelled, replace(rest, y=made.predict_proba(rest).argmax(axis=1).astype(np.int64)))


def unlabelled_patients(study: GridStudy, arm: Arm, parts: Parts, labelled: Cohort) -> Cohort:
    """The patients of an arm whose classes are not read, by the role of its virtual ones."""
    real = parts.train if study.grid.unlabelled == "all" else labelled
    seen = pretext_cohort(arm.role, real, virtual_patients(study, arm, labelled))
    part = study.part(arm.data)
    if not part.extra_unlabelled or arm.role == "alone":
        return seen
    return with_extra(seen, read_synthetic(Path(part.extra_unlabelled), part, parts.train), parts)


def virtual_patients(study: GridStudy, arm: Arm, labelled: Cohort) -> Cohort | None:
    """The virtual patients of an arm, on the real ones' columns; None where it has, or balancing needs, none."""
    if arm.virtual is None:
        return None
    counts = virtual_counts(labelled, arm.ratio)
    if not counts.any():
        if arm.role == "alone":
            raise DataError(f"a ratio of {arm.ratio} to {len(labelled)} labelled patients gives no virtual patients")
        return None
    stored = load_file(study.virtual(arm.virtual) / PATIENTS)
    ids = np.array([f"virtual-{row}" for row in range(len(stored["y"]))], dtype=np.str_)
    whole = replace(
        labelled,
        x=stored["x"],
        y=stored["y"],
        subjects=ids,
        obs=labelled.obs.iloc[:0][[]].reindex(ids),
    )
    return first_of_each(whole, counts)
