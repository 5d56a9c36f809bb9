"""Neural taggers: what stands on an encoder, and how it is trained by what the encoder is and by the size of the data."""

from __future__ import annotations

from dataclasses import dataclass, field
from types import MappingProxyType

from hornbook.models.head_configs import TaggerConfig
from hornbook.models.word_table import WordTableConfig
from hornbook.recipes import Recipe
from hornbook.training import TrainingConfig


@dataclass(frozen=True)
class TaggingRecipe:
    """Configuration of a neural tagger. `table`: words and their vectors, where it begins without an encoder.

    words_seen: of the training text, its repetitions counted; `training.steps` follows from it where that is 0. epochs: least
    and most repetitions.
    """

    model: TaggerConfig = field(default_factory=TaggerConfig)
    table: WordTableConfig = field(default_factory=WordTableConfig)
    training: TrainingConfig = field(default_factory=TrainingConfig)
    words_seen: float = 2e6
    epochs: tuple[float, ...] = (3.0, 25.0)


_FROM_WORDS = TaggingRecipe(
    TaggerConfig(characters=50, recurrent=150, dropout=0.5),
    WordTableConfig(width=100, word_dropout=0.05),
    TrainingConfig(
        rows=0, optimizer="adamw", learning_rate=3e-3, weight_decay=0.05, clip=5.0, ema=0.998, decay=0.6, precision="float32"
    ),
)
_FROM_ENCODER = TaggingRecipe(
    TaggerConfig(),
    training=TrainingConfig(
        rows=0, optimizer="adamw", learning_rate=2e-4, weight_decay=0.01, betas=(0.9, 0.999), warmup=0.1, decay=0.9
    ),
    words_seen=1e6,
    epochs=(2.0, 15.0),
)

TAGGER = Recipe(
    name="tagger",
    title="Tagger: words, their characters, an LSTM both ways, a chain of labels",
    generation=3,
    model="hornbook.models.tagger:NeuralTagger",
    styles=MappingProxyType({"words": _FROM_WORDS, "encoder": _FROM_ENCODER}),
    reads="labelled",
)
