"""Bars of how many patients each class has, in two parts: train and holdout, or real and virtual."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from cohortsmith.app.ui.markup import fill
from cohortsmith.app.ui.plots import plot
from cohortsmith.app.ui.theme import class_colours, colours
from cohortsmith.evaluation.plots import INK, axis, layout, plain

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

import streamlit as st

ROW, AROUND = 30, 20  # pixels of a class, and of what is around them


def class_bars(
    classes: Sequence[str],
    first: tuple[str, Mapping[str, int]],
    second: tuple[str, Mapping[str, int]],
    key: str,
    *,
    longest: int = 0,
    named: bool = True,
) -> None:
    """Two stacked bars a class, in the class's colour: the first part plain, the second one pale with stripes.

    Args:
        classes: in the order of the cohort, which gives the colours.
        first: name of the first part, and its samples of each class.
        second: the same of the second part.
        key: unique on the page.
        longest: where the axis ends at least, so that two charts compare.
        named: whether the two parts are named above the bars.
    """
    hues, card = class_colours(classes), colours()["card"]
    places = list(range(len(classes)))
    data: list[dict[str, Any]] = []
    for (name, counts), pale in ((first, False), (second, True)):
        data.append(
            {
                "type": "bar",
                "orientation": "h",
                "y": places,
                "x": [counts.get(c, 0) for c in classes],
                "name": name,
                "customdata": [plain(c) for c in classes],
                "marker": {
                    "color": [hues[c] for c in classes],
                    "opacity": 0.45 if pale else 1.0,
                    "pattern": {
                        "shape": "/" if pale else "",
                        "fillmode": "overlay",
                        "fgcolor": card,
                        "size": 6,
                        "solidity": 0.25,
                    },
                    "line": {"width": 0},
                },
                "hovertemplate": f"%{{customdata}}: %{{x:,}} {name}<extra></extra>",
            }
        )
    totals = [first[1].get(c, 0) + second[1].get(c, 0) for c in classes]
    reach = max([longest, *totals, 1])
    room = 8 * len(f"{reach:,}") + 12  # pixels to the right of the longest bar, for its number
    looks = layout(
        axis(range=[0, reach], showgrid=False, showticklabels=False),  # every bar has its number
        axis(tickvals=places, ticktext=[plain(c) for c in classes], range=[len(classes) - 0.4, -0.6], showgrid=False)
        | {"tickfont": {"size": 13, "color": INK}},
        barmode="stack",
        bargap=0.35,
        margin={"l": 8, "r": room, "t": 4, "b": 4},
        annotations=[
            {"x": total, "y": place, "text": f"{total:,}", "showarrow": False, "xanchor": "left", "xshift": 4,
             "font": {"size": 12, "color": "theme:muted"}}
            for place, total in zip(places, totals, strict=True)
        ],
    )  # fmt: skip
    if named:
        st.html(fill("parts_of_bars", colours()["muted"], first[0], second[0]))
    plot(data, looks, key, height=AROUND + ROW * len(classes), alt=f"{first[0]} and {second[0]} per class")
