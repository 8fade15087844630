"""Settings of a part: their names, types and defaults read off it, and values refused that they cannot have."""

from __future__ import annotations

import inspect
import sys
import types
from dataclasses import dataclass, is_dataclass
from typing import TYPE_CHECKING, Any, Union, get_args, get_origin, get_type_hints

from pydantic import FiniteFloat, conint

from cohortsmith.data.errors import DataError
from cohortsmith.data.suggestions import close_names
from cohortsmith.data.validation import expectation

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping


@dataclass(frozen=True)
class Setting:
    """Type and default of a setting."""

    hint: Any
    default: Any


def settings_of(part: type) -> dict[str, Setting]:
    """Settings by name: the arguments with a default that a class is made with; of a dataclass, its fields."""
    own = {
        name: parameter
        for name, parameter in inspect.signature(part).parameters.items()
        if parameter.default is not inspect.Parameter.empty
    }
    if is_dataclass(part):
        hints = get_type_hints(part)  # fields may come from bases in other modules
    else:  # the other arguments may be of types that are imported for type checking alone
        named = types.SimpleNamespace(__annotations__={name: own[name].annotation for name in own})
        hints = get_type_hints(named, vars(sys.modules[part.__module__]))
    return {name: Setting(hints[name], parameter.default) for name, parameter in own.items()}


def refuse_unknown(owner: str, settings: Iterable[str], known: Iterable[str]) -> None:
    """Raise a DataError that names the settings near to the first unknown one."""
    known = list(known)
    for name in settings:
        if name not in known:
            near = close_names(name, known)
            hint = f"did you mean {' or '.join(near)}?" if near else f"it has {', '.join(known) or 'none'}"
            raise DataError(f"{owner} has no setting {name!r}; {hint}")


def checked(owner: str, part: type, settings: Mapping[str, Any]) -> dict[str, Any]:
    """The settings given, lists as tuples, of a part that is then made with them.

    Raises:
        DataError: an unknown name, or a value that the setting cannot have.
    """
    known = settings_of(part)
    refuse_unknown(owner, settings, known)
    values = {name: tuple(value) if isinstance(value, list) else value for name, value in settings.items()}
    for name, value in values.items():
        hint, default = known[name].hint, known[name].default
        # What counts something by default (patients, layers) cannot be none; what is off by default can.
        if expected := expectation(_bounded(hint, least=1 if default else 0), value):
            raise DataError(f"{owner}: {name} must be {expected}; got {value!r}")
    return values


def _bounded(hint: Any, least: int) -> Any:
    """The type hint of a setting, its whole numbers at least so large (in a list, 1), its others finite."""
    origin, args = get_origin(hint), get_args(hint)
    if origin in (Union, types.UnionType):
        return Union[tuple(_bounded(arg, least) for arg in args)]  # noqa: UP007  # of types known only now
    if origin is tuple:
        return types.GenericAlias(tuple, (_bounded(args[0], 1), ...))
    return {int: conint(ge=least), float: FiniteFloat}.get(hint, hint)
