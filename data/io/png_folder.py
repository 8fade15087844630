"""Folders of images, one folder per class, with a table of patients and covariates: read (PNG, JPEG, TIFF), written."""

from __future__ import annotations

import csv
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import quote, unquote

import numpy as np
import pandas as pd
from PIL import Image, ImageOps

from cohortsmith.data.errors import DataError
from cohortsmith.data.io.column_names import LABEL
from cohortsmith.data.io.covariates import MISSING, typed
from cohortsmith.data.io.image_assembly import IMAGE_SIZE, Pictures, check_size, cropped, gather
from cohortsmith.data.io.oddities import passed_over, shown_files
from cohortsmith.data.io.unpacking import check_unpacked
from cohortsmith.data.splits import SPLIT, SPLITS

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from cohortsmith.data.cohort import Cohort

IMAGE_TABLE = "images.csv"  # file, subject and covariates of each image; optional
FILE = "file"
_SAFE = " ()[]{},;+=@!'&~^$"  # characters kept in a file name; a leading dot would hide the file
IMAGE_SUFFIXES = (".png", ".jpg", ".jpeg", ".tif", ".tiff")
_BITS_PER_SAMPLE = 258  # tag of TIFF
_CHANNELS = {"L": 1, "RGB": 3}


def png_files(folder: Path) -> list[Path]:
    """PNG files of a folder and of two levels below it, sorted; hidden ones are ignored."""
    found = (p for depth in ("*", "*/*", "*/*/*") for p in folder.glob(depth) if p.suffix.lower() == ".png")
    shown = (p for p in found if not any(part.startswith(".") for part in p.relative_to(folder).parts))
    return sorted(p for p in shown if p.is_file())


def image_files(folder: Path) -> list[Path]:
    """Images of the formats that are read, at any depth of a folder, sorted; hidden ones are ignored."""
    return sorted(Path(name) for name in shown_files(folder) if name.lower().endswith(IMAGE_SUFFIXES))


def read_images(
    folder: Path, *, label: str | None = None, subject: str | None = None, resize: int | None = None, part: bool = False
) -> Cohort:
    """Cohort from `CLASS/NAME.png`, or from `train/CLASS/NAME.png` beside `val/` and `test/`; also JPEG and TIFF.

    Greyscale and RGB images are read, 8 bits per channel; palettes are converted to RGB, an opaque alpha channel is
    dropped, and a photograph is turned as its EXIF data say. Other files are counted in a warning. An image's id is
    its file name, or `CLASS/NAME` where two files share a name. An optional `images.csv` in the folder gives the file
    in its column `file`, and the patient and covariates of each image in the others.

    Raises:
        DataError: as `read_cohort`.
    """
    source = folder.name
    files = image_files(folder)
    places = [path.relative_to(folder).parts for path in files]
    splits = bool(places) and all(len(place) == 3 and place[0] in SPLITS for place in places)
    depth = 3 if splits else 2
    wrong = next((place for place in places if len(place) != depth), None)
    if wrong is not None or not places:
        raise DataError(
            f"{source} is not a folder of classes: expected CLASS/NAME.png, or train/CLASS/NAME.png with val and test; "
            f"got {'/'.join(wrong) if wrong else 'no image'}: put the images of each class in a folder of its name"
        )
    filled = {path.parent for path in files}
    empty = [p.name for p in sorted(files[0].parent.parent.iterdir()) if p.is_dir() and p not in filled]
    empty = [name for name in empty if not name.startswith(".")]
    if empty:
        raise DataError(f"{source}: the folder {empty[0]!r} has no image; add some, or remove it")
    images, channels, sizes = [], [], set()
    for path, place in zip(files, places, strict=True):  # one at a time at its full size
        image = _pixels(path, "/".join((source, *place)))
        channels.append(image.shape[2])
        sizes.add(image.shape[:2])
        images.append(cropped(image) if check_size(source, image.shape[0], image.shape[1], resize) else image)
    if len(set(channels)) > 1:
        other = next(i for i, c in enumerate(channels) if c != channels[0])
        raise DataError(
            f"{source} mixes channels: {'/'.join(places[0])} has {channels[0]} and {'/'.join(places[other])} "
            f"{channels[other]}; make all images grey or all colour"
        )
    height, width = min(sizes)
    resized = "several sizes" if len(sizes) > 1 else "" if height == width == IMAGE_SIZE else f"{height}x{width}"
    x = np.stack(images)
    stems = [_meant(Path(place[-1]).stem) for place in places]
    if len(set(stems)) < len(stems):
        stems = [f"{'/'.join(map(_meant, place[:-1]))}/{stem}" for place, stem in zip(places, stems, strict=True)]
    obs = pd.DataFrame({LABEL: np.asarray([_meant(place[-2]) for place in places], dtype=object)})
    if len({place[-2] for place in places}) > obs[LABEL].nunique():
        raise DataError(f"{source}: two folders would be one class, as %25 stands for a percent sign; rename one")
    if splits:
        obs[SPLIT] = np.asarray([place[0] for place in places], dtype=object)
    for name, values in _table(folder, ["/".join(place) for place in places]).items():
        if name != LABEL and not (splits and name == SPLIT):  # these are given by the folders
            obs[name] = values
    table = {folder / IMAGE_TABLE}
    pictures = Pictures(source, stems, x, obs, warnings=passed_over(folder, {*files, *table}))
    return gather(pictures, label=label, subject=subject, part=part, resized=resized)


class PngWriter:
    """Writes images one by one into a folder, and finally the table of patients and covariates."""

    def __init__(self, folder: Path, like: Cohort) -> None:
        self._folder, self._like = folder, like
        self._subject = like.provenance.get("subject")
        self._known = SPLIT in like.obs and bool(like.obs[SPLIT].isin(SPLITS).all())
        self._columns = [str(c) for c in like.obs.columns if not (self._known and c == SPLIT)]
        self._rows: list[list[str]] = []

    def write(self, chunk: Cohort) -> None:
        """Append a chunk."""
        splits = chunk.obs[SPLIT] if self._known else [""] * len(chunk)
        texts = [chunk.obs[name].map(_text, na_action="ignore").fillna("") for name in self._columns]
        for i, (split, label, name) in enumerate(zip(splits, chunk.labels, chunk.ids, strict=True)):
            place = Path(split, _safe(str(label)), f"{_safe(str(name))}.png")
            path = self._folder / place
            path.parent.mkdir(parents=True, exist_ok=True)
            image = chunk.x[i]
            Image.fromarray(image if image.shape[2] == 3 else image[..., 0]).save(path, format="PNG")
            subject = [str(chunk.subjects[i])] if self._subject else []
            self._rows.append([place.as_posix(), *subject, *(text.iloc[i] for text in texts)])

    def close(self) -> None:
        """Write the table, where there is anything to record."""
        names = [FILE, *([self._subject] if self._subject else []), *self._columns]
        if len(names) == 1:
            return
        with open(self._folder / IMAGE_TABLE, "w", newline="", encoding="utf-8") as file:
            csv.writer(file, lineterminator="\n").writerows([names, *self._rows])


def _pixels(path: Path, place: str) -> NDArray[np.uint8]:
    """One image as uint8 (height, width, channels)."""
    try:
        with Image.open(path, formats=["PNG", "JPEG", "TIFF"]) as file:
            check_unpacked(place, path.stat().st_size, 4 * file.width * file.height)
            if _bits(path, file) > 8:
                raise DataError(f"{place} has 16 bits per channel; expected grey or RGB, 8 bits per channel: scale it")
            if getattr(file, "n_frames", 1) > 1:
                raise DataError(f"{place} has {file.n_frames} pages; write each image into a file of its own")  # type: ignore[attr-defined]
            file.load()
            image: Image.Image = ImageOps.exif_transpose(file)
            if image.mode in ("P", "PA", "1"):
                image = image.convert("L" if image.mode == "1" else "RGBA")
            if image.mode in ("RGBA", "LA"):
                low = image.getchannel("A").getextrema()[0]
                if low != 255:
                    raise DataError(f"{place} is partly transparent; flatten it onto its background first")
                image = image.convert("RGB" if image.mode == "RGBA" else "L")
            if image.mode not in _CHANNELS:
                raise DataError(f"{place} has pixels of mode {image.mode}; expected grey or RGB, 8 bits per channel")
            return np.asarray(image, dtype=np.uint8).reshape(image.height, image.width, _CHANNELS[image.mode])
    except DataError:
        raise
    except (OSError, SyntaxError, ValueError, EOFError, Image.DecompressionBombError, MemoryError):
        # Pillow reports a damaged chunk by SyntaxError, and a missing end by OSError
        kind = path.suffix[1:].upper()
        raise DataError(
            f"{place} is not a complete {kind}: truncated, damaged or in another format; write it again"
        ) from None


def _bits(path: Path, file: Image.Image) -> int:
    """Bits per channel; Pillow reads colours of 16 bits as their upper 8, unsaid."""
    if file.format == "PNG":
        with open(path, "rb") as raw:
            return raw.read(25)[-1]
    tags: Any = getattr(file, "tag_v2", {})
    return max(int(bits) for bits in tags.get(_BITS_PER_SAMPLE, (8,)))


def _table(folder: Path, places: list[str]) -> dict[str, Any]:
    """Columns of the table beside the images, one value per image."""
    path = folder / IMAGE_TABLE
    if not path.is_file():
        return {}
    try:
        with open(path, newline="", encoding="utf-8-sig") as file:
            rows = [row for row in csv.reader(file) if row]
    except (OSError, UnicodeDecodeError, csv.Error):
        raise DataError(
            f"{folder.name}/{IMAGE_TABLE} cannot be read as comma-separated UTF-8 text; write it again"
        ) from None
    head = rows[0] if rows else []
    if FILE not in head or len(set(head)) < len(head):
        raise DataError(
            f"{folder.name}/{IMAGE_TABLE} needs a column {FILE!r} with the path of each image, each name once"
        )
    wrong = next((number for number, row in enumerate(rows, 1) if len(row) != len(head)), None)
    if wrong is not None:
        raise DataError(
            f"{folder.name}/{IMAGE_TABLE}: row {wrong} does not have the {len(head)} fields of the header; correct it"
        )
    at = head.index(FILE)
    of = {row[at]: row for row in rows[1:]}
    absent = [place for place in places if place not in of]
    if absent:
        raise DataError(
            f"{folder.name}/{IMAGE_TABLE} lacks {len(absent)} of {len(places)} images (first: {absent[0]}); add "
            "their rows, or remove the table"
        )
    texts = {name: [of[place][i] for place in places] for i, name in enumerate(head) if i != at}
    return {name: typed([None if text in MISSING else text for text in column]) for name, column in texts.items()}


def _meant(name: str) -> str:
    """The name that a folder or file has where this program wrote it, else its name as it is: `a%20b` is no `a b`."""
    plain = unquote(name)
    return plain if _safe(plain) == name else name


def _safe(name: str) -> str:
    quoted = quote(name, safe=_SAFE)
    return f"%2E{quoted[1:]}" if quoted.startswith(".") else quoted


def _text(value: Any) -> str:
    return repr(value) if isinstance(value, float) else str(value)
