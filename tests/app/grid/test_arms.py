"""Who is in an arm: nobody on two sides, small labelled parts within large ones, virtual patients in their roles."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from cohortsmith.app.config.grid import GridData
from cohortsmith.app.grid.arms import (
    first_of_each,
    joined,
    labelled_number,
    labelled_part,
    learning_set,
    parts_of,
    pretext_cohort,
    virtual_counts,
)
from cohortsmith.data import Cohort, DataError, simulate


def cohort(n: int = 200, classes: int = 3, a_patient: int = 1) -> Cohort:
    made = simulate("simulated-expression", n, seed=0, genes=4, classes=classes)
    return replace(made, subjects=np.array([f"p{row // a_patient}" for row in range(n)]))


def named(source: Cohort, side: str) -> list[str]:
    return sorted(map(str, source.take(source.obs["split"].to_numpy() == side).ids))


def test_nobody_is_on_two_sides() -> None:
    source = cohort(n=240, a_patient=3)
    parts = parts_of(source, GridData("x", holdout=0.25, validation=0.2), seed=1)
    subjects = [set(part.subjects.tolist()) for part in parts]
    assert sum(map(len, subjects)) == len(set().union(*subjects)) == 80
    assert sum(map(len, parts)) == 240
    assert abs(len(parts.test) - 60) <= 3
    assert abs(len(parts.validation) - 36) <= 3
    again, other = (parts_of(source, GridData("x", holdout=0.25, validation=0.2), seed=seed) for seed in (1, 2))
    assert again.train.digest() == parts.train.digest() != other.train.digest()


def test_the_files_own_split_is_kept() -> None:
    made = simulate("simulated-cells", 400, seed=0)
    sides = np.array(["train", "train", "val", "test"])[np.arange(400) % 4]
    own = replace(made, obs=pd.DataFrame({"split": sides}, index=made.obs.index))
    parts = parts_of(own, GridData("x"), seed=5)
    for part, side in zip(parts, ("train", "val", "test"), strict=True):
        assert sorted(map(str, part.ids)) == named(own, side)
    without = own.take(sides != "val")
    parts = parts_of(without, GridData("x"), seed=5)
    assert sorted(map(str, parts.test.ids)) == named(own, "test")
    assert sorted(map(str, parts.train.ids.union(parts.validation.ids))) == named(own, "train")
    assert 0.15 < len(parts.validation) / 200 < 0.25
    shared = replace(own, subjects=np.where(np.arange(400) == 2, own.subjects[0], own.subjects))
    with pytest.raises(DataError, match="patients have images in val and in train"):
        parts_of(shared, GridData("x"), seed=0)


def test_small_labelled_parts_are_within_large_ones_and_have_every_class() -> None:
    train = cohort(n=300, classes=5)
    train = train.take(np.sort(np.argsort(train.y, kind="stable")[20:]))  # not alike
    sizes = np.bincount(train.y)
    before: set[str] = set()
    for n in range(5, len(train) + 1):
        part = labelled_part(train, str(n), seed=3)
        ids = set(map(str, part.ids))
        assert len(part) == n
        assert before <= ids
        counts = np.bincount(part.y, minlength=5)
        assert counts.min() >= 1
        if n >= 50:
            assert np.abs(counts - sizes * n / len(train)).max() <= 1
        before = ids
    assert labelled_part(train, "40", 3).digest() != labelled_part(train, "40", 4).digest()
    assert labelled_part(train, "full", 3).digest() == train.digest()


def test_labels_are_bought_a_patient_at_a_time() -> None:
    train = cohort(n=240, classes=2, a_patient=4)
    part = labelled_part(train, "0.5", seed=0)
    for label in range(2):
        mine = part.take(part.y == label).subjects
        whole = train.take(train.y == label).subjects
        cut = [name for name in set(mine) if (mine == name).sum() < (whole == name).sum()]
        assert len(cut) <= 1


@pytest.mark.parametrize(
    ("wanted", "n"), [("50", 50), ("0.1", 20), ("quarter", 50), ("half", 100), ("full", 200), ("1.0", 200), ("3", 3)]
)
def test_numbers_shares_and_words(wanted: str, n: int) -> None:
    assert labelled_number(wanted, cohort()) == n


@pytest.mark.parametrize(
    ("wanted", "words"),
    [("201", "train has 200"), ("2", "3 classes"), ("0.0", "share"), ("-3", "absent"), ("all", "'all'")],
)
def test_impossible_numbers_are_refused(wanted: str, words: str) -> None:
    with pytest.raises(DataError, match=words):
        labelled_number(wanted, cohort())


def test_ratios_are_nested_and_balance_tops_up() -> None:
    labelled = cohort(n=100)
    sizes = np.bincount(labelled.y)
    assert virtual_counts(labelled, "2").tolist() == (2 * sizes).tolist()
    assert (virtual_counts(labelled, "balance") + sizes).tolist() == [sizes.max()] * 3
    made = cohort(n=600)
    before: set[str] = set()
    for ratio in ("0.5", "1", "1.7"):
        counts = virtual_counts(labelled, ratio)
        part = first_of_each(made, counts)
        assert np.bincount(part.y).tolist() == counts.tolist()
        assert before <= set(map(str, part.ids))
        before = set(map(str, part.ids))


def test_roles() -> None:
    everybody = cohort(n=90)
    real, unlabelled, virtual = (everybody.take(np.arange(start, start + 30)) for start in (0, 30, 60))
    virtual = replace(virtual, obs=virtual.obs[[]])

    def who(found: Cohort) -> set[str]:
        return set(map(str, found.ids))

    assert who(learning_set("", real, None)) == who(real)
    assert who(learning_set("unlabelled", real, virtual)) == who(real)
    assert (
        who(learning_set("labelled", real, virtual))
        == who(learning_set("both", real, virtual))
        == who(real) | who(virtual)
    )
    assert (
        who(learning_set("alone", real, virtual)) == who(pretext_cohort("alone", unlabelled, virtual)) == who(virtual)
    )
    assert who(pretext_cohort("", unlabelled, None)) == who(pretext_cohort("labelled", unlabelled, virtual))
    assert who(pretext_cohort("labelled", unlabelled, virtual)) == who(unlabelled)
    for role in ("unlabelled", "both"):
        assert who(pretext_cohort(role, unlabelled, virtual)) == who(unlabelled) | who(virtual)
    together = joined(real, virtual)
    assert together.x.tolist() == [*real.x.tolist(), *virtual.x.tolist()]
    assert together.y.tolist() == [*real.y.tolist(), *virtual.y.tolist()]
    with pytest.raises(DataError, match="same kind, features and classes"):
        joined(real, replace(virtual, features=virtual.features[::-1]))
