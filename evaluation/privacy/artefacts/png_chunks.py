"""What a PNG file holds beside its pixels: text, camera data, unknown chunks, bytes after its end.

Source: W3C, Portable Network Graphics (PNG) Specification, chunk layout and names.
"""

from __future__ import annotations

import struct
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

_SIGNATURE = b"\x89PNG\r\n\x1a\n"
_PIXELS = frozenset([b"IHDR", b"PLTE", b"IDAT", b"IEND", b"tRNS"])
_COLOURS = frozenset([b"gAMA", b"cHRM", b"sRGB", b"sBIT", b"bKGD", b"pHYs"])
_LONGEST = 64  # bytes of a chunk about colours; the standard needs 32 at most
_TEXTS = frozenset([b"tEXt", b"zTXt", b"iTXt"])


def beside_pixels(path: Path) -> set[str]:
    """Kinds of content beside the pixels, in words; never the content itself."""
    data = path.read_bytes()
    if not data.startswith(_SIGNATURE):
        return {"not scanned: no PNG, as its name says"}
    found: set[str] = set()
    at = len(_SIGNATURE)
    while at + 12 <= len(data):
        (length,) = struct.unpack(">I", data[at : at + 4])
        name = data[at + 4 : at + 8]
        if name in _TEXTS:
            found.add("text beside the pixels")
        elif name == b"eXIf":
            found.add("camera data (EXIF) beside the pixels")
        elif name not in _PIXELS and (name not in _COLOURS or length > _LONGEST):
            found.add("unknown content beside the pixels")
        at += 12 + length
        if name == b"IEND":
            return found | ({"bytes after the end of the picture"} if at < len(data) else set())
    return found | {"not scanned: a PNG without an end"}
