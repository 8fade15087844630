"""Damaged files before every reader: none may end in a traceback, hang, or take memory that the file cannot need.

    python -m benchmarks.mutations --seed 0 --number 2000 --keep findings

Small good files of every format are written, and each mutation changes one of them in one to four places (bytes
flipped, cut out, repeated, moved, replaced by odd tokens; of compressed files also what is inside). It is read in a
process of its own. Reported are tracebacks, ends by a signal, messages of several lines, more than 10 seconds of
processor time, and more than 1 GB of memory above that of reading the good file. POSIX only.
"""

from __future__ import annotations

import argparse
import gzip
import os
import resource
import shutil
import signal
import sys
import tempfile
import time
import traceback
import zipfile
from collections import Counter
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

T = TypeVar("T")

SECONDS = 10.0  # of processor time
WALL = 90.0  # seconds after which a process is ended, whatever it did
ROOM = 1_000_000  # kB of memory
TOKENS = (b"9" * 5000, b"1e999", b"-1", b"NaN", b"\xff\xfe", b"\x00", b"[" * 3000, b'"', b"\t", b",", b"\n", b"null")
OK, TOLD, TRACEBACK, LINES = 0, 2, 3, 4


def good_files(folder: Path) -> None:
    """Write one file of each format, and a model, an experiment and a folder of runs."""
    from cohortsmith import make_generator, simulate, write_cohort

    cohort = simulate("simulated-expression", 24, 0, genes=6, classes=2)
    for suffix in (".csv", ".tsv", ".csv.gz", ".parquet", ".h5ad"):
        write_cohort(cohort, folder / f"table{suffix}")
    import anndata
    from scipy import sparse

    whole = anndata.read_h5ad(folder / "table.h5ad")
    for name, kind in (("csr", sparse.csr_matrix), ("csc", sparse.csc_matrix)):
        whole.X = kind(np.asarray(whole.X))
        whole.write_h5ad(folder / f"{name}.h5ad")
        whole.X = whole.X.toarray()
    genes = simulate("tp53-founding", 10, 0)
    write_cohort(genes, folder / "genes.fasta")
    write_cohort(genes, folder / "genes.fasta.gz")
    cells = simulate("simulated-cells", 40, 0)
    write_cohort(cells, folder / "cells.npz")
    write_cohort(cells, folder / "cells")
    make_generator("mvn").fit(cohort, seed=0).save(folder / "model")
    (folder / "run.toml").write_text(
        'seed = 1\n[data]\ncohort = "c.csv"\nholdout = 0.3\n[generator]\nfamily = "vae"\nsettings = { steps = 3 }\n'
        "[sample]\nper_class = 5\n"
    )
    run = folder / "runs" / "one"
    run.mkdir(parents=True)
    (run / "config.json").write_text('{"data": {"cohort": "c.csv"}, "generator": {"family": "vae"}, "seed": 1}')
    (run / "metrics.json").write_text('{"metrics": [{"name": "a", "status": "ok", "value": 0.5}], "digests": {}}')


def _cohort(path: Path) -> None:
    from cohortsmith import read_cohort

    read_cohort(path)


def _model(path: Path) -> None:
    from cohortsmith import load

    load(path).sample(5, seed=0)


def _experiment(path: Path) -> None:
    from cohortsmith.app.config import read_experiment
    from cohortsmith.app.pipeline import check

    check(read_experiment(path))


def _runs(path: Path) -> None:
    from cohortsmith.app.workspace import Workspace

    for entry in Workspace(path).entries():
        entry.row()


READERS: dict[str, Callable[[Path], None]] = {
    "table.csv": _cohort, "table.tsv": _cohort, "table.csv.gz": _cohort, "table.parquet": _cohort,
    "table.h5ad": _cohort, "csr.h5ad": _cohort, "csc.h5ad": _cohort, "genes.fasta": _cohort,
    "genes.fasta.gz": _cohort, "cells.npz": _cohort, "cells": _cohort, "model": _model, "run.toml": _experiment,
    "runs": _runs,
}  # fmt: skip


def _pick(rng: np.random.Generator, options: Sequence[T]) -> T:
    return options[int(rng.integers(len(options)))]


def mutated(content: bytes, rng: np.random.Generator) -> bytes:
    """The bytes changed in one to four places."""
    data = bytearray(content)
    for _ in range(rng.integers(1, 5)):
        at, length = int(rng.integers(len(data) or 1)), _pick(rng, (1, 1, 2, 4, 8, 64, 500))
        part = bytes(data[at : at + length])
        match int(rng.integers(7)):
            case 0:
                data[at : at + 1] = bytes([int(rng.integers(256))])
            case 1:
                data[at : at + length] = _pick(rng, (b"\x00", b"\xff", b"\x7f")) * len(part)
            case 2:
                del data[at : at + length]
            case 3:
                data[at:at] = part * _pick(rng, (1, 3, 50))
            case 4:
                data[at : at + length] = _pick(rng, TOKENS)
            case 5:
                other = int(rng.integers(len(data) or 1))
                data[other : other + len(part)] = part
            case 6:
                if rng.random() < 0.2:
                    del data[at:]
    return bytes(data)


def mutate(path: Path, rng: np.random.Generator) -> None:
    """Change one file, or one of a folder, or what is inside of a compressed one."""
    if path.is_dir():
        path = _pick(rng, sorted(place for place in path.rglob("*") if place.is_file()))
    content = path.read_bytes()
    inside = rng.random() < 0.5
    if path.suffix == ".gz" and inside:
        path.write_bytes(gzip.compress(mutated(gzip.decompress(content), rng)))
    elif path.suffix == ".npz" and inside:
        with zipfile.ZipFile(path) as archive:
            members = {name: archive.read(name) for name in archive.namelist()}
        chosen = _pick(rng, sorted(members))
        head = members[chosen][:128]  # where shape and type are told
        members[chosen] = mutated(head, rng) + members[chosen][128:]
        with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
            for name, data in members.items():
                archive.writestr(name, data)
    else:
        path.write_bytes(mutated(content, rng))


def apart(work: Callable[[], None], log: Path) -> tuple[str, float, int]:
    """Carry out `work` in a process of its own: what became of it, processor seconds, and kB of memory at most."""
    pid = os.fork()
    if not pid:
        code = OK
        with log.open("w") as file:
            os.dup2(file.fileno(), 1)
            os.dup2(file.fileno(), 2)
            os.setpgid(0, 0)
            resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
            try:
                work()
            except BaseException as error:
                from cohortsmith.app.terminal import explain

                code = TOLD if explain(error) else TRACEBACK
                if code == TOLD and "\n" in str(error).strip():
                    code = LINES
                traceback.print_exc()
            sys.stdout.flush()
            sys.stderr.flush()
        os._exit(code)
    begun, ended = time.monotonic(), 0
    while not ended:
        ended, status, used = os.wait4(pid, os.WNOHANG)
        if not ended and time.monotonic() - begun > WALL:
            os.killpg(pid, signal.SIGKILL)
            _, status, used = os.wait4(pid, 0)
            return "hang", used.ru_utime + used.ru_stime, used.ru_maxrss
        time.sleep(0.005)
    seconds = used.ru_utime + used.ru_stime
    if os.WIFSIGNALED(status):
        return f"signal {os.WTERMSIG(status)}", seconds, used.ru_maxrss
    words = {OK: "read", TOLD: "refused", TRACEBACK: "traceback", LINES: "several lines"}
    return words.get(os.WEXITSTATUS(status), "ended"), seconds, used.ru_maxrss


def main() -> None:
    """Try as many mutations as asked for, and report."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--number", type=int, default=2000)
    parser.add_argument("--only", default="", help="names of good files, separated by commas")
    parser.add_argument("--keep", type=Path, default=None, help="folder for the files that were found")
    asked = parser.parse_args()
    os.environ.setdefault("OMP_NUM_THREADS", "1")
    names = [name for name in READERS if not asked.only or name in asked.only.split(",")]
    counts: Counter[str] = Counter()
    with tempfile.TemporaryDirectory() as place:
        folder, log = Path(place) / "good", Path(place) / "log.txt"
        folder.mkdir()
        if apart(lambda: good_files(folder), log)[0] != "read":
            sys.exit(log.read_text())
        import cohortsmith.app.config
        import cohortsmith.app.pipeline
        import cohortsmith.app.workspace
        import cohortsmith.data.named  # noqa: F401  # once, not in each process

        honest = {}
        for name in names:
            outcome, _, honest[name] = apart(partial(READERS[name], folder / name), log)
            if outcome != "read":
                sys.exit(f"the good {name}: {outcome}\n{log.read_text()}")
        for number in range(asked.number):
            rng = np.random.default_rng([asked.seed, number])
            name = _pick(rng, names)
            victim = Path(place) / "victim" / name
            copy = shutil.copytree if (folder / name).is_dir() else shutil.copy
            victim.parent.mkdir()
            copy(folder / name, victim)
            mutate(victim, rng)
            outcome, seconds, memory = apart(partial(READERS[name], victim), log)
            if outcome in ("read", "refused"):
                outcome = "slow" if seconds > SECONDS else "memory" if memory > honest[name] + ROOM else outcome
            counts[outcome] += 1
            if outcome not in ("read", "refused"):
                last = (log.read_text(errors="replace").strip().splitlines() or [""])[-1][:160]
                print(f"{number} {name}: {outcome}, {seconds:.1f} s, {memory // 1000} MB: {last}", flush=True)
                if asked.keep:
                    shutil.copytree(victim.parent, asked.keep / f"{asked.seed}-{number}", dirs_exist_ok=True)
                    shutil.copy(log, asked.keep / f"{asked.seed}-{number}" / "log.txt")
            shutil.rmtree(victim.parent)
    print(", ".join(f"{outcome} {count}" for outcome, count in counts.most_common()))
    sys.exit(bool(set(counts) - {"read", "refused"}))


if __name__ == "__main__":
    main()
