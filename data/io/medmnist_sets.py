"""MedMNIST's 2D sets at 28 pixels: their class names, and download with verification."""

from __future__ import annotations

import hashlib
import re
from typing import TYPE_CHECKING, NamedTuple
from urllib.error import HTTPError, URLError
from urllib.request import Request, urlopen

from cohortsmith.data.errors import DataError
from cohortsmith.data.io.atomic import whole_file
from cohortsmith.data.suggestions import near_misses

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

# URLs, checksums and class names from the package `medmnist` 3.0.2 (`medmnist.INFO`, Apache-2.0); the files are in
# Zenodo record 10519652. Yang et al., MedMNIST v2, Scientific Data 10, 41 (2023).
RECORD = "https://zenodo.org/records/10519652/files"
_CHUNK = 1 << 20
_PATIENCE = 60  # seconds without a byte


class MedSet(NamedTuple):
    """A data set as published.

    Attributes:
        md5: of the 28-pixel file.
        images: number in train, val and test together.
        licence: terms of use.
        names: classes in the order of their numbers.
    """

    md5: str
    images: int
    licence: str
    names: tuple[str, ...]


_ORGANS = (
    "bladder", "femur-left", "femur-right", "heart", "kidney-left", "kidney-right", "liver", "lung-left", "lung-right",
    "pancreas", "spleen",
)  # fmt: skip

MEDMNIST: dict[str, MedSet] = {
    "pathmnist": MedSet(
        "a8b06965200029087d5bd730944a56c1", 107180, "CC BY 4.0",
        ("adipose", "background", "debris", "lymphocytes", "mucus", "smooth muscle", "normal colon mucosa",
         "cancer-associated stroma", "colorectal adenocarcinoma epithelium"),
    ),
    "dermamnist": MedSet(
        "0744692d530f8e62ec473284d019b0c7", 10015, "CC BY-NC 4.0",
        ("actinic keratoses and intraepithelial carcinoma", "basal cell carcinoma", "benign keratosis-like lesions",
         "dermatofibroma", "melanoma", "melanocytic nevi", "vascular lesions"),
    ),
    "octmnist": MedSet(
        "c68d92d5b585d8d81f7112f81e2d0842", 109309, "CC BY 4.0",
        ("choroidal neovascularization", "diabetic macular edema", "drusen", "normal"),
    ),
    "pneumoniamnist": MedSet("28209eda62fecd6e6a2d98b1501bb15f", 5856, "CC BY 4.0", ("normal", "pneumonia")),
    "retinamnist": MedSet("bd4c0672f1bba3e3a89f0e4e876791e4", 1600, "CC BY 4.0", ("0", "1", "2", "3", "4")),
    "breastmnist": MedSet("750601b1f35ba3300ea97c75c52ff8f6", 780, "CC BY 4.0", ("malignant", "normal, benign")),
    "bloodmnist": MedSet(
        "7053d0359d879ad8a5505303e11de1dc", 17092, "CC BY 4.0",
        ("basophil", "eosinophil", "erythroblast",
         "immature granulocytes(myelocytes, metamyelocytes and promyelocytes)", "lymphocyte", "monocyte", "neutrophil",
         "platelet"),
    ),
    "tissuemnist": MedSet(
        "ebe78ee8b05294063de985d821c1c34b", 236386, "CC BY 4.0",
        ("Collecting Duct, Connecting Tubule", "Distal Convoluted Tubule", "Glomerular endothelial cells",
         "Interstitial endothelial cells", "Leukocytes", "Podocytes", "Proximal Tubule Segments",
         "Thick Ascending Limb"),
    ),
    "organamnist": MedSet("68e3f8846a6bd62f0c9bf841c0d9eacc", 58830, "CC BY 4.0", _ORGANS),
    "organcmnist": MedSet("b9ceb9546e10131b32923c5bbeaea2b1", 23583, "CC BY 4.0", _ORGANS),
    "organsmnist": MedSet("9ab87b696fb54e2a387ebe992d6ed5f1", 25211, "CC BY 4.0", _ORGANS),
}  # fmt: skip


def names_of(file: str) -> tuple[str, ...]:
    """Class names of a MedMNIST set by its file name (`bloodmnist.npz`, `bloodmnist_64.npz`); empty for others."""
    known = MEDMNIST.get(re.sub(r"(_\d+)?\.npz$", "", file.casefold()))
    return known.names if known else ()


def fetch(name: str, out: Path, *, record: str | None = None, say: Callable[[str], None] = lambda line: None) -> int:
    """Download a set at 28 pixels to `out`; the file appears only when complete and its md5 checksum is correct.

    Args:
        name: a key of `MEDMNIST`.
        out: file to write, `.npz`.
        record: URL of the folder of the files; Zenodo's by default.
        say: receives progress messages.

    Returns:
        Size in bytes.

    Raises:
        DataError: unknown or multi-label set, no connection, request refused, download incomplete, or wrong md5
            checksum.
    """
    if name == "chestmnist":
        raise DataError("chestmnist has 14 labels per image; multi-label sets are not supported: use another set")
    if name not in MEDMNIST:
        raise DataError(f"unknown MedMNIST 2D set {name!r}{near_misses(name, MEDMNIST)}; known: {', '.join(MEDMNIST)}")
    if not out.name.lower().endswith(".npz"):
        raise DataError(
            f"{out.name}: MedMNIST sets are downloaded as .npz; choose a file name that ends in .npz (--out {name}.npz)"
        )
    address = f"{record or RECORD}/{name}.npz?download=1"
    say(f"downloading {name} ({MEDMNIST[name].images} images, {MEDMNIST[name].licence}) from {address}")
    with whole_file(out) as temporary:
        size, found = _download(address, temporary, name)
        if found != MEDMNIST[name].md5:
            raise DataError(
                f"{name}: the file from {address} has md5 {found}, not the published {MEDMNIST[name].md5} "
                f"({size} bytes); nothing was written: try again"
            )
    say(f"{size / 1e6:.1f} MB, md5 {found} matches the published checksum")
    return size


def _download(address: str, path: Path, name: str) -> tuple[int, str]:
    """Size in bytes and md5 of the file streamed to `path`."""
    size, digest = 0, hashlib.md5(usedforsecurity=False)
    try:
        with urlopen(Request(address, headers={"User-Agent": "cohortsmith"}), timeout=_PATIENCE) as answer:
            expected = int(answer.headers.get("Content-Length") or 0)
            with open(path, "wb") as file:
                while chunk := answer.read(_CHUNK):
                    size += file.write(chunk)
                    digest.update(chunk)
    except HTTPError as error:
        raise DataError(f"{name}: {address} returned {error.code} {error.reason}; try again later") from None
    except URLError as error:
        raise DataError(f"{name}: no connection to {address} ({error.reason}); check the network") from None
    except (TimeoutError, ConnectionError):
        raise DataError(f"{name}: the connection to {address} was lost after {size} bytes; try again") from None
    if expected and size < expected:
        raise DataError(f"{name}: the download from {address} stopped after {size} of {expected} bytes; try again")
    return size, digest.hexdigest()
