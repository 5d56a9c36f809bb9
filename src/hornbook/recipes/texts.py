"""Labels of texts: the linear classifier and the one of a language model a label. They learn from labelled texts."""

from __future__ import annotations

from dataclasses import dataclass, field
from types import MappingProxyType

from hornbook.recipes import Recipe
from hornbook.statistical.bayes import BayesConfig
from hornbook.statistical.linear import LinearConfig


@dataclass(frozen=True)
class LinearRecipe:
    """Configuration of the linear classifier."""

    model: LinearConfig = field(default_factory=LinearConfig)


@dataclass(frozen=True)
class BayesRecipe:
    """Configuration of the classifier of a language model a label."""

    model: BayesConfig = field(default_factory=BayesConfig)


LINEAR = Recipe(
    name="linear",
    title="Linear classifier of texts",
    generation=2,
    model="hornbook.statistical.linear:LinearClassifier",
    styles=MappingProxyType({"classic": LinearRecipe()}),
    reads="texts",
)
BAYES = Recipe(
    name="bayes",
    title="Classifier of texts by a language model a label",
    generation=2,
    model="hornbook.statistical.bayes:LanguageModelClassifier",
    styles=MappingProxyType({"classic": BayesRecipe()}),
    reads="texts",
)
CLASSIFIERS = MappingProxyType({"linear": LINEAR, "bayes": BAYES})
