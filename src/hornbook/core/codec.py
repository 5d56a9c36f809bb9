"""Frozen dataclasses <-> JSON, without loss: nested ones, tuples, dicts, None."""

from __future__ import annotations

import dataclasses
import json
import math
import types
import typing
from collections.abc import Mapping
from typing import Any, TypeVar

from hornbook.core.errors import ContentError, nearest

T = TypeVar("T")


def plain(value: Any) -> Any:
    """Dataclasses as dicts, tuples as lists, numpy scalars as numbers; a number that is not finite becomes None."""
    if dataclasses.is_dataclass(value):
        return {item.name: plain(getattr(value, item.name)) for item in dataclasses.fields(value)}
    if isinstance(value, Mapping):
        return {str(key): plain(item) for key, item in value.items()}
    if isinstance(value, (tuple, list)):
        return [plain(item) for item in value]
    if isinstance(value, bool) or value is None or isinstance(value, str):
        return value
    number = value.item() if hasattr(value, "item") else value  # numpy scalars
    return None if isinstance(number, float) and not math.isfinite(number) else number


def from_json(text: str, kind: type[T], *, where: str) -> T:
    """Read what `plain` gave back as the dataclass `kind`; ContentError names the file and the key that does not fit."""
    try:
        table = json.loads(text)
    except ValueError as error:
        raise ContentError("{where} is damaged: {error}", where=where, error=error) from None
    result: T = _read(table, kind, where=where, key="")
    return result


def _read(value: Any, kind: Any, *, where: str, key: str) -> Any:
    """`value` from JSON as type `kind`; null is None where the type allows it, not-a-number where a number must be."""
    origin, arguments = typing.get_origin(kind), typing.get_args(kind)
    if origin in (typing.Union, types.UnionType):
        inner = next(option for option in arguments if option is not type(None))
        return None if value is None else _read(value, inner, where=where, key=key)
    if dataclasses.is_dataclass(kind) and isinstance(value, dict):
        return _read_dataclass(value, kind, where=where, key=key)
    if origin is dict and isinstance(value, dict):
        return {name: _read(item, arguments[1], where=where, key=f"{key}.{name}") for name, item in value.items()}
    if origin is tuple and isinstance(value, list):
        kinds = (arguments[0],) * len(value) if arguments[-1] is Ellipsis else arguments
        if len(kinds) == len(value):
            return tuple(
                _read(item, inner, where=where, key=f"{key}[{i}]") for i, (item, inner) in enumerate(zip(value, kinds))
            )
    if kind is float and value is None:
        return math.nan
    if kind is float and isinstance(value, (int, float)) and not isinstance(value, bool):
        return float(value)
    if isinstance(kind, type) and type(value) is kind:
        return value
    raise ContentError("{where}: {key} = {value!r} does not belong there", where=where, key=key.lstrip(".") or "/", value=value)


def _read_dataclass(table: dict[str, Any], kind: Any, *, where: str, key: str) -> Any:
    hints = typing.get_type_hints(kind)
    for name in table:
        if name not in hints:
            full = f"{key}.{name}".lstrip(".")
            raise ContentError("{where}: unknown key '{key}'.{hint}", where=where, key=full, hint=nearest(name, hints))
    fields = {name: _read(item, hints[name], where=where, key=f"{key}.{name}") for name, item in table.items()}
    try:
        return kind(**fields)
    except TypeError as error:
        raise ContentError("{where} is damaged: {error}", where=where, error=error) from None
