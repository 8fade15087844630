"""Contact sheet of real and synthetic images, classes in rows, from images kept by `benchmarks/images.py --samples`.

For visual inspection before trusting any metric. The real images are a random sample of train.
"""

from __future__ import annotations

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

import argparse

from benchmarks import harness
from benchmarks.images import FILES, cohorts, kept_images
from cohortsmith.data import DataError, read_cohort
from cohortsmith.evaluation.plots.image_sheet import sheet


def run() -> None:
    """Write the sheet."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", choices=tuple(FILES), default="bloodmnist")
    parser.add_argument(
        "--samples", type=Path, required=True, metavar="FOLDER", help="where synthetic images were kept"
    )
    parser.add_argument("--each", type=int, default=6, help="images of each class and family")
    parser.add_argument("--seed", type=int, default=0, help="seed of the synthetic images and of the random choice")
    parser.add_argument("--out", type=Path, required=True, metavar="FILE.png")
    args = parser.parse_args()
    found = {"real": cohorts(args.data)[0]}
    for family in harness.NEURAL:
        path = kept_images(args.samples, args.data, family, args.seed)
        if path.exists():
            found[family] = read_cohort(path)
    if len(found) == 1:
        raise DataError(
            f"{args.samples} has no synthetic images of {args.data}; run benchmarks/images.py --samples first"
        )
    args.out.write_bytes(sheet(found, args.each, seed=args.seed))
    harness.say(f"written: {args.out.name}")


if __name__ == "__main__":
    harness.main(run)
