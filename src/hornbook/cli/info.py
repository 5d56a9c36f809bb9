"""hornbook info FOLDER: what a saved folder is."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated, Any

from cyclopts import Parameter

from hornbook.cli.options import Common, print_json
from hornbook.cli.show import table

if TYPE_CHECKING:
    from hornbook.statistical.listing import Listing


def info(
    folder: Annotated[str, Parameter(help="A model or corpus folder, or an .arpa file.")],
    *,
    context: Annotated[str | None, Parameter(help="N-gram models: list what may follow this text.")] = None,
    top: Annotated[int, Parameter(help="With --context: how many continuations.")] = 10,
    common: Common = Common(),
) -> None:
    """Show what a folder is, how it was made and what it cost; its manifest is checked."""
    from hornbook import api

    if context is not None:
        listing = api.next_words(folder, context, top=top)
        if common.json:
            print_json(asdict(listing))
        else:
            print(_listed(listing))
        return
    facts = api.info(folder)
    if common.json:
        print_json(facts)
        return
    print(table([(name.replace("_", " "), _short(value)) for name, value in facts.items()]))


def _listed(listing: Listing) -> str:
    """P(next | context), one line each, after a line that says what of the context the model has seen."""
    known = " ".join(listing.known_context) or "(nothing of it)"
    seen = "" if listing.known_count is None else f", seen {listing.known_count:,} times"
    lines = [f"after: {' '.join(listing.context) or '(nothing)'}", f"known: {known}{seen}", "probability    log10  count  next"]
    for one in listing.continuations:
        count = "-" if one.count is None else f"{one.count:,}"
        lines.append(f"{one.probability:11.6f}  {one.log10:7.3f}  {count:>5}  {one.text}")
    return "\n".join(lines)


def _short(value: Any) -> str:
    if isinstance(value, dict):
        return ", ".join(f"{key} {_short(item)}" for key, item in value.items())
    if isinstance(value, list):
        return ", ".join(map(_short, value))
    if isinstance(value, float):
        return f"{value:.4g}" if abs(value) < 1000 else f"{value:,.0f}"
    return f"{value:,}" if isinstance(value, int) and not isinstance(value, bool) else str(value)
