"""Fits killed at any moment go on to the same bits: every data kind x family, killed again and again.

    python -m benchmarks.kills --seed 0 --number 20

`cohortsmith fit` is killed (SIGKILL) after its checkpoint has reached a step drawn at random, and run again until it
is done; its virtual patients must equal, to the bit, those of a fit that was not interrupted. POSIX only, on one CPU.
"""

from __future__ import annotations

import argparse
import json
import os
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np

COHORTS = {"expression": "simulated-expression", "sequence": "tp53-founding", "image": "simulated-cells"}
SUFFIX = {"expression": ".csv", "sequence": ".fasta", "image": ".npz"}
FAMILIES = ("gan", "wgan", "vae", "diffusion")
STEPS = 12
_COMMAND = [sys.executable, "-c", "from cohortsmith.app.cli import main; main()"]
_WAIT = 300.0  # seconds for one command


def cohortsmith(*words: str, kill_at: int = 0, checkpoint: Path | None = None) -> bool:
    """Run a command; with `kill_at`, kill it once its checkpoint has reached that step. Whether it ended by itself."""
    environment = os.environ | {"OMP_NUM_THREADS": "1", "MKL_NUM_THREADS": "1"}
    with tempfile.TemporaryFile() as log:
        process = subprocess.Popen([*_COMMAND, *words], stdout=log, stderr=log, env=environment)
        begun = time.monotonic()
        while process.poll() is None:
            if time.monotonic() - begun > _WAIT or (checkpoint and kill_at and _step(checkpoint) >= kill_at):
                process.send_signal(signal.SIGKILL)
                process.wait()
                return False
            time.sleep(0.01)
        if process.returncode:
            log.seek(0)
            raise SystemExit(f"{' '.join(words)}: {log.read().decode(errors='replace')}")
    return True


def _step(checkpoint: Path) -> int:
    try:
        return int(json.loads((checkpoint / "checkpoint.json").read_text(encoding="utf-8"))["step"])
    except (OSError, ValueError, KeyError):
        return 0


def main() -> None:
    """Kill as many fits as asked for, and report those that went on to other bits."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--number", type=int, default=20)
    parser.add_argument("--only", default="", help="KIND-FAMILY, separated by commas")
    asked = parser.parse_args()
    rng = np.random.default_rng(asked.seed)
    pairs = [(kind, family) for kind in COHORTS for family in FAMILIES]
    pairs = [pair for pair in pairs if not asked.only or "-".join(pair) in asked.only.split(",")]
    wrong, kills, whole = 0, 0, dict[tuple[str, str], bytes]()
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place)
        for kind, name in COHORTS.items():
            cohortsmith("data", "simulate", name, "--n", "120", "--out", str(folder / f"{kind}{SUFFIX[kind]}"))
        for number in range(asked.number):
            kind, family = pairs[number % len(pairs)]
            fit = ["fit", str(folder / f"{kind}{SUFFIX[kind]}"), "--family", family, "--checkpoint-every", "1"]
            fit += [word for key in (f"steps={STEPS}", "width=8", "batch_size=16") for word in ("--set", key)]

            def sampled(model: Path) -> bytes:
                out = folder / f"samples{SUFFIX[kind]}"  # noqa: B023  # used at once
                cohortsmith("sample", str(model), "--n", "30", "--seed", "3", "--out", str(out))
                return out.read_bytes()

            if (kind, family) not in whole:
                cohortsmith(*fit, "--out", str(folder / f"{kind}-{family}"))
                whole[kind, family] = sampled(folder / f"{kind}-{family}")
            model = folder / f"killed-{number}"
            for step in sorted(rng.choice(range(1, STEPS), int(rng.integers(1, 3)), replace=False).tolist()):
                done = cohortsmith(
                    *fit, "--out", str(model), kill_at=step, checkpoint=model.with_name(f"{model.name}.partial")
                )
                kills += not done
                if done:
                    break
            if not model.exists():
                cohortsmith(*fit, "--out", str(model))
            same = sampled(model) == whole[kind, family]
            left = [path.name for path in folder.iterdir() if path.name.startswith(".")]
            wrong += not same or bool(left)
            print(
                f"{number} {kind} {family}: {'same bits' if same else 'OTHER BITS'}{f', left {left}' if left else ''}",
                flush=True,
            )
    print(f"{asked.number} fits killed {kills} times, {wrong} wrong")
    sys.exit(bool(wrong))


if __name__ == "__main__":
    main()
