"""Whatever is wrong with a file of images, one line says what and where; nothing that is pickled is loaded."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from PIL import Image

from cohortsmith.data import DataError, named_sets, read_cohort, simulate, write_cohort

if TYPE_CHECKING:
    from pathlib import Path

RNG = np.random.default_rng(0)


def good() -> dict[str, Any]:
    arrays: dict[str, Any] = {"label_names": np.asarray(["benign", "malignant"])}
    for split, n in (("train", 6), ("val", 2), ("test", 4)):
        arrays[f"{split}_images"] = RNG.integers(0, 256, (n, 28, 28), dtype=np.uint8)
        arrays[f"{split}_labels"] = (np.arange(n) % 2).astype(np.uint8)
        arrays[f"{split}_ids"] = np.asarray([f"secret-{split}-{i}" for i in range(n)])
        arrays[f"{split}_age"] = np.full(n, 61.125)
    return arrays


def saved(path: Path, changes: dict[str, Any]) -> Path:
    arrays = good() | changes
    np.savez(path, **{key: value for key, value in arrays.items() if value is not None})
    return path


def message(path: Path, **options: Any) -> str:
    with pytest.raises(DataError) as caught:
        read_cohort(path, **options)
    told = str(caught.value)
    assert "\n" not in told
    assert len(told) < 450
    assert "secret" not in told  # whose image it is
    assert "61.125" not in told
    return told


def labels(*values: Any, dtype: Any = np.uint8) -> Any:
    return np.asarray(values, dtype=dtype)


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"test_images": None, "test_labels": None}, ["lacks test_images, test_labels", "train, val and test"]),
        ({"train_labels": None}, ["lacks train_labels"]),
        ({"val_images": None}, ["lacks val_images"]),
        ({"train_images": labels(*[0.5] * 6 * 784, dtype=np.float32).reshape(6, 28, 28)},
         ["train_images is float32", "uint8, 0 to 255"]),
        ({"test_images": np.full((4, 28, 28), 300)}, ["test_images is int64"]),
        ({"train_images": np.full((6, 28, 28), "x")}, ["train_images is <U1"]),
        ({f"{s}_images": np.zeros((n, 64, 64), np.uint8) for s, n in (("train", 6), ("val", 2), ("test", 4))},
         ["64 x 64 pixels; 28 x 28 is expected", "--resize 28"]),
        ({"val_images": np.zeros((2, 32, 32), np.uint8)}, ["mixes sizes", "train and val"]),
        ({"test_images": np.zeros((4, 28, 28, 3), np.uint8)}, ["mixes channels", "train has 1 and test 3"]),
        ({"train_images": np.zeros((6, 28, 28, 4), np.uint8)}, ["shape (6, 28, 28, 4)", "1 or 3 channels"]),
        ({"train_images": np.zeros((6, 28, 28, 28), np.uint8)}, ["3D sets are not supported"]),
        ({"train_images": np.zeros((6, 784), np.uint8)}, ["shape (6, 784)"]),
        ({"train_labels": labels(0, 1, 0, 2, 1, 7)},
         ["train_labels is out of range in 2 of 6", "image 4", "0 to 1, as there are 2 class names"]),
        ({"test_labels": labels(0, -1, 0, 1, dtype=np.int64)}, ["test_labels is out of range in 1 of 4", "image 2"]),
        ({"train_labels": labels(0, 1, 0, 1, 0, 0.5, dtype=np.float64)}, ["train_labels is float64", "integers"]),
        ({"train_labels": labels(0, 1, 0)}, ["shape (3,)", "each of 6 images"]),
        ({"train_labels": np.zeros((6, 14), np.uint8)}, ["14 labels per image", "ChestMNIST", "not supported"]),
        ({"train_labels": labels(*[0] * 6), "val_labels": labels(0, 0), "test_labels": labels(0, 0, 0, 1)},
         ["have one patient", "one patient"]),
        ({"label_names": np.asarray(["benign", "benign"])}, ["label_names repeats a name"]),
        ({"train_age": np.arange(5)}, ["train_age has shape (5,)", "each of 6 images"]),
        ({"train_ids": np.asarray(["a"] * 6)}, ["5 image name(s) appear more than once", "unique"]),
        ({"train_ids": np.asarray(["a"])}, ["train_ids has shape (1,)"]),
        ({f"{s}_images": np.zeros((0, 28, 28), np.uint8) for s in ("train", "val", "test")}
         | {f"{s}_{k}": labels() for s in ("train", "val", "test") for k in ("labels", "ids", "age")},
         ["has no images"]),
    ],
)  # fmt: skip
def test_medmnist_file(tmp_path: Path, changes: dict[str, Any], expected: list[str]) -> None:
    told = message(saved(tmp_path / "cohort.npz", changes))
    assert not [part for part in ["cohort.npz", *expected] if part not in told], told


def test_good_file_is_good(tmp_path: Path) -> None:
    cohort = read_cohort(saved(tmp_path / "cohort.npz", {}))
    assert cohort.class_counts() == {"benign": 6, "malignant": 6}
    without_val = read_cohort(saved(tmp_path / "cohort.npz", dict.fromkeys(k for k in good() if k.startswith("val"))))
    assert len(without_val) == 10


def test_pickled_arrays_are_not_loaded(tmp_path: Path) -> None:
    """A pickle runs what its maker wants when it is loaded."""

    class Trap:
        def __reduce__(self) -> Any:
            return (pytest.fail, ("the pickle was loaded",))

    path = saved(tmp_path / "cohort.npz", {"train_names": np.asarray([Trap()] * 6, dtype=object)})
    told = message(path)
    assert "'train_names' is a pickled array" in told
    assert "not loaded" in told


@pytest.mark.parametrize("share", [0.05, 0.5, 0.99])
def test_truncated_npz(tmp_path: Path, share: float) -> None:
    path = saved(tmp_path / "cohort.npz", {})
    whole = path.read_bytes()
    path.write_bytes(whole[: int(len(whole) * share)])
    assert "not a complete .npz file" in message(path)


def test_not_an_npz(tmp_path: Path) -> None:
    path = tmp_path / "cohort.npz"
    path.write_text("not what the name says")
    assert "not a complete .npz file" in message(path)
    np.save(tmp_path / "one.npy", np.zeros(3))
    path.write_bytes((tmp_path / "one.npy").read_bytes())
    assert "not a complete .npz file" in message(path)
    path.write_bytes(b"")
    assert "cohort.npz is empty; images and labels are expected" in message(path)
    whole = bytearray(saved(path, {}).read_bytes())
    whole[2000:2100] = bytes(100)
    path.write_bytes(bytes(whole))
    assert "is damaged" in message(path)
    np.savez(path, weights=np.zeros(3))
    assert "lacks train_images" in message(path)
    assert "this one has weights" in message(path)


@pytest.mark.parametrize(("place", "value"), [(8, 1), (10, 99)], ids=["encrypted", "of a compression nobody has"])
def test_an_archive_that_cannot_be_opened(tmp_path: Path, place: int, value: int) -> None:
    path = saved(tmp_path / "cohort.npz", {})
    whole = bytearray(path.read_bytes())
    entry = whole.index(b"PK\x01\x02")  # the directory's entry of the first array: flags at 8, method at 10
    whole[entry + place] = value
    path.write_bytes(bytes(whole))
    assert "is damaged; download or write the file again" in message(path)


def test_options_of_other_kinds_are_refused(tmp_path: Path) -> None:
    path = saved(tmp_path / "cohort.npz", {})
    assert "contains images, to which --impute does not apply" in message(path, impute=True)
    assert "--reference" in message(path, reference="NM_000546.6")
    assert "resized to 28 (--resize 28); got 32" in message(path, resize=32)
    (tmp_path / "a.csv").write_text("sample_id,label,g\ns1,a,1\ns2,a,2\ns3,b,3\ns4,b,4\n")
    assert "contains expression, to which --resize does not apply" in message(tmp_path / "a.csv", resize=28)
    assert "has no subject 'lession'" in message(path, subject="lession")
    assert "label and subject" in message(path, subject="label")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for label in ("benign", "malignant"):
        (tmp_path / "png" / label).mkdir(parents=True)
        for i in range(3):
            image = RNG.integers(0, 256, (28, 28, 3), dtype=np.uint8)
            Image.fromarray(image).save(tmp_path / "png" / label / f"{i}.png")
    return tmp_path / "png"


def test_good_folder_is_good(folder: Path) -> None:
    assert read_cohort(folder).class_counts() == {"benign": 3, "malignant": 3}


def test_folder_without_classes(folder: Path, tmp_path: Path) -> None:
    (folder / "stray.png").write_bytes((folder / "benign" / "0.png").read_bytes())
    assert "png is not a folder of classes: expected CLASS/NAME.png" in message(folder)
    flat = tmp_path / "flat"
    flat.mkdir()
    (folder / "stray.png").rename(flat / "a.png")
    assert "not a folder of classes" in message(flat)
    (flat / "a.png").unlink()
    assert "without sequence files or images" in message(flat)
    assert "a single image; name the folder" in message(folder / "benign" / "0.png")
    (folder / "empty").mkdir()
    assert "the folder 'empty' has no image" in message(folder)


def test_one_class_and_one_image_of_a_class(folder: Path) -> None:
    for i in (1, 2):
        (folder / "benign" / f"{i}.png").unlink()
    assert "of label 'label' have one patient" in message(folder)
    assert len(read_cohort(folder, part=True)) == 4
    (folder / "benign" / "0.png").unlink()
    (folder / "benign").rmdir()
    with pytest.warns(UserWarning, match="all samples are of one class, 'malignant'"):
        assert read_cohort(folder).classes == ("malignant",)


@pytest.mark.parametrize("share", [0.1, 0.5, 0.97])
def test_truncated_png(folder: Path, share: float) -> None:
    path = folder / "benign" / "1.png"
    whole = path.read_bytes()
    path.write_bytes(whole[: int(len(whole) * share)])
    assert "png/benign/1.png is not a complete PNG" in message(folder)


def test_damaged_and_foreign_png(folder: Path) -> None:
    path = folder / "benign" / "1.png"
    whole = bytearray(path.read_bytes())
    whole[60:90] = bytes(30)
    for content in (bytes(whole), b"GIF89a", b""):
        path.write_bytes(content)
        assert "png/benign/1.png is not a complete PNG" in message(folder)


def test_mixed_and_unreadable_pixels(folder: Path) -> None:
    path = folder / "malignant" / "2.png"
    grey = RNG.integers(0, 256, (28, 28), dtype=np.uint8)
    Image.fromarray(grey).save(path)
    assert "mixes channels: benign/0.png has 3 and malignant/2.png 1" in message(folder)
    Image.fromarray(grey.astype(np.uint16) * 257).save(path)
    assert "16 bits per channel; expected grey or RGB, 8 bits" in message(folder)
    Image.fromarray(np.dstack([grey] * 4)).save(path)
    assert "partly transparent" in message(folder)
    Image.fromarray(np.zeros((30, 28, 3), dtype=np.uint8)).save(path)
    assert "30 x 28 pixels" in message(folder)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("name,age\nbenign/0.png,1\n", ["needs a column 'file'"]),
        ("file,age\nbenign/0.png,1\n", ["lacks 5 of 6 images", "benign/1.png"]),
        ("file,age\nbenign/0.png\n", ["row 2", "2 fields"]),
        ("", ["needs a column 'file'"]),
    ],
)
def test_table_beside_the_images(folder: Path, text: str, expected: list[str]) -> None:
    (folder / "images.csv").write_text(text)
    told = message(folder)
    assert not [part for part in ["png/images.csv", *expected] if part not in told], told


def test_images_go_into_no_table(tmp_path: Path) -> None:
    cells = simulate("simulated-cells", 16, 0)
    for name, expected in (
        ("a.csv", ".csv is for expression"),
        ("a.fasta", ".fasta is for sequences"),
        ("a.png", "a single image"),
    ):
        with pytest.raises(DataError, match=expected):
            write_cohort(cells, tmp_path / name)
    with pytest.raises(DataError, match="covariate 'labels' has the name of one of MedMNIST's own keys"):
        write_cohort(replace(cells, obs=cells.obs.assign(labels=1)), tmp_path / "a.npz")
    with pytest.raises(DataError, match=r"\.npz is for images; a cohort of kind expression"):
        write_cohort(simulate("simulated-expression", 20, 0), tmp_path / "a.npz")
    assert not list(tmp_path.iterdir())


def test_arrays_of_something_else_are_no_named_set(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COHORTSMITH_DATA", str(tmp_path))
    np.savez(tmp_path / "weights.npz", weights=np.zeros(3))
    saved(tmp_path / "mine_28.npz", {})
    (tmp_path / "broken.npz").write_bytes(b"PK")
    found = {s.name: s for s in named_sets() if "COHORTSMITH_DATA" in s.description}
    assert list(found) == ["broken", "mine_28"]
    assert len(read_cohort("mine_28")) == 12
    with pytest.raises(DataError, match="not a complete .npz file"):
        read_cohort("broken")
