"""Text, camera data and hidden bytes in PNG files."""

from __future__ import annotations

import struct
import zlib
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
import pytest

from cohortsmith.data import simulate, write_cohort
from cohortsmith.data.io import png_files
from cohortsmith.evaluation.privacy.artefacts.png_chunks import beside_pixels
from cohortsmith.evaluation.privacy.artefacts.scanner import scan

if TYPE_CHECKING:
    from pathlib import Path


def with_chunk(path: Path, name: bytes, content: bytes) -> None:
    """Put a chunk before the end of a PNG file."""
    data = path.read_bytes()
    chunk = struct.pack(">I", len(content)) + name + content + struct.pack(">I", zlib.crc32(name + content))
    path.write_bytes(data[:-12] + chunk + data[-12:])


@pytest.mark.parametrize(
    ("name", "words"),
    [
        (b"tEXt", "text beside the pixels"),
        (b"zTXt", "text beside the pixels"),
        (b"iTXt", "text beside the pixels"),
        (b"eXIf", "camera data"),
        (b"prVt", "unknown content"),
        (b"", "bytes after the end"),
    ],
)
def test_what_stands_beside_the_pixels_fails(tmp_path: Path, name: bytes, words: str) -> None:
    train = simulate("simulated-cells", 40, seed=0)
    train = replace(
        train,
        subjects=np.asarray([f"patient-of-{n}" for n in range(40)]),
        obs=train.obs.set_axis([f"picture-of-{n}" for n in range(40)]),
    )
    write_cohort(simulate("simulated-cells", 16, seed=1), tmp_path / "synthetic")
    assert [one for one in scan(tmp_path / "synthetic", train) if one.severity == "fail"] == []
    files = png_files(tmp_path / "synthetic")
    for path in files[:2]:
        if name:
            with_chunk(path, name, b"Comment\x00Jane Doe")
        else:
            path.write_bytes(path.read_bytes() + b"Jane Doe")
    (found,) = [one for one in scan(tmp_path / "synthetic", train) if one.severity == "fail"]
    assert words in found.what
    assert "in 2 PNG files" in found.what
    assert "Jane" not in found.what + found.where
    (alone,) = [one for one in scan(files[0], train) if one.severity == "fail"]
    assert words in alone.what


def test_colours_are_no_text_and_a_cut_file_is_told(tmp_path: Path) -> None:
    write_cohort(simulate("simulated-cells", 16, seed=1), tmp_path / "synthetic")
    path = png_files(tmp_path / "synthetic")[0]
    with_chunk(path, b"gAMA", b"\x00\x00\xb1\x8f")
    assert beside_pixels(path) == set()
    with_chunk(path, b"cHRM", b"Jane Doe" * 20)
    assert beside_pixels(path) == {"unknown content beside the pixels"}
    path.write_bytes(path.read_bytes()[:40])
    assert beside_pixels(path) == {"not scanned: a PNG without an end"}
    path.write_bytes(b"Jane Doe")
    assert beside_pixels(path) == {"not scanned: no PNG, as its name says"}
