"""Configuration: frozen dataclasses <-> TOML <-> dotted flags. An unknown key is an error that names the nearest one."""

from __future__ import annotations

import dataclasses
import json
import re
import tomllib
import types
import typing
from collections.abc import Mapping
from pathlib import Path
from typing import Any, TypeVar

from hornbook.core.errors import UsageError, nearest

T = TypeVar("T")
_SECONDS = {"s": 1.0, "m": 60.0, "h": 3600.0, "d": 86400.0}


def parse_duration(text: str) -> float:
    """Seconds in '90s', '10m', '2h', '1h30m' or a bare number of seconds. UsageError otherwise."""
    parts = re.findall(r"(\d+(?:\.\d+)?)([smhd])", text.strip().lower())
    if parts and "".join(number + unit for number, unit in parts) == text.strip().lower():
        return sum(float(number) * _SECONDS[unit] for number, unit in parts)
    try:
        seconds = float(text)
    except ValueError:
        seconds = -1.0
    if seconds < 0 or seconds != seconds:
        raise UsageError("'{text}' is not a time: write it like 90s, 10m or 2h", text=text)
    return seconds


def to_dict(config: Any) -> dict[str, Any]:
    """Nested plain dict of a config dataclass; None values are left out (TOML has no null)."""
    result: dict[str, Any] = {}
    for field in dataclasses.fields(config):
        value = getattr(config, field.name)
        if dataclasses.is_dataclass(value):
            result[field.name] = to_dict(value)
        elif value is not None:
            result[field.name] = list(value) if isinstance(value, tuple) else str(value) if isinstance(value, Path) else value
    return result


def to_toml(config: Any) -> str:
    """TOML text of a config dataclass, tables for nested ones; `from_toml` reads it back equal."""
    return _toml(to_dict(config), "")


def from_toml(cls: type[T], path: Path) -> T:
    """Read a config from a TOML file. UsageError names the file, the key and the nearest name."""
    return from_dict(cls, load_toml(path), where=str(path))


def load_toml(path: Path) -> dict[str, Any]:
    """The table in a TOML file; UsageError when it is missing or not TOML."""
    try:
        return tomllib.loads(path.read_text("utf-8"))
    except FileNotFoundError:
        raise UsageError("{path} does not exist", path=path) from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise UsageError("{path} is not valid TOML: {error}", path=path, error=error) from None


def from_dict(cls: type[T], table: Mapping[str, Any], *, where: str = "configuration", prefix: str = "") -> T:
    """Build a config dataclass from nested mappings, checking every key and type."""
    hints = typing.get_type_hints(cls)
    names = [field.name for field in dataclasses.fields(cls)]  # type: ignore[arg-type]
    values: dict[str, Any] = {}
    for key, value in table.items():
        name = key.replace("-", "_")
        if name not in names:
            raise UsageError("{where}: unknown key '{key}'.{hint}", where=where, key=prefix + key, hint=nearest(name, names))
        values[name] = convert(value, hints[name], where=where, key=prefix + key)
    try:
        return cls(**values)
    except TypeError as error:
        raise UsageError("{where}: {error}", where=where, error=error) from None


def merge(config: T, overrides: Mapping[str, Any], *, where: str = "flags") -> T:
    """A copy of `config` with dotted keys replaced: {'model.width': '256'}; strings are converted to the field's type."""
    for dotted, value in overrides.items():
        known = keys(type(config))
        if dotted.replace("_", "-") not in known:
            raise UsageError(
                "{where}: unknown key '{key}'.{hint}", where=where, key=dotted, hint=nearest(dotted.replace("_", "-"), known)
            )
        config = _set(config, dotted.replace("-", "_").split("."), value, where=where, dotted=dotted)
    return config


def keys(cls: type[Any], prefix: str = "") -> list[str]:
    """Every dotted key of a config class, with dashes, as a flag spells it."""
    result: list[str] = []
    hints = typing.get_type_hints(cls)
    for field in dataclasses.fields(cls):
        inner = hints[field.name]
        name = prefix + field.name.replace("_", "-")
        result += keys(inner, name + ".") if dataclasses.is_dataclass(inner) and isinstance(inner, type) else [name]
    return result


def convert(value: Any, kind: Any, *, where: str, key: str) -> Any:
    """`value` as type `kind`, from TOML or from a flag's text; UsageError says what was expected."""
    origin = typing.get_origin(kind)
    if dataclasses.is_dataclass(kind) and isinstance(kind, type):
        if isinstance(value, kind):
            return value
        if isinstance(value, Mapping):
            return from_dict(kind, value, where=where, prefix=key + ".")
    elif origin in (typing.Union, types.UnionType):
        options = [option for option in typing.get_args(kind) if option is not type(None)]
        if value is None or (isinstance(value, str) and value.lower() == "none" and str not in options):
            return None
        return convert(value, options[0], where=where, key=key)
    elif origin is typing.Literal:
        choices = typing.get_args(kind)
        if value in choices:
            return value
        raise UsageError(
            "{where}: {key} cannot be '{value}'.{hint}",
            where=where,
            key=key,
            value=value,
            hint=nearest(str(value), map(str, choices)),
        )
    elif origin is tuple:
        inner = typing.get_args(kind)[0]
        parts = value.split(",") if isinstance(value, str) else value
        if isinstance(parts, (list, tuple)):
            return tuple(convert(part, inner, where=where, key=key) for part in parts)
    elif kind is bool:
        if isinstance(value, bool):
            return value
        if isinstance(value, str) and value.lower() in ("true", "false", "yes", "no", "on", "off"):
            return value.lower() in ("true", "yes", "on")
    elif kind in (int, float) and not isinstance(value, bool):
        try:
            number = kind(value) if isinstance(value, str) else value
            if isinstance(number, (int, float)) and kind(number) == number:
                return kind(number)
        except (ValueError, OverflowError):
            pass
    elif kind is str and isinstance(value, str):
        return value
    elif kind is Path and isinstance(value, (str, Path)):
        return Path(value)
    raise UsageError("{where}: {key} = {value!r} is not {kind}", where=where, key=key, value=value, kind=_name(kind))


def _set(config: T, path: list[str], value: Any, *, where: str, dotted: str) -> T:
    if len(path) > 1:
        new: Any = _set(getattr(config, path[0]), path[1:], value, where=where, dotted=dotted)
    else:
        new = convert(value, typing.get_type_hints(type(config))[path[0]], where=where, key=dotted)
    return dataclasses.replace(config, **{path[0]: new})  # type: ignore[type-var]


def _toml(table: Mapping[str, Any], prefix: str) -> str:
    plain = [f"{key} = {_literal(value)}" for key, value in table.items() if not isinstance(value, Mapping)]
    text = "\n".join(plain) + ("\n" if plain else "")
    for key, value in table.items():
        if isinstance(value, Mapping):
            text += f"\n[{prefix}{key}]\n" + _toml(value, f"{prefix}{key}.")
    return text


def _literal(value: Any) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float):
        return repr(value) if value == value and abs(value) != float("inf") else str(value)
    if isinstance(value, str):
        return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007f")
    if isinstance(value, list):
        return "[" + ", ".join(_literal(item) for item in value) + "]"
    return str(value)


def _name(kind: Any) -> str:
    return {int: "a whole number", float: "a number", bool: "true or false", str: "text", Path: "a path"}.get(kind, str(kind))
