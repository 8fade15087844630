"""Figures that the founding study on medical images (2025) published: test accuracy and mean of class accuracies."""

from __future__ import annotations

from typing import Any

_TASKS = (("blood", "full"), ("blood", "quarter"), ("derma", "full"), ("derma", "quarter"))
# Per cent, accuracy and mean of classes, in the order of the tasks above.
_TABLE: dict[str, tuple[float, ...]] = {
    "supervised": (93.48, 92.58, 88.51, 86.42, 75.61, 55.65, 69.73, 39.16),
    "simclr-bf": (82.14, 79.38, 79.57, 76.26, 67.08, 30.24, 67.28, 28.75),
    "moco-bf": (81.64, 78.61, 78.81, 75.49, 69.28, 37.29, 66.33, 28.90),
    "aim-bf": (84.62, 82.12, 76.24, 71.63, 69.28, 41.73, 65.64, 31.20),
    "mae-bf": (79.51, 76.01, 73.46, 68.71, 65.54, 31.62, 64.34, 28.59),
    "simclr-bnf": (93.57, 92.70, 88.10, 85.87, 75.76, 50.96, 69.53, 36.14),
    "moco-bnf": (94.91, 94.09, 89.56, 87.41, 75.06, 50.73, 69.68, 39.24),
    "aim-bnf": (94.21, 93.24, 90.50, 88.97, 73.12, 47.39, 69.13, 38.60),
    "mae-bnf": (94.45, 93.82, 90.88, 89.36, 73.17, 51.85, 66.58, 44.75),
    "FSM": (94.71, 93.90, 90.12, 88.07, 77.21, 54.26, 70.37, 37.34),
    "FAA": (95.26, 94.41, 92.20, 90.57, 75.71, 53.13, 70.17, 41.31),
    "FSAAM": (96.00, 95.41, 93.42, 92.00, 78.30, 55.58, 71.97, 40.00),
    "moco34-bnf": (95.03, 94.06, 89.07, 86.28),
}
_PLUS = (94.65, 93.81, 90.47, 88.46)  # MoCo-Plus: 11,033 more unlabelled images of cells


def _rows(classifier: str, figures: tuple[float, ...]) -> list[dict[str, Any]]:
    pairs = zip(_TASKS, figures[::2], figures[1::2], strict=False)
    return [
        {
            "data": data,
            "labelled": labelled,
            "classifier": classifier,
            "accuracy": accuracy / 100,
            "mean_class_accuracy": mean / 100,
        }
        for (data, labelled), accuracy, mean in pairs
    ]


IMAGES_2025 = [row for name, figures in _TABLE.items() for row in _rows(name, figures)]
MOCO_PLUS = _rows("moco-bnf", _PLUS)
