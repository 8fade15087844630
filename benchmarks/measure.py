"""Run time and peak memory of a fit; as a script, in a fresh process.

Imports and initialisation of libraries are not included in the time.
"""

from __future__ import annotations

import json
import resource
import signal
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from cohortsmith.app.config.key_values import parse_settings
from cohortsmith.data import DataError, read_cohort, simulate
from cohortsmith.generators import FAMILIES, make_generator
from cohortsmith.training import TrainingError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from cohortsmith.data import Cohort
    from cohortsmith.generators import Generator


def families_of(text: str) -> list[str]:
    """Comma-separated names of families.

    Raises:
        DataError: an unknown family.
    """
    names = [name.strip() for name in text.split(",") if name.strip()]
    for name in names:
        if name not in FAMILIES:
            raise DataError(f"unknown family {name!r}; known: {', '.join(FAMILIES)}")
    return names


def settings_of(pairs: Sequence[str] | None, family: str) -> dict[str, Any]:
    """Settings of `--set` that apply to a family: `family.key=value`, or a bare key that it has."""
    own, known = {}, FAMILIES[family].setting_names()
    for key, value in parse_settings(pairs).items():
        of, _, name = key.rpartition(".")
        if of == family or (not of and name in known):
            own[name] = value
    return own


def warm_up(family: str, genes: int) -> None:
    """Trigger a family's lazy imports by a minimal fit."""
    if family.startswith("sdv-"):
        FAMILIES[family].setting_names()  # imports SDV, or reports that it is not installed
        return
    known = FAMILIES[family].setting_names()
    settings = {name: 2 for name in ("steps",) if name in known}
    make_generator(family, **settings).fit(simulate("simulated-expression", 60, seed=0, genes=min(genes, 2000)))


def timed_fit(family: str, settings: dict[str, Any], train: Cohort, seed: int) -> tuple[Generator, float]:
    """The fitted generator and the wall time of `fit` in seconds."""
    generator = make_generator(family, **settings)
    start = time.perf_counter()
    generator.fit(train, seed=seed)
    return generator, time.perf_counter() - start


def forget_peak() -> bool:
    """Reset the peak memory; False where the system does not support it."""
    try:
        Path("/proc/self/clear_refs").write_text("5")
    except OSError:
        return False
    return True


def peak_mb() -> float:
    """Peak resident memory of this process, MB (10^6 bytes).

    Linux's VmHWM where available: unlike `ru_maxrss` it does not inherit the parent's peak after a fork.
    """
    status = Path("/proc/self/status")
    if status.exists():
        for line in status.read_text().splitlines():
            if line.startswith("VmHWM:"):
                return int(line.split()[1]) * 1024 / 1e6
    usage = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return usage / 1e6 if sys.platform == "darwin" else usage * 1024 / 1e6


def cohort_of(task: dict[str, Any]) -> Cohort:
    """A named set or file (`source`), or a simulation (`simulate`: options of simulated-expression)."""
    if "source" in task:
        return read_cohort(task["source"])
    return simulate("simulated-expression", **task["simulate"])


def main() -> None:
    """Measure the task given as JSON and print a row as JSON; the peak memory includes reading the cohort."""
    task = json.loads(sys.argv[1])
    try:
        cohort = cohort_of(task["cohort"])
        warm_up(task["family"], len(cohort.features))
        signal.setitimer(signal.ITIMER_REAL, task["timeout"])  # 0 for none; the alarm kills the process
        generator, seconds = timed_fit(task["family"], task["settings"], cohort, task["seed"])
    except (DataError, TrainingError) as error:
        sys.exit(f"error: {error}")
    signal.setitimer(signal.ITIMER_REAL, 0)
    device = generator.summary.get("device", "cpu")
    shape = {"patients": len(cohort), "genes": len(cohort.features)}
    print(json.dumps({"fit_seconds": seconds, "peak_mb": peak_mb(), "device": device, **shape}))


if __name__ == "__main__":
    main()
