"""What is found in the folder of runs, each with a state, and uploads: no name leads out of the folder."""

from __future__ import annotations

import contextlib
import hashlib
import os
import re
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from cohortsmith.app.workspace.cohorts import opened_from, read, read_synthetic
from cohortsmith.app.workspace.folders import read_json, read_json_as
from cohortsmith.app.workspace.shapes import (
    AuditFacts,
    ComparisonFacts,
    GridFacts,
    Metrics,
    RunConfig,
    RunFacts,
    StudyFacts,
)
from cohortsmith.data import DataError, load_cohort, split
from cohortsmith.data.io import suffix_of, sweep, whole_file
from cohortsmith.data.suggestions import near_misses

if TYPE_CHECKING:
    from cohortsmith.app.config import DataPart
    from cohortsmith.data import Cohort
    from cohortsmith.data.splits import Split

Kind = Literal["run", "comparison", "study", "grid", "audit", "unknown"]
State = Literal["finished", "corrupt"]

LARGEST_UPLOAD = 200  # MB
UPLOADS = ".uploads"
# The file that tells a kind of results, and its shape.
_MARKERS: tuple[tuple[Kind, str, type[Any]], ...] = (
    ("comparison", "comparison.json", ComparisonFacts),
    ("study", "study.json", StudyFacts),
    ("grid", "grid.json", GridFacts),
    ("audit", "audit.json", AuditFacts),
    ("run", "config.json", RunFacts),
)
# What else a whole folder of the kind holds.
_NEEDED: dict[Kind, tuple[tuple[str, type[Any]], ...]] = {"run": (("metrics.json", Metrics),)}


@dataclass(frozen=True)
class Entry:
    """A folder of results.

    Attributes:
        name: of the folder.
        folder: where it is.
        kind: what wrote it.
        state: "finished", or "corrupt": something that belongs to it is missing or cannot be read.
        reason: one line: why it is corrupt.
        facts: its config.json, comparison.json, study.json, grid.json or audit.json.
    """

    name: str
    folder: Path
    kind: Kind
    state: State = "finished"
    reason: str = ""
    facts: dict[str, Any] = field(default_factory=dict)

    @property
    def members(self) -> dict[str, Path]:
        """Folder of each family that was fitted, by its name; a run is its own only member."""
        if self.kind == "run":
            return {self.families[0]: self.folder}
        places = [*(self.folder.glob("*/config.json")), *(self.folder.glob("families/*/config.json"))]
        found = {place.parent.name: place.parent for place in sorted(places)}
        order = [*self.families, *sorted(set(found) - set(self.families))]
        return {name: found[name] for name in order if name in found}

    @property
    def families(self) -> list[str]:
        """Families that were fitted; none for a grid or an audit."""
        if self.kind == "run":
            return [str(self.facts.get("generator", {}).get("family", "?"))]
        return [str(entry.get("family")) for entry in self.facts.get("families", [])]

    @property
    def report(self) -> Path:
        """What to open in a browser."""
        return self.folder / ("audit.html" if self.kind == "audit" else "report.html")

    def row(self) -> dict[str, Any]:
        """What a list of results shows; only an audit has a decision."""
        data = self.facts.get("data", {})
        cohorts = sorted(data) if self.kind == "grid" else [data["cohort"]] if "cohort" in data else []
        return {
            "run": self.name,
            "kind": self.kind,
            "cohort": ", ".join(cohorts),
            "families": self.families,
            "seed": self.facts.get("seed"),
            "decision": self.decision,
            "state": f"{self.state}: {self.reason}" if self.reason else self.state,
        }

    @property
    def decision(self) -> str | None:
        """Decision of an audit, and whether it passed by limits looser than the default."""
        stated = self.facts.get("decision") if self.kind == "audit" else None
        return f"{stated} under looser limits" if stated == "pass" and self.facts.get("looser_limits") else stated

    @property
    def fingerprint(self) -> str:
        """Changes when a file of the folder, or of a member's, is written anew."""
        return fingerprint(self.folder)


@dataclass(frozen=True)
class Workspace:
    """The folder of runs.

    Attributes:
        runs: the folder; it need not exist yet.
    """

    runs: Path

    def entries(self) -> list[Entry]:
        """Every folder of results, the newest first; folders of something else are left out."""
        if not self.runs.is_dir():
            return []
        folders = [entry for entry in self.runs.iterdir() if _visible(entry)]
        found = [
            _entry(folder) for folder in sorted(folders, key=lambda folder: (-folder.stat().st_mtime, folder.name))
        ]
        return [entry for entry in found if entry.kind != "unknown"]

    def find(self, name: str) -> Entry:
        """Results by the name of their folder, or by a part of it that no other has.

        Raises:
            DataError: none or several of that name; a name that leads elsewhere is no name of a folder here.
        """
        known = {entry.name: entry for entry in self.entries()}
        matching = [name] if name in known else sorted(other for other in known if name and name in other)
        if len(matching) == 1:
            return known[matching[0]]
        if matching:
            raise DataError(f"{name!r} is part of several names: {', '.join(matching)}")
        hint = near_misses(name, known) or "; `cohortsmith runs list` shows them all"
        raise DataError(f"no results named {name!r} in {self.runs}{hint}")

    def keep_upload(self, name: str, content: bytes) -> Path:
        """Write an uploaded file under the hash of its content and give its place; the same file is kept once.

        Args:
            name: as the browser tells it; only its last part counts, of letters, digits, `.`, `_`, `-`.
            content: the file.

        Raises:
            DataError: a kind of file that is not read, an empty one, or one over `LARGEST_UPLOAD`.
        """
        safe = safe_name(name)
        suffix_of(safe)
        if not content:
            raise DataError(f"{safe} is empty; a file with patients was expected")
        if len(content) > LARGEST_UPLOAD * 1_000_000:
            raise DataError(f"{safe} has {len(content) / 1e6:.0f} MB; uploads may have {LARGEST_UPLOAD} MB at most")
        private = self.runs / UPLOADS
        folder = private / hashlib.sha256(content).hexdigest()[:16]
        folder.mkdir(parents=True, exist_ok=True)
        for place in (private, folder):  # real patients: for nobody but the account that the app runs under
            place.chmod(0o700)
        for left in private.glob("*/"):
            sweep(left)
        target = folder / safe
        if not target.is_file() or target.is_symlink() or target.stat().st_size != len(content):
            with whole_file(target) as working:
                working.touch(mode=0o600)
                working.write_bytes(content)
        target.chmod(0o600)
        return target

    def delete_upload(self, path: Path) -> None:
        """Delete an uploaded file.

        Raises:
            DataError: not one of `uploads`.
        """
        if path not in self.uploads():
            raise DataError(f"{path.name} is no uploaded file here")
        path.unlink(missing_ok=True)
        with contextlib.suppress(OSError):  # another name of the same content stands there
            path.parent.rmdir()

    def uploads(self) -> list[Path]:
        """Uploaded cohorts, the newest first."""
        places = [
            path for path in (self.runs / UPLOADS).glob("*/*") if path.is_file() and not path.name.startswith(".")
        ]
        return sorted(places, key=lambda path: (-path.stat().st_mtime, path.name))

    def named(self, cohort: str) -> str:
        """How an experiment names a cohort: an upload by its place in the folder of runs, where its job runs."""
        path = Path(cohort)
        root = self.runs.resolve()
        return path.resolve().relative_to(root).as_posix() if path.resolve().is_relative_to(root) else cohort

    def real(self, folder: Path) -> Split:
        """The real patients of a run: train and holdout.

        Raises:
            DataError: the cohort is not to be found from here, or is another than the run had.
        """
        config = read_json_as(RunConfig, folder / "config.json")
        part = config.data
        cohort = read(self.part_here(part))
        sides = split(cohort, seed=config.seed, holdout=part.holdout)
        known = digests(folder)
        for side, found in (("train", sides.train), ("holdout", sides.holdout)):
            if known.get(side) not in (None, found.digest()):
                raise DataError(f"{part.cohort} has changed since this run: its {side} patients differ now")
        return sides

    def part_here(self, part: DataPart) -> DataPart:
        """The same patients, with a file named as it can be opened from here (runs may have started elsewhere)."""
        return opened_from(part, (Path(), self.runs, self.runs.parent))


def workspace_of_environment() -> Workspace:
    """The folder that `cohortsmith app --runs` names."""
    return Workspace(Path(os.environ.get("COHORTSMITH_RUNS", "runs")))


def digests(folder: Path) -> dict[str, str]:
    """Digests of the cohorts a run was evaluated on, by side; empty where they are not recorded."""
    try:
        return read_json_as(Metrics, folder / "metrics.json").digests or {}
    except DataError:
        return {}


def synthetic_file(folder: Path) -> Path:
    """The virtual patients of a run.

    Raises:
        DataError: there are none, or several.
    """
    found = [path for path in sorted(folder.glob("synthetic*")) if path.name.split(".")[0] == "synthetic"]
    if len(found) != 1:
        raise DataError(f"{folder.name}: one file synthetic.* was expected, found {len(found)}; run it again")
    return found[0]


def read_synthetic_of(folder: Path, like: Cohort | None = None) -> Cohort:
    """Virtual patients of a run; `like` is the train cohort they were made from, where it is at hand.

    Raises:
        DataError: no file, or a broken one.
    """
    path = synthetic_file(folder)
    if like is None:
        return load_cohort(path, part=True)
    return read_synthetic(path, read_json_as(RunConfig, folder / "config.json").data, like)


def safe_name(name: str) -> str:
    """Last part of a file's name with nothing in it but letters, digits, `.`, `_`, `-`; it never begins with a dot."""
    last = re.split(r"[/\\]", name)[-1]
    return re.sub(r"[^A-Za-z0-9._-]+", "_", last).lstrip("._-")[-100:] or "cohort"


def fingerprint(folder: Path) -> str:
    """Hash over names, sizes and times of the files of a folder, two levels deep: quick, whatever their size."""
    lines = []
    for path in sorted([*folder.glob("*"), *folder.glob("*/*")]):
        found = path.stat()
        lines.append(f"{path.relative_to(folder)} {found.st_size} {found.st_mtime_ns}")
    return hashlib.sha256("\n".join([str(folder), *lines]).encode()).hexdigest()[:16]


def _visible(entry: Path) -> bool:
    """Whether it may be results: a folder of this place itself, not a link that leads elsewhere."""
    return entry.is_dir() and not entry.is_symlink() and not entry.name.startswith(".")


def _entry(folder: Path) -> Entry:
    found = next((each for each in _MARKERS if (folder / each[1]).is_file()), None)
    if found is None:
        leftover = (folder / "metrics.json").is_file() or (folder / "model").is_dir()
        reason = "config.json is missing: the folder is incomplete"
        return Entry(folder.name, folder, "run" if leftover else "unknown", "corrupt", reason)
    kind, marker, shape = found
    try:
        facts = read_json(folder / marker, shape)
        for name, needed in _NEEDED.get(kind, ()):
            read_json(folder / name, needed)
    except (DataError, OSError) as error:
        reason = str(error).replace(f"{folder}{os.sep}", "")
        return Entry(folder.name, folder, kind, "corrupt", reason)
    return Entry(folder.name, folder, kind, "finished", "", facts)
