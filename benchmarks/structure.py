"""Size and structure of the sources: files and lines by package, files passed by three walks, start-up.

Run as `python benchmarks/structure.py`. Circles and comparisons of a data kind's name are zero, held by
`tests/test_house.py` and `tests/test_kinds.py`.
"""

from __future__ import annotations

import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

from cohortsmith import Diffusion, audit, read_cohort, simulate, split, write_cohort

if TYPE_CHECKING:
    from collections.abc import Callable
    from types import FrameType

ROOT = Path(__file__).resolve().parents[1]
PACKAGES = ("cohortsmith", "data", "training", "generators", "ssl_models", "evaluation", "app", "benchmarks")


def sizes() -> None:
    """Print Python files and lines of each package, faces among them, and lines of templates."""
    total = 0
    for package in PACKAGES:
        paths = sorted((ROOT / package).rglob("*.py"))
        lines = [len(path.read_text(encoding="utf-8").splitlines()) for path in paths]
        faces = sum(n for path, n in zip(paths, lines, strict=True) if path.name == "__init__.py")
        total += sum(lines)
        print(f"{package}: {len(paths)} files, {sum(lines)} lines, {faces} of them in faces")
    pages = [path for path in ROOT.glob("*/**/templates/*") if path.is_file() and ".venv" not in path.parts]
    print(f"all: {total} lines, and {sum(len(p.read_text().splitlines()) for p in pages)} of templates")


def passed(walk: Callable[[], Any]) -> tuple[Any, int]:
    """What a walk gives, and in how many of our files a function ran for it."""
    seen = set()

    def note(frame: FrameType, event: str, _: object) -> None:
        code = frame.f_code
        if event == "call" and code.co_name != "<module>":
            seen.add(code.co_filename)

    sys.setprofile(note)
    try:
        value = walk()
    finally:
        sys.setprofile(None)
    ours = {path for name in seen if (path := Path(name).resolve()).is_relative_to(ROOT) and path.is_file()}
    return value, len({path for path in ours if ".venv" not in path.parts and path != Path(__file__).resolve()})


def walks() -> None:
    """Print how many files a CSV read, an expression fit and an audit pass."""
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "patients.csv"
        write_cohort(simulate("simulated-expression", 400, seed=0, genes=20, classes=2), file)
        cohort, read = passed(lambda: read_cohort(file))
    train, holdout = split(cohort, seed=0)
    model, fit = passed(lambda: Diffusion(steps=10, width=16, depth=1).fit(train, seed=0))
    synthetic = model.sample(100, seed=1)
    _, attacked = passed(lambda: audit(train, holdout, synthetic, seed=0))
    print(f"files in which a function ran: read {read}, fit {fit}, audit {attacked}")


def startup() -> None:
    """Print the seconds of an import and of `cohortsmith --help`, the best of five."""
    help_ = "from cohortsmith.app.cli import main; import sys; sys.argv = ['cohortsmith', '--help']; main()"
    for name, code in (("import cohortsmith", "import cohortsmith"), ("cohortsmith --help", help_)):
        seconds = []
        for _ in range(5):
            start = time.perf_counter()
            subprocess.run([sys.executable, "-c", code], stdout=subprocess.DEVNULL, check=True)
            seconds.append(time.perf_counter() - start)
        print(f"{name}: {min(seconds):.2f} s (to {max(seconds):.2f})")


if __name__ == "__main__":
    sizes()
    walks()
    startup()
