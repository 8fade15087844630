"""An audit case: a finished run or three files, checked, audited, and written with the hashes of all inputs."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

from cohortsmith.app.release.ledger import ReleasedBefore, patients_digest, released_before
from cohortsmith.app.release.samples import copied, files_of, written_anew
from cohortsmith.app.workspace import (
    Environment,
    Metrics,
    RunConfig,
    Workspace,
    digest_of,
    file_hashes,
    opened_from,
    read,
    read_holdout,
    read_json,
    read_json_as,
    read_synthetic,
    read_train,
    synthetic_file,
    train_and_holdout,
)
from cohortsmith.data import DataError
from cohortsmith.data.io import sha256
from cohortsmith.evaluation.spaces import Comparison

if TYPE_CHECKING:
    from collections.abc import Mapping

    from cohortsmith.app.config import DataPart
    from cohortsmith.data import Cohort
    from cohortsmith.evaluation.privacy.artefacts import ArtefactFinding

RUNS = Path("runs")
_SIDES = ("train", "holdout", "synthetic")


@dataclass(frozen=True)
class Case:
    """A synthetic cohort with the real patients it is audited against, and its files.

    Attributes:
        train: real patients the generator was fitted on.
        holdout: real patients unseen by it.
        synthetic: its virtual patients.
        samples: file or folder of the synthetic cohort.
        folder: of the run, None for three files.
        model: folder of the model, None if there is none.
        config: configuration of the run, empty for three files.
        family: generator that shadow models are fitted with, "" if unknown.
        settings: its settings.
        files: other input files, by cohort.
        summary: the generator's summary of its fit, as far as the run recorded it.
        cohort: the whole cohort that train was drawn from, None for three files.
        before: what was released before of the same patients.
        sealed: SHA-256 of the samples before they were read.
        left_behind: of samples that were written anew, what the run's own file held beside its cohort.
    """

    train: Cohort
    holdout: Cohort
    synthetic: Cohort
    samples: Path
    folder: Path | None = None
    model: Path | None = None
    config: Mapping[str, Any] = field(default_factory=dict)
    family: str = ""
    settings: Mapping[str, Any] = field(default_factory=dict)
    files: Mapping[str, Path] = field(default_factory=dict)
    summary: Mapping[str, Any] = field(default_factory=dict)
    cohort: Cohort | None = None
    before: ReleasedBefore = field(default_factory=ReleasedBefore)
    sealed: Mapping[str, str] = field(default_factory=dict)
    left_behind: tuple[ArtefactFinding, ...] = ()

    @property
    def folds(self) -> int:
        """Folds of the audit that the experiment file asks for, 0 for none."""
        return int((self.config.get("audit") or {}).get("folds") or 0)

    @property
    def copied(self) -> bool:
        """Whether the samples were copied to be released."""
        return self.folder is not None and self.samples.parent.resolve() != self.folder.resolve()

    @property
    def private(self) -> bool:
        """Whether the generator was fitted with differential privacy."""
        return bool(self.summary.get("privacy"))

    @property
    def title(self) -> str:
        """Title of the page."""
        return f"Privacy audit of {self.config.get('name') or self.samples.name}"

    def hashes(self) -> dict[str, dict[str, str]]:
        """SHA-256 of data, model and samples, by file, and digests of the cohorts as read."""
        data = {f"{side} (cohort)": getattr(self, side).digest() for side in _SIDES}
        data |= {f"{side} ({path.name})": sha256(path) for side, path in self.files.items() if path.is_file()}
        return {
            "data": data,
            "model": file_hashes(self.model) if self.model else {},
            "samples": dict(self.sealed) or file_hashes(self.samples),
        }

    def require_unchanged(self) -> None:
        """Check that the samples still are the files that were read.

        Raises:
            DataError: a sample file changed since.
        """
        if self.sealed and file_hashes(self.samples) != dict(self.sealed):
            raise DataError(f"{self.samples.name} changed while it was audited; nothing was written, audit it again")


def case_of_run(run: str, *, copy_into: Path | None = None) -> Case:
    """Case of a run folder, or of the name of a run in `runs/`; its split is repeated and checked against the run's.

    Args:
        run: the folder, or its name.
        copy_into: a folder that the samples are written anew into; what is audited then is what was written.

    Raises:
        DataError: no such run, a comparison of several families, samples that hold anything else than their cohort, or
            data, samples or a model that have changed since the run.
    """
    folder = _folder_of(run)
    config = read_json_as(RunConfig, folder / "config.json")
    known = read_json_as(Metrics, folder / "metrics.json").digests or {}
    part = config.data
    original = synthetic_file(folder)
    files_of(original)
    model = _model_of(folder, config)
    here = opened_from(part, (Path(), *folder.resolve().parents[:3]))
    cohort = read(here)
    train, holdout = train_and_holdout(cohort, here, config.seed)
    left_behind: tuple[ArtefactFinding, ...] = ()
    samples = original
    if copy_into is not None:
        samples, left_behind = _written_anew(original, copy_into, here, train, config.seed)
    sealed = file_hashes(samples)
    synthetic = read_synthetic(samples, here, train)
    compared = Comparison(train, holdout, synthetic)
    for side, what in (("train", part.cohort), ("holdout", part.cohort), ("synthetic", original)):
        if known.get(side) != getattr(compared, side).digest():
            raise DataError(
                f"{what} has changed since the run (digest of its {side} cohort differs); give the original file, or "
                "repeat the run"
            )
    environment = folder / "environment.json"
    return Case(
        train,
        holdout,
        synthetic,
        samples,
        folder,
        model,
        read_json(folder / "config.json"),
        config.generator.family,
        config.generator.settings,
        {"cohort": Path(here.cohort)},
        read_json(environment, Environment) if environment.is_file() else {},
        cohort,
        released_before(folder, train, cohort, patients_digest(synthetic)),
        sealed,
        left_behind,
    )


def _model_of(folder: Path, config: RunConfig) -> Path | None:
    """The model that the samples of a run were drawn from; None if the run saved none.

    Raises:
        DataError: the model was exchanged, fitted again or removed since, or the run recorded none.
    """
    model = folder / "model"
    if not model.exists() and not config.model:
        return None
    if not config.model:
        raise DataError(
            f"{folder.name}: config.json has no digest of the model, so that it is not known whether the samples are "
            "this model's; repeat the run, or audit three files"
        )
    if not model.is_dir():
        raise DataError(f"{folder.name}: the model that the samples were drawn from is gone; put it back as model/")
    if digest_of(file_hashes(model)) != config.model:
        raise DataError(
            f"{folder.name}: model/ is not the model that the samples were drawn from (its digest differs from the "
            "run's); put the original back, or repeat the run"
        )
    return model


def _written_anew(
    original: Path, folder: Path, part: DataPart, train: Cohort, seed: int
) -> tuple[Path, tuple[ArtefactFinding, ...]]:
    """Copy the samples of a run, read the copy, and write its cohort and nothing else; and what stayed behind."""
    from cohortsmith.evaluation.privacy.artefacts import unread

    with TemporaryDirectory(dir=folder) as place:
        copy = copied(original, Path(place))
        cohort = read_synthetic(copy, part, train)
        left_behind = tuple(unread(copy, cohort, train))
        written_anew(cohort, folder / original.name, seed)
    return folder / original.name, left_behind


def case_of_files(train: Path | None, holdout: Path | None, synthetic: Path | None, part: DataPart | None) -> Case:
    """Case of three files; `part` says how to read them.

    Raises:
        DataError: one of the three is missing, or as reading says.
    """
    given = {"--train": train, "--holdout": holdout, "--synthetic": synthetic}
    missing = [name for name, path in given.items() if path is None]
    if train is None or holdout is None or synthetic is None or part is None:
        raise DataError(
            f"an audit needs a run folder, or --train, --holdout and --synthetic; missing: {', '.join(missing)}"
        )
    real = read_train(part)
    unseen = read_holdout(holdout, part, real)
    virtual = read_synthetic(synthetic, part, real)
    return Case(
        real, unseen, virtual, synthetic, config={"data": asdict(part)}, files={"train": train, "holdout": holdout}
    )


def with_family(case: Case, family: str | None, settings: Mapping[str, Any]) -> Case:
    """Case with a family and its settings, for shadow models; a run has its own.

    Raises:
        DataError: an unknown family or setting.
    """
    from cohortsmith.generators import make_generator

    if not family:
        return case
    make_generator(family, **settings)
    return replace(case, family=family, settings=dict(settings))


def _folder_of(run: str) -> Path:
    folder = Path(run)
    if not folder.is_dir():
        if folder.name != run:
            raise DataError(f"no run folder {run}; `cohortsmith runs list` shows those there are")
        folder = Workspace(RUNS).find(run).folder
    if (folder / "comparison.json").is_file():
        inside = [entry.name for entry in sorted(folder.iterdir()) if (entry / "config.json").is_file()]
        raise DataError(f"{folder} compares several families; give one of them: {', '.join(inside)} in that folder")
    if not (folder / "config.json").is_file():
        raise DataError(f"{folder} is not a run folder: config.json was expected in it, as `cohortsmith run` writes it")
    return folder
