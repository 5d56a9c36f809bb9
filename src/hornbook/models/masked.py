"""Networks that guess hidden tokens, with a tokenizer: BERT, RoBERTa, DistilBERT and ModernBERT, by their configuration.

They have no chain rule, so they are no language models: they score a token given all others, one hidden place at a time.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, Self, TypeAlias

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from hornbook.core.errors import UsageError
from hornbook.core.groups import groups
from hornbook.core.types import Ids, NextScores, Tokenizer
from hornbook.layers.cross_entropy import next_logits, token_log_probs
from hornbook.models import bert, bert_modern, neural
from hornbook.models.bert import BertConfig, BertModule, MaskedNetwork
from hornbook.models.bert_modern import ModernBertConfig, ModernBertModule
from hornbook.models.encoder import Frame, TextEncoder
from hornbook.models.huggingface.bert import BERT
from hornbook.models.huggingface.distilbert import DISTILBERT
from hornbook.models.huggingface.modernbert import MODERNBERT
from hornbook.models.huggingface.roberta import ROBERTA, XLM_ROBERTA
from hornbook.models.neural import Network
from hornbook.models.saved import Kind, open_folder, save_folder
from hornbook.tokenizers import TextTokenizer
from hornbook.tokenizers.framed import save_framed

MaskedConfig: TypeAlias = BertConfig | ModernBertConfig

KINDS = {
    "bert": Kind("bert", BertConfig, BertModule, bert.parameters, BERT),
    "roberta": Kind("roberta", BertConfig, BertModule, bert.parameters, ROBERTA),
    "xlm-roberta": Kind("xlm-roberta", BertConfig, BertModule, bert.parameters, XLM_ROBERTA),
    "distilbert": Kind("distilbert", BertConfig, BertModule, bert.parameters, DISTILBERT),
    "modernbert": Kind("modernbert", ModernBertConfig, ModernBertModule, bert_modern.parameters, MODERNBERT),
}
"""The layouts: the configuration chooses."""
_GROUP = 1 << 16  # tokens of documents whose places are listed at one time


class MaskedLM(Network):
    """A network that guesses hidden tokens (protocol `hornbook.core.types.MaskedModel`).

    A text longer than the context is seen through a window around the hidden place. The model itself puts `start` before a
    text and `end` behind it.
    """

    def __init__(self, tokenizer: Tokenizer, config: MaskedConfig, module: nn.Module | None = None) -> None:
        if module is None and isinstance(config, BertConfig):
            config = replace(config, padding=tokenizer.specials.get("pad", config.padding))
        super().__init__(tokenizer, config, module)

    @classmethod
    def build(cls, config: MaskedConfig, vocabulary: int) -> MaskedNetwork:
        """A fresh network of the configuration's layout."""
        network: Any = _kind(config).module(config, vocabulary)
        return network  # type: ignore[no-any-return]

    @property
    def encoder(self) -> TextEncoder:
        """The network as what turns texts into states."""
        config = self.config
        bert = isinstance(config, BertConfig)
        frame = Frame.masked(
            self.tokenizer,
            doubled=bert and config.layout in ("roberta", "xlm-roberta"),
            typed=bert and config.types > 1,
        )
        return TextEncoder(
            self.tokenizer, self.module, width=config.width, context=config.context, frame=frame, save=self.save_files
        )

    def masked_log_probs(self, rows: Sequence[Ids], places: Sequence[int]) -> NextScores:
        """(B, V) natural logs of the token at `places[i]` of `rows[i]`, hidden from the model.

        Rows hold no start, end or separator; they may hold more mask ids. UsageError without a head or a mask token.
        """
        wanted = list(enumerate(places))
        scores = np.empty((len(rows), self.vocabulary), dtype=np.float32)
        with self._inference():
            for chosen, states in self._guessed(rows, wanted):
                logits = next_logits(states, self._network.output_weight, self._network.output_bias)  # (R, V)
                scores[chosen] = torch.log_softmax(logits, dim=-1).float().cpu().numpy()
        return scores

    def pseudo_log_probs(self, documents: Sequence[Ids]) -> list[NDArray[np.float32]]:
        """(len,) each: log p(token | all others), one hidden place at a time (Salazar et al. 2020, eq. 1).

        UsageError without a head or a mask token.
        """
        results: list[NDArray[np.float32]] = []
        with self._inference():
            for group in groups(documents, _GROUP):
                results += self._pseudo(group)
        return results

    def _pseudo(self, documents: Sequence[Ids]) -> list[NDArray[np.float32]]:
        wanted = [(index, place) for index, document in enumerate(documents) for place in range(len(document))]
        joined = np.concatenate([np.asarray(document, dtype=np.int64) for document in documents])  # (N,)
        scores = np.empty(len(joined), dtype=np.float32)
        for chosen, states in self._guessed(documents, wanted):
            targets = torch.from_numpy(joined[chosen]).to(self._device)
            found = token_log_probs(states, self._network.output_weight, self._network.output_bias, targets)
            scores[chosen] = found.float().cpu().numpy()
        ends = np.cumsum([len(document) for document in documents])
        return np.split(scores, ends[:-1])

    def _guessed(self, rows: Sequence[Ids], wanted: Sequence[tuple[int, int]]) -> Iterator[tuple[NDArray[np.int64], Tensor]]:
        """For every (row, place) what the head says of it: indices into `wanted` and (R, W) states, in batches."""
        mask, encoder = self._mask_id(), self.encoder
        room = self.config.context - 2
        lengths = np.array([min(len(rows[row]), room) for row, _ in wanted], dtype=np.int64)
        order = np.argsort(-lengths, kind="stable")
        while len(order):
            size = max(1, neural.BATCH_TOKENS // int(lengths[order[0]] + 2))
            chosen, order = order[:size], order[size:]
            windows, places = [], []
            for index in chosen.tolist():
                row, place = wanted[index]
                begin = max(0, min(place - room // 2, len(rows[row]) - room))
                window = np.array(rows[row][begin : begin + room], dtype=np.int64)
                window[place - begin] = mask
                windows.append(window)
                places.append(place - begin + 1)  # behind the start token
            states = encoder.encode(encoder.batch(windows)).states  # (R, T, W)
            picked = states[torch.arange(len(places), device=self._device), torch.tensor(places, device=self._device)]
            yield chosen, self._network.transform(picked)

    def _mask_id(self) -> int:
        if not self.config.head:
            raise UsageError("this checkpoint has no head for masked tokens: it encodes texts, and guesses after training one")
        if "mask" not in self.tokenizer.specials:
            raise UsageError("the tokenizer has no mask token: name it as mask_token in tokenizer_config.json")
        return self.tokenizer.specials["mask"]

    def save_files(self, folder: Path) -> None:
        """Write config, weights and tokenizer into an existing folder, as transformers reads them."""
        config = replace(self.config, vocabulary=self.vocabulary)
        save_folder(folder, _kind(config), config, self.module, self.tokenizer, specials=self.tokenizer.specials)
        if isinstance(self.tokenizer, TextTokenizer) and "mask" in self.tokenizer.specials:
            save_framed(self.tokenizer, folder, segments=getattr(config, "types", 0) > 1)

    @classmethod
    def load(cls, folder: Path, *, new_head: bool = False, next_sentence: bool = False) -> Self:
        """Read what save_files or transformers' save_pretrained wrote, strictly.

        A checkpoint of an encoder alone opens without a head (`config.head` is False): it encodes, and guesses nothing.
        `new_head` wants a head, `next_sentence` that of BERT's second task; with `new_head` what is missing of them begins
        untrained, and `loaded.notes` says so.
        """
        parts = (["head"] if new_head else []) + (["next_sentence", "pooler"] if next_sentence else [])
        opened = open_folder(folder, list(KINDS.values()), parts=parts, new=new_head)
        model = cls(opened.tokenizer, opened.config, opened.module)
        model.loaded = opened.loaded
        return model


def _kind(config: MaskedConfig) -> Kind:
    return KINDS[config.layout if isinstance(config, BertConfig) else "modernbert"]
