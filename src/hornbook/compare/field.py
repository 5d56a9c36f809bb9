"""Who races when nobody is named, and in which style: everyone, but in a short race one of the two masked models."""

from __future__ import annotations

from hornbook import catalog
from hornbook.compare.numbers import round_duration
from hornbook.core.errors import translate
from hornbook.recipes import Recipe

BOTH_FROM = 600.0  # seconds of budget
LEFT_OUT = "bert"


def default_field(budget: float) -> tuple[str, ...]:
    """The contestants of a race of `budget` seconds, in the order they run.

    Below ten minutes BERT as it was published stays away: a share of 20 seconds leaves it at chance in the cloze test
    (docs/log.md), and takes a twelfth of everyone's time. RoBERTa stands for the masked models. Five million tokens do not
    lift it either, so at ten minutes it is mostly there to be seen, with the mark that its share was too small.
    """
    return tuple(name for name in catalog.RECIPES if budget >= BOTH_FROM or name != LEFT_OUT)


def field_note(budget: float) -> str:
    """What the reader is told of who is missing; '' where nobody is."""
    if budget >= BOTH_FROM:
        return ""
    note = translate("{title} needs more time: it runs from --budget {least} on, or when named with --contestants")
    return note.format(title=catalog.recipe(LEFT_OUT).title, least=round_duration(BOTH_FROM))


def race_style(recipe: Recipe, asked: str) -> str:
    """The style asked for where the recipe has it, else its first one: BERT's as published, RoBERTa's and GPT's modern."""
    if asked in recipe.styles:
        return asked
    return next(iter(recipe.styles))
