"""The command line: one file a verb over one function of `hornbook.api`; verbs load when they are called."""

from __future__ import annotations

import os
import signal
import sys
import traceback
from collections.abc import Sequence
from typing import TYPE_CHECKING, NoReturn

from hornbook.core.errors import DiskFullError, HornbookError, Interrupted, translate
from hornbook.core.runtime import prepare

if TYPE_CHECKING:
    from cyclopts import App

VERBS = {
    "corpus": "Read, clean, deduplicate and split text; a one-page report before any training.",
    "train": "Train one model: word2vec fasttext glove unigram ngram hmm rnn lstm gru gpt; segmenter, tagger; linear, bayes.",
    "finetune": "Train a model on for a task: labels of texts (classify), or of words and spans (tag).",
    "race": "Train every generation on one text under one budget and rank them. The main job.",
    "evaluate": "How good a model is: bits per byte of a text, tests of word vectors, accuracy of a tagger.",
    "generate": "Continue a text with any model.",
    "fill": "The missing words of a text: `[MASK]`, `<mask>` or `___`, by what stands on both sides.",
    "embed": "Vectors of texts, by word vectors, a hidden Markov model or a network.",
    "predict": "Ask a tagger, a classifier or a segmenter: one JSON line for every input.",
    "segment": "Cut Chinese text into words, one line out for every line in.",
    "neighbours": "The words nearest to a word.",
    "analogy": "What is to C as B is to A.",
    "export": "Word vectors or an n-gram model as a file that other programs open.",
    "info": "What a saved folder is, and what it cost.",
    "doctor": "Check this machine: processor, threads, precision, extras.",
}
_SUB_APPS = {"train"}
STANDARD_INPUT = "(standard input)"  # what '-' becomes while the parser, which takes it for an option, runs


def build() -> App:
    """The whole command tree; commands are imported when they are used."""
    from cyclopts import App, Parameter

    from hornbook import version

    app = App(
        name="hornbook",
        version=f"hornbook {version}",
        help="Turn your own text into a working language model. Start with: hornbook race YOUR.txt --budget 10m -o report",
        result_action="return_value",
        default_parameter=Parameter(negative=""),  # no --no-x and --empty-x twins
    )
    for verb, help_text in VERBS.items():
        app.command(f"hornbook.cli.{verb}:{'app' if verb in _SUB_APPS else verb}", name=verb, help=help_text)
    app.register_install_completion_command(help="Install tab completion for your shell.")
    return app


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command; returns the exit code: 0 ok, 1 bad content or failure, 2 usage, 28 disk full, 130 interrupted."""
    from cyclopts import CycloptsError

    tokens = [STANDARD_INPUT if token == "-" else token for token in (sys.argv[1:] if arguments is None else arguments)]
    debug = "--debug" in tokens
    prepare(_threads(tokens))
    signal.signal(signal.SIGTERM, _terminate)
    try:
        result = build()(tokens, exit_on_error=False, print_error=False)
        sys.stdout.flush()
        return result if isinstance(result, int) else 0
    except CycloptsError as error:
        return _fail(" ".join(str(error).split()), 2, debug)
    except HornbookError as error:
        return _fail(str(error), error.exit_code, debug)
    except KeyboardInterrupt:
        return _fail(translate("interrupted"), Interrupted.exit_code, debug)
    except BrokenPipeError:  # the reader of our output closed early (head, less): not an error of ours
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    except MemoryError:
        return _fail(
            translate("out of memory: use a smaller --model.width, a smaller --training.rows, or a larger machine"), 1, debug
        )
    except OSError as error:
        return _system_error(error, debug)
    except Exception as error:  # every unforeseen fault is still one line; the traceback is one flag away
        text = translate("{kind}: {error}. This is a fault of hornbook's: run again with --debug and report it.")
        return _fail(text.format(kind=type(error).__name__, error=" ".join(str(error).split())), 1, debug)


def _system_error(error: OSError, debug: bool) -> int:
    import errno

    where = f"{error.filename}: " if error.filename else ""
    full = error.errno in (errno.ENOSPC, errno.EDQUOT)
    usage = isinstance(error, (FileNotFoundError, PermissionError, IsADirectoryError, NotADirectoryError, FileExistsError))
    return _fail(f"{where}{error.strerror or error}", DiskFullError.exit_code if full else 2 if usage else 1, debug)


def _fail(message: str, code: int, debug: bool) -> int:
    if debug:
        traceback.print_exc()
    print(f"hornbook: {message}", file=sys.stderr)
    return code


def _threads(tokens: Sequence[str]) -> int:
    """--threads, needed before the libraries that read it at import are loaded; a bad value is reported by the parser."""
    for token, following in zip(tokens, [*tokens[1:], ""], strict=True):
        value = (
            following if token == "--threads" else token.removeprefix("--threads=") if token.startswith("--threads=") else ""
        )
        if value.isdigit():
            return int(value)
    return 0


def _terminate(signum: int, frame: object) -> NoReturn:
    """SIGTERM outside of a training step: leave through the context managers that clean up."""
    raise SystemExit(128 + signum)
