"""MedMNIST files and folders of PNG: what is read, what is written, and that the splits of a file are kept."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
import pytest
from PIL import Image

from cohortsmith.data import Cohort, DataError, named_sets, open_writer, read_cohort, simulate, split, write_cohort

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path


@pytest.fixture
def cells() -> Cohort:
    """48 cells of three classes with splits, two images a lesion, and covariates of every type."""
    cohort = simulate("simulated-cells", 48, 0, classes=3)
    obs = cohort.obs.copy()
    obs["split"] = np.asarray((["train"] * 5 + ["val"] + ["test"] * 2) * 6, dtype=object)
    obs["age"], obs["slide"], obs["smoker"] = np.arange(48) + 0.5, np.arange(48) % 5, np.arange(48) % 2 == 0
    obs["sex"] = pd.Series(["female", np.nan, "male"] * 16, index=obs.index, dtype=object)
    obs.loc[obs.index[3], "age"] = np.nan
    lesions = np.asarray([f"{side}-{i // 2}" for i, side in enumerate(obs["split"])])
    provenance: dict[str, Any] = {"label": "label", "subject": "lesion", "label_names": cohort.classes[::-1]}
    return replace(cohort, obs=obs, subjects=lesions, provenance=provenance)


def by_split(cohort: Cohort) -> Cohort:
    """The same images, those of train first."""
    order = {"train": 0, "val": 1, "test": 2}
    return cohort.take(np.argsort(cohort.obs["split"].map(order).to_numpy(), kind="stable"))


def same(a: Cohort, b: Cohort) -> None:
    assert a.digest() == b.digest()
    assert a.classes == b.classes
    assert a.subjects.tolist() == b.subjects.tolist()
    pd.testing.assert_frame_equal(a.obs, b.obs, check_like=True, check_names=False)


def test_medmnist_file_comes_back_as_it_was(cells: Cohort, tmp_path: Path) -> None:
    write_cohort(cells, tmp_path / "cells.npz")
    again = read_cohort(tmp_path / "cells.npz")
    same(again, by_split(cells))
    assert again.provenance["subject"] == "lesion"
    write_cohort(again, tmp_path / "again.npz")
    assert (tmp_path / "again.npz").read_bytes() == (tmp_path / "cells.npz").read_bytes()


def test_what_is_written_is_what_medmnist_loads(cells: Cohort, tmp_path: Path) -> None:
    write_cohort(cells, tmp_path / "cells.npz")
    with np.load(tmp_path / "cells.npz", allow_pickle=False) as file:
        for name, size in (("train", 30), ("val", 6), ("test", 12)):
            assert file[f"{name}_images"].shape == (size, 28, 28, 3)
            assert file[f"{name}_images"].dtype == np.uint8
            assert file[f"{name}_labels"].shape == (size, 1)
        # the numbers of the classes are those of the file it came from, not of the sorted names
        names = file["label_names"].tolist()
        assert names == list(cells.classes[::-1])
        train = cells.take((cells.obs["split"] == "train").to_numpy())
        assert [names[i] for i in file["train_labels"].ravel()] == train.labels.tolist()
        np.testing.assert_array_equal(file["train_images"], train.x)
    grey = replace(cells, x=cells.x[..., :1], features=("28x28x1",))
    write_cohort(grey, tmp_path / "grey.npz")
    with np.load(tmp_path / "grey.npz", allow_pickle=False) as file:
        assert file["train_images"].shape == (30, 28, 28)
    same(read_cohort(tmp_path / "grey.npz"), by_split(grey))


def test_folders_of_png_come_back_as_they_were(cells: Cohort, tmp_path: Path) -> None:
    awkward = replace(
        cells, classes=("a/b", ".hidden", "immature (myelocyte, 50%)"),
        obs=cells.obs.set_axis([f"../{i}é:%2F" for i in range(48)]).rename_axis("sample_id"),
    )  # fmt: skip
    for name, cohort in (("plain", cells), ("awkward", awkward)):
        write_cohort(cohort, tmp_path / name)
        again = read_cohort(tmp_path / name)
        assert sorted(again.classes) == sorted(cohort.classes)
        place = {identity: row for row, identity in enumerate(again.ids)}
        again = again.take([place[identity] for identity in cohort.ids])
        np.testing.assert_array_equal(again.x, cohort.x)
        assert again.labels.tolist() == cohort.labels.tolist()
        assert again.subjects.tolist() == cohort.subjects.tolist()
        pd.testing.assert_frame_equal(again.obs, cohort.obs, check_like=True, check_names=False)
    assert {p.name for p in (tmp_path / "plain").iterdir()} == {"train", "val", "test", "images.csv"}


def test_images_without_splits_have_none_afterwards(cells: Cohort, tmp_path: Path) -> None:
    plain = replace(cells, obs=cells.obs[[]], subjects=np.asarray(cells.ids, dtype=np.str_), provenance={})
    for name in ("virtual.npz", "virtual"):
        write_cohort(plain, tmp_path / name)
        again = read_cohort(tmp_path / name)
        assert list(again.obs.columns) == []
        assert again.class_counts() == plain.class_counts()
    assert {p.name for p in (tmp_path / "virtual").iterdir()} == set(cells.classes)
    with np.load(tmp_path / "virtual.npz", allow_pickle=False) as file:
        assert [len(file[f"{name}_images"]) for name in ("train", "val", "test")] == [48, 0, 0]


def test_chunks_make_one_file(cells: Cohort, tmp_path: Path) -> None:
    for name in ("whole.npz", "whole"):
        write_cohort(cells, tmp_path / name)
        with open_writer(tmp_path / f"chunks-{name}", cells) as writer:
            for start in range(0, 48, 20):
                writer.write(cells.take(np.arange(start, min(start + 20, 48))))
        same(read_cohort(tmp_path / f"chunks-{name}"), read_cohort(tmp_path / name))
    with pytest.raises(DataError, match="other pixels"), open_writer(tmp_path / "x.npz", cells) as writer:
        writer.write(replace(cells, x=cells.x[..., :1], features=("28x28x1",)))
    assert not (tmp_path / "x.npz").exists()


def test_a_folder_that_holds_something_is_not_written_over(cells: Cohort, tmp_path: Path) -> None:
    (tmp_path / "taken").mkdir()
    (tmp_path / "taken" / "notes.txt").write_text("mine")
    with pytest.raises(DataError, match="not an empty folder"):
        write_cohort(cells, tmp_path / "taken")
    assert [p.name for p in tmp_path.rglob("*")] == ["taken", "notes.txt"]


def test_any_covariate_may_be_the_class(cells: Cohort, tmp_path: Path) -> None:
    write_cohort(replace(cells, obs=cells.obs.drop(columns="sex")), tmp_path / "cells.npz")
    by_slide = read_cohort(tmp_path / "cells.npz", label="slide", subject="label", part=True)
    assert by_slide.classes == ("0", "1", "2", "3", "4")
    by_slide = read_cohort(tmp_path / "cells.npz", label="slide")
    assert sorted(set(by_slide.obs["label"])) == sorted(cells.classes)
    write_cohort(by_slide, tmp_path / "slides.npz")
    same(read_cohort(tmp_path / "slides.npz"), by_slide)
    with pytest.raises(DataError, match="no label 'slid'; did you mean 'slide'"):
        read_cohort(tmp_path / "cells.npz", label="slid")


def test_file_of_a_medmnist_set_has_its_class_names(tmp_path: Path) -> None:
    labels = np.arange(8, dtype=np.uint8).repeat(2)
    arrays = {f"{s}_{k}": v for s in ("train", "val", "test") for k, v in (("images", pixels(16)), ("labels", labels))}
    for name, first in (("bloodmnist.npz", "basophil"), ("organamnist_28.npz", "bladder"), ("mine.npz", "0")):
        np.savez(tmp_path / name, **arrays)  # type: ignore[arg-type]
        cohort = read_cohort(tmp_path / name)
        assert cohort.labels[0] == first
        assert cohort.ids[0] == "train-00000"
        assert len(cohort) == 48


def pixels(n: int, size: int = 28) -> Any:
    return np.random.default_rng(n).integers(0, 256, (n, size, size), dtype=np.uint8)


def test_larger_images_are_resized_on_request_only(tmp_path: Path) -> None:
    """A field that darkens from left to right, twice as high as wide: its middle square is kept, and its slope."""
    ramp = np.broadcast_to(np.linspace(0, 255, 56).astype(np.uint8), (4, 112, 56)).copy()
    ramp[:, :28], ramp[:, -28:] = 255, 255  # outside the square in the middle
    arrays = {f"{s}_{k}": v for s in ("train", "test") for k, v in (("images", ramp), ("labels", np.arange(4) % 2))}
    np.savez(tmp_path / "large.npz", **arrays)  # type: ignore[arg-type]
    with pytest.raises(DataError, match=r"112 x 56 pixels; 28 x 28 is expected.*--resize 28"):
        read_cohort(tmp_path / "large.npz")
    cohort = read_cohort(tmp_path / "large.npz", resize=28)
    assert cohort.features == ("28x28x1",)
    assert cohort.provenance["resized"] == "112x56"
    expected = np.linspace(0, 255, 56).reshape(28, 2).mean(axis=1)
    np.testing.assert_allclose(cohort.x[0, :, :, 0], np.broadcast_to(expected, (28, 28)), atol=4)
    for i, (label, size) in enumerate((c, s) for c in "ab" for s in (40, 64)):
        (tmp_path / "png" / label).mkdir(parents=True, exist_ok=True)
        Image.fromarray(pixels(1, size)[0]).save(tmp_path / "png" / label / f"{i}.png")
    assert read_cohort(tmp_path / "png", resize=28).provenance["resized"] == "several sizes"


def test_kinds_of_png_that_mean_the_same_pixels(tmp_path: Path) -> None:
    """Palette, needless transparency and black-and-white are read as what they show."""
    colour = simulate("simulated-cells", 4, 0, classes=2).x
    for name in ("a", "b"):
        (tmp_path / "png" / name).mkdir(parents=True)
    few = Image.fromarray(colour[0]).quantize(16)
    few.save(tmp_path / "png" / "a" / "1.png")
    Image.fromarray(colour[1]).convert("RGBA").save(tmp_path / "png" / "a" / "2.PNG")
    Image.fromarray(colour[2]).save(tmp_path / "png" / "b" / "1.png")
    Image.fromarray(colour[3]).save(tmp_path / "png" / "b" / "2.png")
    (tmp_path / "png" / "b" / "readme.txt").write_text("no image")
    cohort = read_cohort(tmp_path / "png")
    assert list(cohort.ids) == ["a/1", "a/2", "b/1", "b/2"]  # the file names alone stand twice
    np.testing.assert_array_equal(cohort.x[0], np.asarray(few.convert("RGB")))
    np.testing.assert_array_equal(cohort.x[1:], colour[1:])


def test_split_of_the_file_is_kept(cells: Cohort, tmp_path: Path) -> None:
    train, holdout = split(cells, seed=3, holdout=0.5)
    assert set(train.obs["split"]) == {"train"}
    assert set(holdout.obs["split"]) == {"test"}
    assert (len(train), len(holdout)) == (30, 12)
    with_val = split(cells, seed=3, validation=True)
    assert (len(with_val.train), len(with_val.holdout)) == (36, 12)
    for cohort in (train, replace(cells, obs=cells.obs.drop(columns="split"))):
        drawn = split(cohort, seed=0, holdout=0.5)  # one side of a split is split by a draw
        assert len(drawn.holdout) == pytest.approx(len(cohort) / 2, abs=1)


def test_split_of_the_file_that_does_not_hold_is_refused(cells: Cohort) -> None:
    leaked = cells.subjects.copy()
    leaked[np.flatnonzero(cells.obs["split"] == "test")[0]] = leaked[0]
    with pytest.raises(DataError, match="1 patients have images in train and in test"):
        split(replace(cells, subjects=leaked), 0)
    gone = (cells.obs["split"] == "test").to_numpy() & (cells.y == 1)
    with pytest.raises(DataError, match=f"{cells.classes[1]!r} has no image in test"):
        split(cells.take(~gone), 0)


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        ({"features": ("28x28",)}, "features of images"),
        ({"x": np.zeros((48, 28, 28), dtype=np.uint8)}, "1 or 3 channels"),
        ({"x": np.zeros((48, 28, 28, 3), dtype=np.float32)}, "got float32"),
    ],
)
def test_a_cohort_of_images_is_checked(cells: Cohort, change: dict[str, Any], expected: str) -> None:
    with pytest.raises(DataError, match=expected):
        replace(cells, **change)
    assert repr(cells).startswith("Cohort(image, 48 samples of 28x28x3 pixels; ")


REAL = {
    # name: (images, classes, channels, (train, test), subject, covariates)
    "bloodmnist_28": (17092, 8, 3, (11965, 3417), None, set()),
    "dermamnist_28": (5984, 7, 3, (4189, 1198), "lesion", {"age", "sex"}),
    "breastmnist_28": (780, 2, 1, (546, 156), None, set()),
}


@pytest.mark.parametrize("name", REAL)
def test_public_sets_load_as_their_notes_say(real_file: Callable[[str], Path], name: str, tmp_path: Path) -> None:
    path = real_file(f"images/{name}.npz")
    images, classes, channels, sides, subject, covariates = REAL[name]
    cohort = read_cohort(name)
    assert next(s for s in named_sets() if s.name == name).kind == "image"
    assert cohort.x.shape == (images, 28, 28, channels)
    assert len(cohort.classes) == classes
    assert cohort.provenance["subject"] == subject
    assert set(cohort.obs.columns) == {"split", *covariates}
    train, holdout = split(cohort, seed=0)
    assert (len(train), len(holdout)) == sides
    if images > 10000:
        return  # to compress them takes seconds
    write_cohort(cohort, tmp_path / "again.npz")
    same(read_cohort(tmp_path / "again.npz"), cohort)
    with np.load(path, allow_pickle=False) as a, np.load(tmp_path / "again.npz", allow_pickle=False) as b:
        for key in ("train_images", "test_images"):
            np.testing.assert_array_equal(a[key], b[key])
        np.testing.assert_array_equal(a["test_labels"].ravel(), b["test_labels"].ravel())
