"""Words of the form KEY=VALUE and CLASS=NUMBER, as values."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from cohortsmith.data import DataError

if TYPE_CHECKING:
    from collections.abc import Sequence


def parse_settings(pairs: Sequence[str] | None) -> dict[str, Any]:
    """Settings from `key=value` words; values are read as JSON where they can be, else as text.

    Raises:
        DataError: a word without `=`, or a key given twice.
    """
    settings: dict[str, Any] = {}
    for pair in pairs or ():
        key, found, value = pair.partition("=")
        family, dot, key = key.strip().rpartition(".")  # `compare` takes family.key, and families have dashes
        key = f"{family}{dot}{key.replace('-', '_')}"
        if not found or not key or key.endswith("."):
            raise DataError(f"--set needs KEY=VALUE, as in --set steps=2000; got {pair!r}")
        if key in settings:
            raise DataError(f"--set {key} is given twice")
        settings[key] = _value(value.strip())
    return settings


def with_options(settings: dict[str, Any], **options: float | None) -> dict[str, Any]:
    """Settings with those that have an option of their own, such as `dp_epsilon`, where it is given, among them.

    Raises:
        DataError: one is given as a setting too.
    """
    given = {name: value for name, value in options.items() if value is not None}
    for name in given:
        if name in settings:
            raise DataError(f"--{name.replace('_', '-')} and --set {name} are both given; drop one")
    return settings | given


def parse_counts(text: str) -> dict[str, int]:
    """Samples per class from `A=10,B=5`; a class name may itself hold commas or equal signs.

    Raises:
        DataError: a part without a number, a negative number, a class named twice, or nothing asked at all.
    """
    counts: dict[str, int] = {}
    name = ""
    for part in text.split(","):
        name = f"{name},{part}" if name else part
        label, found, number = name.rpartition("=")
        if not found or not number.strip().lstrip("+-").isdigit():
            continue
        label = label.strip()
        if label in counts:
            raise DataError(f"--counts names class {label!r} twice")
        counts[label] = int(number)
        if counts[label] < 0:
            raise DataError(f"--counts must not be negative; got {number.strip()} for class {label!r}")
        name = ""
    if name or not counts:
        raise DataError(f"--counts needs CLASS=NUMBER parts separated by commas, as in A=10,B=5; got {text!r}")
    if not any(counts.values()):
        raise DataError("--counts asks for no samples")
    return counts


def _value(text: str) -> Any:
    if text in ("True", "False", "None"):
        return {"True": True, "False": False, "None": None}[text]
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        return text
