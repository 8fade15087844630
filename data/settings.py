"""Settings of a part: their names, types and defaults read off it, and values refused that they cannot have."""

from __future__ import annotations

import inspect
import sys
import types
from dataclasses import dataclass, is_dataclass
from typing import TYPE_CHECKING, Any, Union, get_args, get_origin, get_type_hints

from pydantic import FiniteFloat, confloat, conint

from cohortsmith.data.errors import DataError
from cohortsmith.data.suggestions import close_names
from cohortsmith.data.validation import expectation

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping


# Settings that are real numbers, by what values make sense; those of no list are zero or more.
_ANY = ("p_mean", "dp_epsilon", "dp_delta")  # the mean of a logarithm; the others have checks of their own
_POSITIVE = ("dp_weight_clip", "learning_rate", "lipschitz", "p_std", "rho", "sigma_data", "sigma_max", "sigma_min")
_SHARES = ("class_dropout", "kl_warmup", "level_min", "penalised", "prior_start", "warmup")  # zero to one
_PARTS = ("dropout", "ema_decay", "validation")  # less than the whole


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
        if expected := expectation(_bounded(hint, 1 if default else 0, name), value):
            raise DataError(f"{owner}: {name} must be {expected}; got {value!r}")
    return values


def _bounded(hint: Any, least: int, name: str = "") -> Any:
    """The type hint of a setting, its whole numbers at least so large (in a list, 1), its others in their range."""
    origin, args = get_origin(hint), get_args(hint)
    if origin in (Union, types.UnionType):
        return Union[tuple(_bounded(arg, least, name) for arg in args)]  # noqa: UP007  # of types known only now
    if origin is tuple:
        return types.GenericAlias(tuple, (_bounded(args[0], 1), ...))
    return {int: conint(ge=least), float: _real(name)}.get(hint, hint)


def _real(name: str) -> Any:
    """Numbers that a setting of this name can have: none below zero, but for those of any sign."""
    if name in _ANY or not name:
        return FiniteFloat
    if name in _POSITIVE:
        return confloat(gt=0, allow_inf_nan=False)
    if name in _SHARES:
        return confloat(ge=0, le=1, allow_inf_nan=False)
    return confloat(ge=0, lt=1, allow_inf_nan=False) if name in _PARTS else confloat(ge=0, allow_inf_nan=False)
