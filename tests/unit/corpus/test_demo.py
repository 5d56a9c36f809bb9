import itertools
import subprocess
import sys

from hornbook.corpus.demo import demo_documents, prose


def test_about_two_megabytes_of_prose_without_repeats():
    documents = list(demo_documents())
    size = sum(len(document.text.encode()) for document in documents)
    assert 1_200_000 < size < 3_000_000 and len(documents) > 300
    lines = [line for document in documents for line in document.text.split("\n")]
    assert len(lines) == len(set(lines)), "a paragraph that stands twice would leak between the splits"
    assert not any(line.startswith((" ", "\t", ">>>")) for line in lines)
    words = sum(len(line.split()) for line in lines)
    assert words / len(lines) > 10
    assert len({document.source for document in documents}) == len(documents)


def test_the_order_is_the_same_every_time():
    first = list(itertools.islice(demo_documents(), 40))
    assert first == list(itertools.islice(demo_documents(), 40))


def test_prose_keeps_sentences_and_leaves_code_out():
    text = (
        "A sentence that goes\non over two lines.\n\n>>> print(1)\n1\n\n"
        "  - the first item of a list.\n  - the second item of it.\n\nx = f(a, b)"
    )
    assert list(prose(text)) == [
        "A sentence that goes on over two lines.",
        "the first item of a list.",
        "the second item of it.",
    ]


def test_modules_are_parsed_and_never_imported():
    code = (
        "import sys; from hornbook.corpus.demo import demo_documents; n = sum(1 for _ in demo_documents());"
        "print(n > 300, [m for m in ('tkinter', 'antigravity', 'turtle', 'this', 'torch', 'numba') if m in sys.modules])"
    )
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert result.stdout.strip() == "True []" and result.stderr == ""
