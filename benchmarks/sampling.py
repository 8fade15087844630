"""Stream a million virtual patients of tcga_12class_50genes to Parquet through the command line.

`cohortsmith fit`, then `cohortsmith sample --n 1000000 --out FILE.parquet`, each in its own process; run time and
peak memory are those of the whole `sample` command, including start-up. Needs COHORTSMITH_DATA.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from benchmarks import harness

COHORT = "tcga_12class_50genes"
_COMMAND = "from cohortsmith.app.cli import main; main()"


def run() -> None:
    """Fit unless a model is given, sample, print and write the table."""
    parser = harness.parser(__doc__, "sampling")
    parser.add_argument("--family", default="diffusion")
    parser.add_argument("--n", type=int, default=1_000_000)
    parser.add_argument("--model", type=Path, help="folder of a fitted model (default: fit one)")
    parser.add_argument("--seed", type=int, default=0)
    args = harness.arguments(parser)
    results = harness.Results(args.out)
    key = {"family": args.family, "n": args.n, "seed": args.seed, "settings": args.settings or []}
    row = results.measured(key, lambda: measure(args.family, args.n, args.seed, args.settings or [], args.model))
    head = ["family", "profiles", "seconds", "patients/s", "peak GB", "file MB", "target"]
    cells = [args.family, f"{row['rows']:,}", f"{row['seconds']:.1f}", f"{row['rows'] / row['seconds']:,.0f}",
             f"{row['peak_mb'] / 1000:.2f}", f"{row['file_mb']:.0f}", "peak < 2 GB"]  # fmt: skip
    harness.publish("sampling", harness.table(head, [cells]), [row], seeds=[args.seed], write=args.write)


def measure(family: str, n: int, seed: int, settings: list[str], model: Path | None) -> dict[str, Any]:
    """Row for one run of `sample`; its files are removed."""
    with tempfile.TemporaryDirectory() as folder:
        fit_seconds = None
        if model is None:
            model = Path(folder) / "model"
            words = [word for pair in settings for word in ("--set", pair)]
            fit_seconds, _ = cohortsmith(
                "fit", COHORT, "--family", family, "--seed", str(seed), "--out", str(model), *words
            )
        file = Path(folder) / "virtual.parquet"
        seconds, peak = cohortsmith("sample", str(model), "--n", str(n), "--seed", str(seed), "--out", str(file))
        size = file.stat().st_size / 1e6

        import pyarrow.parquet  # after the measurement, since a child inherits its parent's peak memory

        rows = pyarrow.parquet.ParquetFile(file).metadata.num_rows
    return {"fit_seconds": fit_seconds, "seconds": seconds, "peak_mb": peak, "rows": rows, "file_mb": size}


def cohortsmith(*words: str) -> tuple[float, float]:
    """Run the command line; wall time in seconds and peak resident memory in MB."""
    path = os.pathsep.join(filter(None, [str(harness.ROOT), os.environ.get("PYTHONPATH")]))
    start = time.perf_counter()
    process = subprocess.Popen([sys.executable, "-c", _COMMAND, *words], env={**os.environ, "PYTHONPATH": path})
    _, status, usage = os.wait4(process.pid, 0)
    seconds = time.perf_counter() - start
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        sys.exit(f"error: cohortsmith {words[0]} ended with {process.returncode}")
    return seconds, usage.ru_maxrss / 1e6 if sys.platform == "darwin" else usage.ru_maxrss * 1024 / 1e6


if __name__ == "__main__":
    harness.main(run)
