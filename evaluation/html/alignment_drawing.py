"""The alignment as an inline SVG: its colours are the page's, so it follows light and dark by itself."""

from __future__ import annotations

from dataclasses import dataclass
from html import escape
from typing import TYPE_CHECKING

import numpy as np

from cohortsmith.evaluation.html.layout import css_colour
from cohortsmith.evaluation.plots import class_style

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

CELL, GUTTER = 12, 8  # width of a base, space between blocks; pixels
_LEFT, _RIGHT = 132, 164  # room for what a row is, and for the names of its variants
ROOM = 1092 - _LEFT - _RIGHT
_ROW, _BARS, _BLOCK = 18, 34, 3
_LETTERS = "ATCG–"
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
        mark: sign and name of its class, HTML.
    """

    codes: NDArray[np.uint8]
    head: str
    names: str
    mark: str = ""


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
        self.parts: list[str] = []

    def svg(self) -> str:
        """The whole drawing."""
        width, height = self.right + _RIGHT, self.y + 4
        where = " ".join(f"{x:g}" for x in self.places)
        dots = f'<text id="bases-same" class="letter same" x="{where}" y="13">{"·" * len(self.places)}</text>'
        stripes = "".join(
            f'<rect class="codon" x="{x:g}" y="20" width="{self._width(block):g}" height="{height - 20:g}" rx="3"/>'
            for x, block in zip(self.starts, self.blocks, strict=True)
        )
        return (
            f'<svg class="bases" role="img" aria-label="Alignment of real and synthetic sequences with the reference" '
            f'width="{width:g}" height="{height:g}" viewBox="0 0 {width:g} {height:g}">'
            f"<defs>{dots}</defs>{stripes}{''.join(self.parts)}</svg>"
        )

    def _width(self, block: Block) -> float:
        return float(max(_BLOCK, len(block.columns)) * CELL)

    def _text(self, x: float, text: str, kind: str, y: float) -> None:
        """Text at a place; `text` is HTML."""
        self.parts.append(f'<text class="{kind}" x="{x:g}" y="{y:g}">{text}</text>')

    def ruler(self) -> None:
        """Name of the first column of each block, and the codon under it."""
        self._text(_LEFT - 10, "position", "side", 13)
        coding = any(block.label for block in self.blocks)
        if coding:
            self._text(_LEFT - 10, "codon", "side", 33)
        for x, block in zip(self.starts, self.blocks, strict=True):
            middle = x + self._width(block) / 2
            self._text(middle, escape(block.ruler), "ruler", 13)
            self.parts.append(f'<line class="tick" x1="{middle:g}" x2="{middle:g}" y1="16" y2="20"/>')
            if block.label:
                self._text(middle, escape(block.label), "amino", 34)
        self.y = 42 if coding else 24

    def reference(self, name: str) -> None:
        """Bases of the reference."""
        short = name if len(name) <= 18 else name[:17] + "…"
        self._text(_LEFT - 10, escape(short), "side strong", self.y + 13)
        self._letters(self.base, "reference", self.columns >= 0)
        self.y += _ROW

    def heading(self, text: str) -> None:
        """Name of the rows that follow."""
        self.y += 12
        self.parts.append(f'<line class="rule" x1="0" x2="{self.right + _RIGHT:g}" y1="{self.y:g}" y2="{self.y:g}"/>')
        self._text(0, escape(text), "heading", self.y + 17)
        self.y += 24

    def remark(self, text: str) -> None:
        """A line of words under the rows."""
        if text:
            self._text(_LEFT, escape(text), "remark", self.y + 13)
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
                place = f'x="{x - CELL / 2 + 1:g}" y="{at:.2f}" width="{CELL - 2}" height="{max(height, 1):.2f}"'
                self.parts.append(f'<rect class="base {_CLASSES[code]}" {place}/>')
        for x, block, share in zip(self.starts, self.blocks, blocks, strict=True):
            middle, width = x + self._width(block) / 2, self._width(block)
            self.parts.append(f'<line class="tick" x1="{x:g}" x2="{x + width:g}" y1="{floor:g}" y2="{floor:g}"/>')
            self._text(middle, _per_cent(float(share)) if share else escape(none), "share", floor + 14)
        self.y = floor + 22

    def rows(self, rows: Sequence[Row]) -> None:
        """Sequences, one under the other."""
        for row in rows:
            differs = (row.codes != self.base)[self.columns]
            if row.head:
                self._text(_LEFT - 10, escape(row.head), "side", self.y + 13)
            if row.mark:
                self._text(8, row.mark, "remark", self.y + 13)
            self.parts.append(f'<use href="#bases-same" y="{self.y:g}"/>')
            for x, column in zip(self.places[differs], self.columns[differs], strict=True):
                kind = _CLASSES[row.codes[column]]
                self.parts.append(
                    f'<rect class="base {kind}" x="{x - CELL / 2:g}" y="{self.y + 1:g}" width="{CELL}" '
                    f'height="{_ROW - 2}" rx="2"/>'
                )
            self._letters(row.codes, "other", differs)
            self._text(self.right + 14, escape(row.names), "names", self.y + 13)
            self.y += _ROW

    def _letters(self, codes: NDArray[np.uint8], kind: str, which: NDArray[np.bool_]) -> None:
        letters = "".join(_LETTERS[codes[c]] for c in self.columns[which])
        if letters:
            self._letters_at(self.places[which], letters, kind)

    def _letters_at(self, places: NDArray[np.float64], letters: str, kind: str) -> None:
        where = " ".join(f"{x:g}" for x in places)
        self.parts.append(f'<text class="letter {kind}" x="{where}" y="{self.y + 13:g}">{letters}</text>')


def _per_cent(share: float) -> str:
    value = 100 * share
    return f"{value:.0f}" if value >= 9.95 else f"{value:.1f}" if value >= 0.095 else "< 0.1".replace("<", "&lt;")


def swatch(position: int, name: str) -> str:
    """HTML of the sign and the name of the class at `position`."""
    colour, _, glyph = class_style(position)
    word = name if len(name) <= 16 else name[:15] + "…"
    return f'<tspan style="fill: {css_colour(colour)}">{glyph}</tspan> {escape(word)}'


def figure(title: str, text: str, svg: str) -> str:
    """The drawing in a figure of the report, with the key to its colours; `title` and `text` are plain."""
    key = "".join(
        f'<span><i class="base {kind}">{letter}</i>{word}</span>'
        for kind, letter, word in zip(_CLASSES, _LETTERS, ("", "", "", "", "no base"), strict=True)
    )
    return (
        f'<div class="panels"><figure class="w6"><figcaption><b>{escape(title)}</b><span>{escape(text)}</span>'
        f'</figcaption><div class="key codes">{key}</div><div class="scroll">{svg}</div></figure></div>'
    )
