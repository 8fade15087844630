"""The class of a sample is the one that its file means: headers, tables of labels, folders, numbers."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from PIL import Image

from cohortsmith.data import DataError, ReadWarning, read_cohort, simulate, write_cohort

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

SEQUENCES = {f"s{i}": "ACGTACGTAC" for i in range(12)}


def labels_of(path: Path, **options: Any) -> dict[str, int]:
    return read_cohort(path, **options).class_counts()


# --- Sequences ---


def test_a_table_of_labels_is_read_by_its_header(tmp_path: Path, fasta: Callable[..., Path]) -> None:
    path = fasta(tmp_path / "a.fasta", SEQUENCES)
    rows = "".join(f"s{i}\t{['DE', 'FR'][i // 6]}\t{['WT', 'MUT'][i % 2]}\n" for i in range(12))
    table = tmp_path / "labels.tsv"
    table.write_text(f"my accessions\tcountry\tclass\n{rows}")
    assert labels_of(path, labels=table, label="class") == {"MUT": 6, "WT": 6}
    with pytest.raises(DataError, match="no column 'klass'; did you mean 'class'"):
        read_cohort(path, labels=table, label="klass")
    with pytest.raises(DataError, match=r"no column 'label'.*country, class \(--label\)"):
        read_cohort(path, labels=table)
    table.write_text(rows)
    with pytest.raises(DataError, match="no header that names a column 'class'"):
        read_cohort(path, labels=table, label="class")
    with pytest.raises(DataError, match="several columns and no header"):
        read_cohort(path, labels=table)


def test_a_class_of_several_words_is_whole(tmp_path: Path, fasta: Callable[..., Path]) -> None:
    classes = ("stage I", "stage II", "normal")
    records = {f"s{i} label={classes[i % 3]} patient=P {i} age=61": "ACGT" for i in range(12)}
    cohort = read_cohort(fasta(tmp_path / "a.fasta", records))
    assert cohort.class_counts() == {"normal": 4, "stage I": 4, "stage II": 4}
    assert cohort.subjects[1] == "P 1"
    assert cohort.obs["age"].tolist() == [61] * 12


def test_a_pattern_that_finds_nothing_is_told(tmp_path: Path, fasta: Callable[..., Path]) -> None:
    path = fasta(tmp_path / "a.fasta", {f"s{i} label={'ab'[i % 2]}": "ACGT" for i in range(4)})
    with pytest.warns(ReadWarning, match="no record has a class by the label pattern"):
        assert labels_of(path, label_pattern="kind=(.)") == {"a": 2, "b": 2}


def test_files_of_a_folder_are_read_or_told(tmp_path: Path, fasta: Callable[..., Path]) -> None:
    folder = tmp_path / "cohort"
    (folder / "deeper").mkdir(parents=True)
    for name, ids in (("WT.fasta", "ab"), ("MUT.fa", "cd"), ("DEL.fas", "ef"), ("deeper/X.fa", "gh")):
        fasta(folder / name, dict.fromkeys(ids, "ACGT"))
    (folder / "aligned.sto").write_text("#")
    with pytest.warns(ReadWarning, match=r"2 file\(s\) passed over.*1 \.fa, 1 \.sto"):
        assert labels_of(folder) == {"DEL": 2, "MUT": 2, "WT": 2}
    fasta(folder / "WT.fna", dict.fromkeys("xy", "ACGT"))
    with pytest.raises(DataError, match="would be one class"):
        read_cohort(folder)


# --- Images ---


def picture(path: Path, seed: int, **options: Any) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    pixels = np.random.default_rng(seed).integers(0, 255, (28, 28), dtype=np.uint8)
    Image.fromarray(pixels).save(path, **options)


def test_numbers_of_classes_stay_as_they_are(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    arrays = {
        f"{side}_{what}": values
        for side in ("train", "test")
        for what, values in (
            ("images", rng.integers(0, 255, (24, 28, 28), dtype=np.uint8)),
            ("labels", np.arange(24) % 12),
        )
    }
    np.savez(tmp_path / "a.npz", **arrays)  # type: ignore[arg-type]
    cohort = read_cohort(tmp_path / "a.npz")
    kept = cohort.take(np.isin(cohort.labels, ["2", "10"]))
    write_cohort(kept, tmp_path / "b.npz")
    written = np.load(tmp_path / "b.npz")
    assert sorted(set(written["train_labels"].ravel().tolist())) == [2, 10]
    assert read_cohort(tmp_path / "b.npz").class_counts() == {"10": 4, "2": 4}


def test_folders_whose_names_look_alike_stay_apart(tmp_path: Path) -> None:
    for at, name in enumerate(("a b", "a%20b", "c")):
        for i in range(2):
            picture(tmp_path / "png" / name / f"{at}{i}.png", i)
    assert labels_of(tmp_path / "png") == {"a b": 2, "a%20b": 2, "c": 2}
    write_cohort(read_cohort(tmp_path / "png"), tmp_path / "again")
    assert labels_of(tmp_path / "again") == {"a b": 2, "a%20b": 2, "c": 2}


def test_images_of_other_formats_are_read_or_told(tmp_path: Path) -> None:
    folder = tmp_path / "png"
    for c in "AB":
        for i, suffix in enumerate(("png", "jpg", "tif", "jpeg")):
            picture(folder / c / f"{c}{i}.{suffix}", i)
    picture(folder / "A" / "x.gif", 9)
    with pytest.warns(ReadWarning, match=r"1 file\(s\) passed over.*1 \.gif"):
        cohort = read_cohort(folder)
    assert cohort.class_counts() == {"A": 4, "B": 4}
    np.testing.assert_array_equal(cohort.x[0], cohort.x[4])
    picture(folder / "A" / "more" / "y.jpg", 9)
    with pytest.raises(DataError, match="not a folder of classes"):
        read_cohort(folder)


def test_a_photograph_is_turned_as_its_camera_says(tmp_path: Path) -> None:
    ramp = np.broadcast_to(np.linspace(0, 255, 28).astype(np.uint8)[:, None], (28, 28))
    turned = Image.Exif()
    turned[0x0112] = 6  # to be shown turned by 90 degrees, clockwise
    for c in "ab":
        for i in range(2):
            (tmp_path / "png" / c).mkdir(parents=True, exist_ok=True)
            exif: dict[str, Any] = {"exif": turned} if i else {}
            Image.fromarray(np.ascontiguousarray(ramp)).save(tmp_path / "png" / c / f"{c}{i}.png", **exif)
    x = read_cohort(tmp_path / "png").x[..., 0]
    np.testing.assert_array_equal(x[0], ramp)
    np.testing.assert_array_equal(x[1], np.rot90(ramp, -1))


def test_sixteen_bits_are_refused(tmp_path: Path) -> None:
    import struct
    import zlib

    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    rows = b"".join(b"\0" + bytes(28 * 6) for _ in range(28))
    head = struct.pack(">IIBBBBB", 28, 28, 16, 2, 0, 0, 0)
    deep = b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", zlib.compress(rows)) + chunk(b"IEND", b"")
    for c in "ab":
        (tmp_path / "png" / c).mkdir(parents=True)
        for i in range(2):
            (tmp_path / "png" / c / f"{i}.png").write_bytes(deep)
    with pytest.raises(DataError, match="16 bits per channel"):
        read_cohort(tmp_path / "png")


def test_classes_of_a_simulated_set_are_told_of_nothing(tmp_path: Path) -> None:
    write_cohort(simulate("simulated-cells", 16, 0, classes=2), tmp_path / "cells")
    assert "warnings" not in read_cohort(tmp_path / "cells").provenance
