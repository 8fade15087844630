"""Small cohorts of TP53 sequences whose variants are put in by hand, for the tests of the metrics."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from cohortsmith.data.cohort import Cohort
from cohortsmith.data.nucleotides import GAP, encode
from cohortsmith.data.sequences.effects import EFFECTS, substitution_effects
from cohortsmith.data.sequences.reference import TP53
from cohortsmith.evaluation.core.sequence_edits import consensus, independent

if TYPE_CHECKING:
    from numpy.typing import NDArray

FIRST, LAST = 97, 1375
FEATURES = tuple(str(p) for p in range(FIRST, LAST + 1))
CLASSES = ("mutated", "wild-type")
BASE = encode(TP53.span(FIRST, LAST))
BASE.flags.writeable = False
POLYMORPHISMS = ((357, "G", 0.68), (250, "A", 0.12))  # c.215C>G (P72R), c.108G>A (P36=)


def sequences(x: Any, y: Any = None, *, features: tuple[str, ...] | None = None, classes: Any = CLASSES) -> Cohort:
    """Cohort of codes x (n, columns); TP53's own columns when their number fits, else '1', '2', ..."""
    x = np.asarray(x, dtype=np.uint8)
    n = len(x)
    of_tp53 = features is None and x.shape[1] == len(FEATURES)
    names = features or (FEATURES if of_tp53 else tuple(str(i + 1) for i in range(x.shape[1])))
    return Cohort(
        kind="sequence",
        x=x,
        y=np.zeros(n, dtype=np.int64) if y is None else np.asarray(y, dtype=np.int64),
        classes=tuple(classes),
        features=names,
        subjects=np.asarray([f"p{i}" for i in range(n)], dtype=np.str_),
        obs=pd.DataFrame(index=[f"s{i}" for i in range(n)]),
        provenance={"reference": TP53.name if of_tp53 else "", "source": "by hand", "masked": 0},
    )


@cache
def pool(size: int = 600) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.float64]]:
    """Somatic substitutions as places from 0 and codes, transitions favoured, and how frequent they are."""
    rng = np.random.default_rng(3)
    window = TP53.window(FIRST, LAST)
    kinds = substitution_effects(window)
    wanted = np.isin(kinds, [EFFECTS.index("missense"), EFFECTS.index("nonsense")])
    place, code = np.nonzero(wanted)
    purine = np.isin(np.arange(4), (0, 3))
    odds = np.where(purine[code] == purine[BASE[place]], 3.0, 1.0)
    chosen = rng.choice(len(place), size, replace=False, p=odds / odds.sum())
    weight = 1 / np.arange(2, size + 2) ** 0.7
    return place[chosen], code[chosen], weight / weight.sum()


def patients(n: int, seed: int, *, deletions: float = 0.08) -> Cohort:
    """Half mutated: one somatic variant, in one of ten two; `deletions` of the mutated lose a base or four."""
    rng = np.random.default_rng(seed)
    place, code, weight = pool()
    x = np.tile(BASE, (n, 1))
    y = rng.permutation(np.arange(n) % 2)
    for position, letter, frequency in POLYMORPHISMS:
        x[rng.random(n) < frequency, position - FIRST] = encode(letter)[0]
    for i in np.flatnonzero(y == 0):
        if rng.random() < deletions:
            start = int(rng.choice([450, 523, 700, 811]))
            x[i, start : start + int(rng.choice([1, 4]))] = GAP
        else:
            for k in rng.choice(len(place), 1 + (rng.random() < 0.1), replace=False, p=weight):
                x[i, place[k]] = code[k]
    return sequences(x, y)


def random_edits(train: Cohort, seed: int, k: int = 4) -> Cohort:
    """Train's consensus with k substitutions anywhere, labels kept: the founding study's baseline."""
    rng = np.random.default_rng(seed)
    x = np.tile(consensus(train.x), (len(train), 1))
    for row in x:
        at = rng.choice(len(row), k, replace=False)
        row[at] = (row[at] + rng.integers(1, GAP, k)) % GAP
    return sequences(x, train.y)


def weight_matrix(train: Cohort, seed: int) -> Cohort:
    """Each column drawn on its own at the frequencies of its class."""
    rng = np.random.default_rng(seed)
    x = np.empty_like(train.x)
    for c in np.unique(train.y):
        rows = train.y == c
        x[rows] = independent(train.x[rows], int(rows.sum()), rng)
    return sequences(x, train.y)


def haplotypes(n: int, seed: int) -> Cohort:
    """Two classes of haplotypes of 120 sites, in blocks of four that go together and chains of blocks that often do."""
    rng = np.random.default_rng(seed)
    y = np.arange(n) % 2
    held = np.empty((n, 30), dtype=bool)
    held[:, 0] = rng.random(n) < 0.3 + 0.2 * y
    for block in range(1, 30):
        new = rng.random(n) < 0.3 + 0.2 * y
        held[:, block] = np.where(rng.random(n) < 0.7, held[:, block - 1], new)
    x = np.where(np.repeat(held, 4, axis=1), 3, 0).astype(np.uint8)
    names = np.array([f"h{i}" for i in range(n)])
    features = tuple(f"chr1:{1000 + 50 * site}:A:G" for site in range(120))
    return Cohort("sequence", x, y, ("a", "b"), features, names, pd.DataFrame(index=pd.Index(names)))
