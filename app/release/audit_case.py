"""An audit case: a finished run or three files, checked, audited, and written with the hashes of all inputs."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from cohortsmith.app.pipeline import evaluating
from cohortsmith.app.terminal import say
from cohortsmith.app.workspace import (
    Metrics,
    RunConfig,
    Workspace,
    opened_from,
    read,
    read_holdout,
    read_json,
    read_json_as,
    read_synthetic,
    read_train,
    synthetic_file,
    train_and_holdout,
    write_json,
)
from cohortsmith.data import DataError
from cohortsmith.data.io import sha256
from cohortsmith.evaluation.core import NotEvaluable
from cohortsmith.evaluation.spaces import Comparison

if TYPE_CHECKING:
    from collections.abc import Mapping

    from cohortsmith.app.config import DataPart
    from cohortsmith.data import Cohort
    from cohortsmith.evaluation import ImageModels
    from cohortsmith.evaluation.privacy import Attack, Audit, Policy
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
            "model": folder_hashes(self.model) if self.model else {},
            "samples": folder_hashes(self.samples),
        }


def case_of_run(run: str) -> Case:
    """Case of a run folder, or of the name of a run in `runs/`; its split is repeated and checked against the run's.

    Raises:
        DataError: no such run, a comparison of several families, or data or samples that have changed since the run.
    """
    folder = _folder_of(run)
    config = read_json_as(RunConfig, folder / "config.json")
    known = read_json_as(Metrics, folder / "metrics.json").digests or {}
    part = config.data
    samples = synthetic_file(folder)
    here = opened_from(part, (Path(), *folder.resolve().parents[:3]))
    train, holdout = train_and_holdout(read(here), here, config.seed)
    synthetic = read_synthetic(samples, here, train)
    compared = Comparison(train, holdout, synthetic)
    for side, what in (("train", part.cohort), ("holdout", part.cohort), ("synthetic", samples)):
        if known.get(side) != getattr(compared, side).digest():
            raise DataError(
                f"{what} has changed since the run (digest of its {side} cohort differs); give the original file, or "
                "repeat the run"
            )
    model = folder / "model"
    return Case(
        train,
        holdout,
        synthetic,
        samples,
        folder,
        model if model.is_dir() else None,
        read_json(folder / "config.json"),
        config.generator.family,
        config.generator.settings,
        {"cohort": Path(here.cohort)},
    )


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
    return Case(real, unseen, virtual, synthetic, files={"train": train, "holdout": holdout})


def carry_out_audit(
    case: Case,
    *,
    policy: Policy,
    seed: int,
    image_models: ImageModels | None,
    shadows: int = 0,
    jobs: int = 1,
) -> Audit:
    """Audit a case: scan its files, attack its synthetic cohort, and judge by the policy.

    Raises:
        DataError: a holdout that overlaps train, cohorts that are not comparable, too few patients, or shadow
            models without a family.
    """
    from cohortsmith.evaluation.privacy import audit, check

    check(Comparison(case.train, case.holdout, case.synthetic))
    if shadows and not case.family:
        raise DataError("--shadows fits the same generator again: name it with --family and --set")
    found = [finding for path in (case.model, case.samples) if path for finding in _scan(path, case.train)]
    shadow, reason = None, ""
    if shadows:
        try:
            shadow = _shadow_attack(case, shadows, seed, jobs)
        except NotEvaluable as error:
            reason = str(error)
    with evaluating("audit") as on_progress:
        done = audit(
            case.train,
            case.holdout,
            case.synthetic,
            seed=seed,
            image_models=image_models,
            policy=policy,
            shadow=shadow,
            artefacts=found,
            on_progress=on_progress,
        )
    return replace(done, notes=(*done.notes, f"shadow-model attack not evaluable: {reason}")) if reason else done


def write_audit(folder: Path, audit: Audit, case: Case, *, show_patients: bool = False) -> None:
    """Write `audit.html` and `audit.json`, stamped with the hashes of data, model and samples, version and seed."""
    from cohortsmith.evaluation.html.audit import audit_page

    stamp = stamp_of(audit, case)
    write_json(folder / "audit.json", audit.to_json() | {"stamp": stamp})
    page = audit_page(audit, title=case.title, stamp=stamp, show_patients=show_patients)
    (folder / "audit.html").write_text(page, encoding="utf-8")


def stamp_of(audit: Audit, case: Case) -> dict[str, Any]:
    """Program, version, seed and hashes of the inputs: equal stamps mean equal audits."""
    from cohortsmith.app.pipeline import environment

    version = environment()["packages"].get("cohortsmith", "unknown")
    return {"program": "cohortsmith", "version": version, "seed": audit.seed, "sha256": case.hashes()}


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


def folder_hashes(path: Path) -> dict[str, str]:
    """SHA-256 of a file, or of every file under a folder, by its name there."""
    if path.is_file():
        return {path.name: sha256(path)}
    return {
        entry.relative_to(path.parent).as_posix(): sha256(entry) for entry in sorted(path.rglob("*")) if entry.is_file()
    }


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


def _scan(path: Path, train: Cohort) -> list[ArtefactFinding]:
    from cohortsmith.evaluation.privacy.artefacts import scan

    say(f"scanning {path.name}")
    return scan(path, train)


def _shadow_attack(case: Case, shadows: int, seed: int, jobs: int) -> Attack:
    from cohortsmith.app.pipeline import fit_and_sample
    from cohortsmith.evaluation.privacy import shadow_attack
    from cohortsmith.generators import make_generator

    settings = dict(case.settings)
    make_generator(case.family, **settings)  # checks the settings first
    say(f"fitting {shadows} shadow models of {case.family}")
    return shadow_attack(
        case.train,
        case.holdout,
        case.synthetic,
        partial(fit_and_sample, case.family, settings),
        shadows=shadows,
        seed=seed,
        jobs=jobs,
    )
