"""The alignment as an inline SVG: its colours are the page's, so it follows light and dark by itself."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING
from xml.etree import ElementTree

import numpy as np
from markupsafe import Markup

from cohortsmith.evaluation.html.environment import css_colour
from cohortsmith.evaluation.plots import class_style

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

CELL, GUTTER = 12, 8  # width of a base, space between blocks; pixels
_LEFT, _RIGHT = 132, 164  # room for what a row is, and for the names of its variants
ROOM = 1092 - _LEFT - _RIGHT
_ROW, _BARS, _BLOCK = 18, 34, 3
LETTERS = "ATCG–"
_LABEL = "Alignment of real and synthetic sequences with the reference"
_CLASSES = ("a", "t", "c", "g", "gap")


@dataclass(frozen=True)
class Block:
    """Columns drawn together.

    Attributes:
        columns: positions in the cohort's columns.
        label: amino acid and number of the codon, such as "R175"; empty outside the reading frame.
        ruler: name of the first column.
    """

    columns: tuple[int, ...]
    label: str
    ruler: str


@dataclass(frozen=True, eq=False)
class Row:
    """One sequence.

    Attributes:
        codes: (columns,) of the cohort.
        head: how many patients have it, plain text.
        names: its variants, plain text.
        label: position and name of its class, where the row is one patient.
    """

    codes: NDArray[np.uint8]
    head: str
    names: str
    label: tuple[int, str] | None = None


class Canvas:
    """SVG written from top to bottom.

    Args:
        blocks: what is drawn, from left to right.
        base: code of the reference in every column of the cohort.
    """

    def __init__(self, blocks: Sequence[Block], base: NDArray[np.uint8]) -> None:
        self.blocks = list(blocks)
        self.base = base
        self.columns = np.asarray([c for block in blocks for c in block.columns])
        places, self.starts, x = [], [], float(_LEFT)
        for block in blocks:
            self.starts.append(x)
            width = max(_BLOCK, len(block.columns)) * CELL
            inset = (width - len(block.columns) * CELL) / 2
            places += [x + inset + CELL * (i + 0.5) for i in range(len(block.columns))]
            x += width + GUTTER
        self.places = np.asarray(places)
        self.right = x - GUTTER
        self.y = 0.0
        self.root = ElementTree.Element("svg", {"class": "bases", "role": "img", "aria-label": _LABEL})
        where = " ".join(f"{x:g}" for x in self.places)
        same = {"id": "bases-same", "class": "letter same", "x": where, "y": "13"}
        ElementTree.SubElement(ElementTree.SubElement(self.root, "defs"), "text", same).text = "·" * len(self.places)
        self.stripes = [
            self._add("rect", "codon", x=x, y=20, width=self._width(block), height=0, rx=3)
            for x, block in zip(self.starts, self.blocks, strict=True)
        ]

    def svg(self) -> Markup:
        """The whole drawing."""
        width, height = self.right + _RIGHT, self.y + 4
        for stripe in self.stripes:
            stripe.set("height", f"{height - 20:g}")
        size = {"width": f"{width:g}", "height": f"{height:g}", "viewBox": f"0 0 {width:g} {height:g}"}
        self.root.attrib |= size
        return Markup(ElementTree.tostring(self.root, encoding="unicode"))

    def _width(self, block: Block) -> float:
        return float(max(_BLOCK, len(block.columns)) * CELL)

    def _add(self, tag: str, kind: str, **places: float | str) -> ElementTree.Element:
        """An element of the drawing; numbers are written as short as they can be."""
        written = {name: value if isinstance(value, str) else f"{value:g}" for name, value in places.items()}
        return ElementTree.SubElement(self.root, tag, {"class": kind, **written})

    def _text(self, x: float, text: str, kind: str, y: float) -> ElementTree.Element:
        """Plain text at a place."""
        written = self._add("text", kind, x=x, y=y)
        written.text = text
        return written

    def ruler(self) -> None:
        """Name of the first column of each block, and the codon under it."""
        self._text(_LEFT - 10, "position", "side", 13)
        coding = any(block.label for block in self.blocks)
        if coding:
            self._text(_LEFT - 10, "codon", "side", 33)
        for x, block in zip(self.starts, self.blocks, strict=True):
            middle = x + self._width(block) / 2
            self._text(middle, block.ruler, "ruler", 13)
            self._add("line", "tick", x1=middle, x2=middle, y1=16, y2=20)
            if block.label:
                self._text(middle, block.label, "amino", 34)
        self.y = 42 if coding else 24

    def reference(self, name: str) -> None:
        """Bases of the reference."""
        short = name if len(name) <= 18 else name[:17] + "…"
        self._text(_LEFT - 10, short, "side strong", self.y + 13)
        self._letters(self.base, "reference", self.columns >= 0)
        self.y += _ROW

    def heading(self, text: str) -> None:
        """Name of the rows that follow."""
        self.y += 12
        self._add("line", "rule", x1=0, x2=self.right + _RIGHT, y1=self.y, y2=self.y)
        self._text(0, text, "heading", self.y + 17)
        self.y += 24

    def remark(self, text: str) -> None:
        """A line of words under the rows."""
        if text:
            self._text(_LEFT, text, "remark", self.y + 13)
            self.y += _ROW

    def frequencies(self, shares: NDArray[np.float64], blocks: NDArray[np.float64], none: str) -> None:
        """Bars of the share of patients with each other symbol, and per cent in each block.

        Args:
            shares: (columns of the cohort, 5), 0 where nothing is to be drawn.
            blocks: (blocks,) share of patients who differ in it.
            none: what stands where a block's share is 0.
        """
        floor = self.y + _BARS
        self._text(_LEFT - 10, "differ", "side", floor - 6)
        self._text(_LEFT - 10, "per cent", "side", floor + 14)
        for x, column in zip(self.places, self.columns, strict=True):
            total = float(shares[column].sum())
            at = floor
            for code in np.flatnonzero(shares[column]):
                height = _BARS * min(1.0, total) ** (1 / 3) * float(shares[column, code]) / total
                at -= height
                size: dict[str, float | str] = {"y": f"{at:.2f}", "width": CELL - 2, "height": f"{max(height, 1):.2f}"}
                self._add("rect", f"base {_CLASSES[code]}", x=x - CELL / 2 + 1, **size)
        for x, block, share in zip(self.starts, self.blocks, blocks, strict=True):
            middle, width = x + self._width(block) / 2, self._width(block)
            self._add("line", "tick", x1=x, x2=x + width, y1=floor, y2=floor)
            self._text(middle, _per_cent(float(share)) if share else none, "share", floor + 14)
        self.y = floor + 22

    def rows(self, rows: Sequence[Row]) -> None:
        """Sequences, one under the other."""
        for row in rows:
            differs = (row.codes != self.base)[self.columns]
            if row.head:
                self._text(_LEFT - 10, row.head, "side", self.y + 13)
            if row.label:
                self._label(*row.label)
            ElementTree.SubElement(self.root, "use", {"href": "#bases-same", "y": f"{self.y:g}"})
            for x, column in zip(self.places[differs], self.columns[differs], strict=True):
                kind = f"base {_CLASSES[row.codes[column]]}"
                self._add("rect", kind, x=x - CELL / 2, y=self.y + 1, width=CELL, height=_ROW - 2, rx=2)
            self._letters(row.codes, "other", differs)
            self._text(self.right + 14, row.names, "names", self.y + 13)
            self.y += _ROW

    def _label(self, position: int, name: str) -> None:
        """Sign and name of the class at `position`."""
        colour, _, glyph = class_style(position)
        text = self._text(8, "", "remark", self.y + 13)
        sign = ElementTree.SubElement(text, "tspan", {"style": f"fill: {css_colour(colour)}"})
        sign.text = glyph
        sign.tail = f" {name if len(name) <= 16 else name[:15] + '…'}"

    def _letters(self, codes: NDArray[np.uint8], kind: str, which: NDArray[np.bool_]) -> None:
        letters = "".join(LETTERS[codes[c]] for c in self.columns[which])
        if letters:
            where = " ".join(f"{x:g}" for x in self.places[which])
            self._add("text", f"letter {kind}", x=where, y=self.y + 13).text = letters


def _per_cent(share: float) -> str:
    value = 100 * share
    return f"{value:.0f}" if value >= 9.95 else f"{value:.1f}" if value >= 0.095 else "< 0.1"
