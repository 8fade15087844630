"""Edits of few patients before training: none is left at its place, and, scattered, they stay what they were."""

from __future__ import annotations

from dataclasses import replace
from functools import cache

import numpy as np
import pytest

from cohortsmith.data import Cohort, DataError, simulate
from cohortsmith.data.nucleotides import MASKED
from cohortsmith.generators import make_generator
from cohortsmith.generators.sequences.carriers import carrier_counts
from cohortsmith.generators.sequences.codec import SequenceCodec
from cohortsmith.generators.sequences.rare_edits import without_rare_edits
from cohortsmith.generators.sequences.sites import Sites

K = 5


@cache
def patients() -> tuple[Cohort, Sites]:
    cohort = simulate("tp53-cohort", 300, seed=0)
    x = cohort.x.copy()
    x[:40, 5] = MASKED
    cohort = SequenceCodec(min_carriers=K).narrowed(replace(cohort, x=x))
    return cohort, Sites.fit(cohort, K)


def test_suppressed_edits_are_those_of_fewer_patients_and_no_other() -> None:
    cohort, sites = patients()
    out = without_rare_edits(cohort.x, sites, None)
    held = np.stack([(out == code).sum(0) for code in range(5)])
    edit = np.arange(5)[:, None] != sites.consensus
    assert not ((held > 0) & (held < K) & edit).any()
    changed = out != cohort.x
    assert changed.any()
    before = carrier_counts(cohort.x, cohort.subjects)
    row, column = np.nonzero(changed)
    assert (before[cohort.x[row, column], column] < K).all()
    assert ((out == MASKED) == (cohort.x == MASKED)).all()


def test_scattered_edits_are_of_the_same_kinds_at_other_places() -> None:
    cohort, sites = patients()
    bare, out = without_rare_edits(cohort.x, sites, None), without_rare_edits(cohort.x, sites, np.random.default_rng(0))
    columns = cohort.x.shape[1]

    def kinds(x: np.ndarray[tuple[int, ...], np.dtype[np.uint8]]) -> np.ndarray[tuple[int], np.dtype[np.int64]]:
        """How many of each kind of rare substitution."""
        row, column = np.nonzero(x != bare)
        cell = x[row, column].astype(np.int64) * columns + column
        cell = cell[(x[row, column] < 4) & (sites.consensus[column] < 4)]
        return np.bincount(sites.kinds[cell], minlength=int(sites.kinds.max()) + 1)

    many = np.bincount(sites.kinds) >= 20
    old, new = kinds(cohort.x), kinds(out)
    assert old[many].sum() > 50
    assert np.abs(new - old)[many].sum() <= 0.05 * old.sum()  # a place may be drawn twice
    row, column = np.nonzero((cohort.x != bare) & (cohort.x < 4))
    assert (out[row, column] == cohort.x[row, column]).mean() < 0.05


def test_a_sequence_with_common_edits_only_is_left_as_it_is() -> None:
    cohort, sites = patients()
    bare = without_rare_edits(cohort.x, sites, None)
    again = Sites.fit(replace(cohort, x=bare), K)
    np.testing.assert_array_equal(without_rare_edits(bare, again, np.random.default_rng(0)), bare)


def test_what_a_family_is_trained_on_and_what_it_then_makes() -> None:
    cohort, _ = patients()
    rng = np.random.default_rng(0)
    learn, suppress, scatter = (
        SequenceCodec(min_carriers=K, rare_edits=way).fit_encode(cohort, rng)
        for way in ("learn", "suppress", "scatter")
    )
    np.testing.assert_array_equal(learn.argmax(1)[cohort.x < MASKED], cohort.x[cohort.x < MASKED])
    assert (suppress != learn).any()
    assert (scatter != suppress).any()
    settings = {"steps": 3, "width": 16, "depth": 1, "min_carriers": K, "rare_edits": "suppress"}
    made = make_generator("vae", **settings).fit(cohort, seed=0).sample(300, seed=0)
    before = carrier_counts(cohort.x, cohort.subjects)
    rare = before[made.x, np.arange(made.x.shape[1])] < K
    assert rare.mean() < 1e-5


def test_another_word_is_refused() -> None:
    with pytest.raises(DataError, match="rare_edits must be one of learn, scatter, suppress; got 'drop'"):
        make_generator("vae", rare_edits="drop")
