"""Values from outside held against a shape: type hints that pydantic checks; what does not fit is one line of an error.

A shape is a dataclass or any other type hint. Types are strict: "3" is no number, 1 is not true. Configuration (TOML)
may have no key that the shape does not have; JSON that an older or newer version wrote may, and it is left out.
"""

from __future__ import annotations

import json
import tomllib
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, Any, TypeVar

from pydantic import TypeAdapter, ValidationError

from cohortsmith.data.errors import DataError
from cohortsmith.data.suggestions import near_misses

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping
    from pathlib import Path

    from pydantic_core import ErrorDetails

T = TypeVar("T")

_KEPT = 2.0**53  # whole number that every reader of JSON and TOML keeps
_UNKNOWN = ("unexpected_keyword_argument", "extra_forbidden")
_MISSING = ("missing", "missing_argument")
_PLAIN = {"integer": "a whole number", "number": "a number", "boolean": "true or false", "string": "text"}
# What JSON calls values, and never the values themselves: those of a file may be a patient's.
_SORTS = {dict: "an object", list: "a list", str: "text", bool: "true or false", int: "a number", float: "a number"}


class UnreadableError(DataError):
    """A text that is no JSON at all."""


# A shape is settled once, however often it is checked.
_adapter: Callable[[Any], TypeAdapter[Any]] = lru_cache(maxsize=256)(TypeAdapter)


def from_toml(shape: type[T], table: Mapping[str, Any], *, where: str = "", section: str = "") -> T:
    """Configuration as its shape says.

    Args:
        shape: dataclass.
        table: keys and values.
        where: what begins the line of an error, such as the file.
        section: table of the file that this is, "" for the whole of it.

    Raises:
        DataError: an unknown key (with its near misses), a missing one, or a wrong value.
    """
    try:
        # As JSON, because in pydantic's strict mode only JSON's objects become dataclasses.
        built: T = _adapter(shape).validate_json(json.dumps(table, default=str), strict=True, extra="forbid")
        return built
    except (ValueError, RecursionError) as error:
        if not isinstance(error, ValidationError):
            raise DataError(f"{where or section}: a nesting or a number beyond all measure") from None
        line = _toml_line(_misfit(error, table, _schema(shape), into_lists=False), section)
    raise DataError(f"{where}: {line}" if where else line)


def read_toml(shape: type[T], path: Path, what: str) -> T:
    """Configuration from a TOML file; its `name` is the file's own where it states none.

    Args:
        shape: dataclass with a `name`.
        path: the file.
        what: sort of file, for the line of an error.

    Raises:
        DataError: no such file, no TOML, or as `from_toml`.
    """
    try:
        table = tomllib.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise DataError(f"no {what} file {path}") from None
    except (OSError, UnicodeDecodeError):
        raise DataError(f"{path}: a TOML file in UTF-8 was expected") from None
    except tomllib.TOMLDecodeError as error:
        raise DataError(f"{path}: not valid TOML: {error}") from None
    except (ValueError, RecursionError):  # a number of thousands of digits, tables within tables without end
        raise DataError(f"{path}: not valid TOML: a number or a nesting beyond all measure") from None
    return from_toml(shape, {"name": path.stem, **table}, where=str(path))


def from_json(shape: type[T], text: str | bytes, *, where: str, remedy: str = "") -> T:
    """JSON that a program wrote, as its shape says; no value of it is quoted in the line of an error.

    Args:
        shape: dataclass or other type.
        text: the JSON.
        where: what begins the line of an error, such as the file.
        remedy: what ends it: what to do.

    Raises:
        UnreadableError: no JSON.
        DataError: a missing key, or a value of another type.
    """
    try:
        built: T = _adapter(shape).validate_json(text, strict=True, extra="ignore")
        return built
    except ValidationError as error:
        ending = remedy and f"; {remedy}"
        if error.errors(include_url=False, include_input=False)[0]["type"] == "json_invalid":
            raise UnreadableError(
                f"{where}: not readable as JSON, it may have been cut short or edited{ending}"
            ) from None
        try:
            value = json.loads(text)
        except (ValueError, RecursionError):  # Python's reader is stricter about depth, digits and UTF-8
            raise UnreadableError(f"{where}: not readable as JSON{ending}") from None
        line = _json_line(_misfit(error, value, _schema(shape), into_lists=True))
    raise DataError(f"{where}: {line}{ending}")


def expectation(shape: Any, value: Any) -> str:
    """What was expected in words, "" where the value fits its type hint."""
    try:
        _adapter(shape).validate_python(value, strict=True)
    except ValidationError:
        schema = _schema(shape)
        return _words(schema, schema.get("$defs", {}))
    return ""


@dataclass(frozen=True)
class _Misfit:
    """The first thing in a value that does not fit.

    Attributes:
        path: keys that lead to it.
        problem: "unknown" or "missing" key, or "wrong" value.
        schema: JSON schema of what was expected there.
        known: keys that its object may have.
        value: what came.
        defs: definitions that the schema refers to.
    """

    path: tuple[str | int, ...]
    problem: str
    schema: Mapping[str, Any]
    known: tuple[str, ...]
    value: Any
    defs: Mapping[str, Any]


def _misfit(error: ValidationError, value: Any, schema: Mapping[str, Any], *, into_lists: bool) -> _Misfit:
    """The worst of what pydantic found: an unknown key first (it may be the missing one), then a missing one."""
    first = min(error.errors(include_url=False, include_input=False), key=_rank)
    defs = schema.get("$defs", {})
    path: list[str | int] = []
    known: tuple[str, ...] = ()
    for part in first["loc"]:
        if isinstance(value, dict) and (part in value or first["type"] in _MISSING):
            known = tuple(name for option in _options(schema, defs) for name in option.get("properties", {}))
            value = value.get(part)
        elif into_lists and isinstance(value, list) and isinstance(part, int) and part < len(value):
            value = value[part]
        else:
            break  # which alternative of a union it is about
        schema = _member(schema, part, defs)
        path.append(part)
    problem = {0: "unknown", 1: "missing"}.get(_rank(first), "wrong")
    return _Misfit(tuple(path), problem, schema, known, value, defs)


def _rank(error: ErrorDetails) -> int:
    return 0 if error["type"] in _UNKNOWN else 1 if error["type"] in _MISSING else 2


def _toml_line(found: _Misfit, section: str) -> str:
    *tables, key = (section, *map(str, found.path)) if section else tuple(map(str, found.path)) or ("",)
    within = ".".join(filter(None, tables))
    at, whole = f"[{within}] {key}" if within else key, f"{within}.{key}" if within else key
    if found.problem == "unknown":
        return f"{at}: unknown key{near_misses(key, found.known)}; known: {', '.join(found.known)}"
    table = _table_name(found, whole)
    if found.problem == "missing":
        return f"{at} is missing; add {f'a [{table}] table' if table else f'{key} = ...'}"
    expected = f"a [{table}] table" if table else _words(found.schema, found.defs)
    return f"{at}: {expected} was expected; got {json.dumps(found.value, default=str)}"


def _table_name(found: _Misfit, whole: str) -> str:
    """Name of the TOML table that was expected; "" where it was a plain value, or a table of plain values."""
    for option in _options(found.schema, found.defs):
        if "properties" in option:
            return whole
        inner = option.get("additionalProperties")
        if isinstance(inner, dict) and any(each.get("type") == "object" for each in _options(inner, found.defs)):
            return f"{whole}.NAME"
    return ""


def _json_line(found: _Misfit) -> str:
    at = ".".join(map(str, found.path))
    if found.problem == "missing":
        return f"{at} is missing"
    expected = _words(found.schema, found.defs, table="a JSON object")
    came = _SORTS.get(type(found.value), "null")
    for sort in ("text", "number"):  # of the sort that was expected, but none of the choices, or out of range
        if sort in came and sort in expected.split():
            came = f"another {sort}"
    return f"{f'{at}: ' if at else ''}{expected} was expected; got {came}"


def _words(schema: Mapping[str, Any], defs: Mapping[str, Any], table: str = "a table") -> str:
    """What a JSON schema asks for, in words."""
    options = [option for option in _options(schema, defs) if option.get("type") != "null"]
    sorts = [option.get("type") for option in options]
    if "number" in sorts:  # which whole numbers are too
        options = [option for option in options if option.get("type") != "integer"]
    return " or ".join(dict.fromkeys(_word(option, defs, table) for option in options))


def _word(option: Mapping[str, Any], defs: Mapping[str, Any], table: str) -> str:
    if "const" in option:
        return repr(option["const"])
    if "enum" in option:
        return f"one of {', '.join(map(str, option['enum']))}"
    sort = option.get("type", "")
    if sort == "array":
        items = _words(option.get("items", {}), defs, table)
        return f"a list, each {items}" if items else "a list"
    if sort == "object":
        inner = option.get("additionalProperties")
        each = _words(inner, defs, table) if isinstance(inner, dict) else ""
        return f"{table}, each value {each}" if each else table
    low, high = option.get("minimum"), option.get("maximum")
    high = None if high is not None and high >= _KEPT else high  # no one asks for more
    bounds = "" if low is None else f" of at least {low:g}" if high is None else f" from {low:g} to {high:g}"
    above, below = option.get("exclusiveMinimum"), option.get("exclusiveMaximum")
    bounds += "" if above is None else f" above {above:g}"
    bounds += "" if below is None else f" and below {below:g}" if bounds else f" below {below:g}"
    return f"{_PLAIN.get(sort, '')}{bounds}"


def _options(schema: Mapping[str, Any], defs: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    """The alternatives of a schema, references resolved."""
    if "$ref" in schema:
        return _options(defs[schema["$ref"].rpartition("/")[2]], defs)
    if "anyOf" in schema:
        return [option for each in schema["anyOf"] for option in _options(each, defs)]
    return [schema]


def _member(schema: Mapping[str, Any], part: str | int, defs: Mapping[str, Any]) -> Mapping[str, Any]:
    """Schema of what stands under a key or a place of a list."""
    options: Iterable[Mapping[str, Any]] = _options(schema, defs)
    for option in options:
        inner = option.get("items" if isinstance(part, int) else "additionalProperties")
        if part in option.get("properties", {}):
            found: Mapping[str, Any] = option["properties"][part]
            return found
        if isinstance(inner, dict):
            return inner
    return {}


def _schema(shape: Any) -> dict[str, Any]:
    return _adapter(shape).json_schema()
