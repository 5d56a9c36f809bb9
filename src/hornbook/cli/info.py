"""hornbook info FOLDER: what a saved folder is."""

from __future__ import annotations

from typing import Annotated, Any

from cyclopts import Parameter

from hornbook.cli.options import Common, print_json
from hornbook.cli.show import table


def info(folder: Annotated[str, Parameter(help="A model or corpus folder.")], *, common: Common = Common()) -> None:
    """Show what a folder is, how it was made and what it cost; its manifest is checked."""
    from hornbook import api

    facts = api.info(folder)
    if common.json:
        print_json(facts)
        return
    print(table([(name.replace("_", " "), _short(value)) for name, value in facts.items()]))


def _short(value: Any) -> str:
    if isinstance(value, dict):
        return ", ".join(f"{key} {_short(item)}" for key, item in value.items())
    if isinstance(value, list):
        return ", ".join(map(_short, value))
    if isinstance(value, float):
        return f"{value:.4g}" if abs(value) < 1000 else f"{value:,.0f}"
    return f"{value:,}" if isinstance(value, int) and not isinstance(value, bool) else str(value)
