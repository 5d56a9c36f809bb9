"""Bytes to text: strict UTF-8 first, then UTF-16, GB18030 and Big5 by evidence, every bad byte counted and placed."""

from __future__ import annotations

import codecs
import re
from collections.abc import Iterator
from dataclasses import dataclass

from hornbook.core.errors import ContentError, UsageError, nearest, translate
from hornbook.core.events import Note
from hornbook.corpus.document import Log, ReadConfig, ReadCounts

SAMPLE = 1 << 18
_BOMS = (
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF32_LE, "utf-32-le"),
    (codecs.BOM_UTF32_BE, "utf-32-be"),
    (codecs.BOM_UTF16_LE, "utf-16-le"),
    (codecs.BOM_UTF16_BE, "utf-16-be"),
)
_MAGIC = (
    (b"\x1f\x8b\x08", "gzip data: name it .gz"),
    (b"BZh", "bzip2 data: name it .bz2"),
    (b"\xfd7zXZ\x00", "xz data: name it .xz"),
    (b"\x28\xb5\x2f\xfd", "zstd data: name it .zst"),
    (b"PK\x03\x04", "a zip archive or an office document: give plain text, or name it .zip"),
    (b"PAR1", "parquet data: name it .parquet"),
    (b"%PDF", "a PDF: extract its text first"),
    (b"\x89PNG", "a picture"),
    (b"\xff\xd8\xff", "a picture"),
    (b"GIF8", "a picture"),
    (b"\x7fELF", "a program"),
    (b"\xd0\xcf\x11\xe0", "an old office document: save it as plain text"),
    (b"SQLite format 3", "a database"),
)
_CONTROL = bytes(byte for byte in range(32) if byte not in b"\t\n\v\f\r\x1b") + b"\x7f"
_SUPERSETS = {"gbk": "gb18030", "gb2312": "gb18030", "cp936": "gb18030", "big5": "big5hkscs", "cp950": "big5hkscs"}
# The most frequent characters of running Chinese, simplified and traditional forms, and the punctuation both use. About
# half of any Chinese text is made of them; a text decoded with the wrong table has almost none.
_COMMON = frozenset(
    "的一是不了在有人我他这个们中来上大为和国地到以说时要就出会可也你对生能而子那得于着下自之年过发后作里用道行所然家种事成方多经么去法学如都同"
    "现当没动面起看定天分还进好小部其些主样理心她本前开但因只从想实日军者意无力它与长把机十民第公此已工使情明性知全三又关点正业外将两高间由问很"
    "最重并物手应战向头文体政美相见被利什二等产或新己制身果加西斯月话合回特代内信表化老给世位次度门任常先海通教儿原东声提立及比员解水名真论处走义"
    "各入几口认条平系气题活尔更别打女变四神总何电数安少报才结反受目太量再感建务做接必场件计管期市直德资命山金指克许统区保至队形社便空决治展马科司"
    "五基眼书非则听白却界达光放强即像难且权思王象完设式色路记南品住告类求据程北边死张该交规万取拉格望觉术领共确传师观清今切院让识候带导争运笔"
    "這個們來為國說時會對於著過發後裡種經麼學現當沒動還進樣開從實軍無與長機關點業將兩間問應戰頭體見產話內給東聲員論處義幾認條氣題爾變總電數報結"
    "務場計資許統區隊決馬書則聽卻達強難權設記類據邊張該規萬覺術領確傳師觀讓識帶導爭運"
    "，。、：；？！“”‘’（）《》「」—…１２３"
)


@dataclass(frozen=True)
class Guess:
    """What the bytes look like: an encoding and why, or what kind of binary file."""

    encoding: str
    reason: str = ""  # empty: plain UTF-8, nothing to tell
    binary: str = ""
    bom: int = 0


def guess_encoding(sample: bytes) -> Guess:
    """UTF-8 when the bytes are that; else UTF-16, GB18030 or Big5 when the text they give looks written, not random.

    `sample` is the start of a stream, at most SAMPLE bytes are used. Without evidence the guess stays UTF-8, and decoding
    will name the first byte that is not.
    """
    sample = sample[:SAMPLE]
    for mark, encoding in _BOMS:
        if sample.startswith(mark) and not (encoding == "utf-16-le" and sample[2:4] == b"\0\0"):
            return Guess(encoding, "byte order mark" if encoding != "utf-8" else "", bom=len(mark))
    for magic, kind in _MAGIC:
        if sample.startswith(magic):
            return Guess("", binary=kind)
    controls = (len(sample) - len(sample.translate(None, _CONTROL))) / max(len(sample), 1)
    if wide := _zero_pattern(sample):
        return Guess(wide, "every second byte is zero")
    good, bad = _trial(sample, "utf-8")[1:]
    if bad == 0 or good >= 10 * bad:
        return Guess("", binary="control characters") if controls > 0.1 else Guess("utf-8")
    scores = sorted(
        ((_chinese(sample, name), name) for name in ("gb18030", "big5hkscs", "utf-16-le", "utf-16-be")), reverse=True
    )
    share, best = scores[0]
    if share >= 0.2:
        runner_up = f"{scores[1][1]} {scores[1][0]:.0%}"
        return Guess(best, f"{share:.0%} of it are common Chinese characters, {runner_up}")
    return Guess("", binary="control characters") if controls > 0.02 else Guess("utf-8")


def known_encoding(name: str) -> str:
    """Python's name of a declared text encoding, GBK and Big5 widened to their supersets. UsageError when unknown."""
    try:
        info = codecs.lookup(name)
    except (LookupError, ValueError):
        info = None
    if info is None or not info._is_text_encoding:
        options = ("utf-8", "utf-16", "gb18030", "gbk", "big5", "latin-1", "cp1252", "shift_jis", "euc-jp", "euc-kr", "koi8-r")
        raise UsageError("'{name}' is not a text encoding.{hint}", name=name, hint=nearest(name, options))
    return _SUPERSETS.get(info.name, info.name)


def decoded(pieces: Iterator[bytes], *, name: str, config: ReadConfig, counts: ReadCounts, log: Log) -> Iterator[str]:
    """Pieces of text of a stream of bytes. ContentError for a binary file and, unless told otherwise, for a bad byte."""
    first = next(pieces, b"")
    automatic = config.encoding == "auto"
    guess = guess_encoding(first) if automatic else Guess(known_encoding(config.encoding))
    _refuse_binary(guess, name)
    decoder = _Decoder(guess.encoding, automatic=automatic, name=name, config=config, counts=counts, log=log)
    if guess.reason:
        decoder.announce(guess)
    text = decoder.decode(first[guess.bom :], offset=guess.bom)
    yield text[1:] if text.startswith("\ufeff") else text
    offset = len(first)
    for piece in pieces:
        yield decoder.decode(piece, offset=offset)
        offset += len(piece)
    yield decoder.decode(b"", offset=offset, final=True)
    counts.encodings[decoder.encoding] = counts.encodings.get(decoder.encoding, 0) + 1


class _Decoder:
    """An incremental decoder that counts what it cannot read, and may still change its mind while all was ASCII."""

    def __init__(self, encoding: str, *, automatic: bool, name: str, config: ReadConfig, counts: ReadCounts, log: Log) -> None:
        self.encoding = encoding
        self._name, self._config, self._counts, self._log = name, config, counts, log
        self._may_change = automatic and encoding == "utf-8"
        self._strict = codecs.getincrementaldecoder(encoding)("strict")

    def announce(self, guess: Guess) -> None:
        self._log(Note(f"{self._name}: read as {_shown(guess.encoding)} ({guess.reason}); --encoding changes it"))

    def decode(self, piece: bytes, *, offset: int, final: bool = False) -> str:
        state = self._strict.getstate()
        try:
            text = self._strict.decode(piece, final)
        except UnicodeDecodeError as error:
            held = state[0]
            return self._repair(held + piece, offset - len(held), error, final)
        self._may_change = self._may_change and text.isascii()
        self._counts.nul_characters += text.count("\0")
        return text

    def _repair(self, data: bytes, offset: int, error: UnicodeDecodeError, final: bool) -> str:
        """Text of a piece that is not valid: another encoding, U+FFFD, nothing, or a ContentError naming the byte."""
        if self._may_change:
            guess = guess_encoding(data[max(0, error.start - 1) :])
            _refuse_binary(guess, self._name)
            self._may_change = False
            if guess.encoding not in ("utf-8", "utf-16-le", "utf-16-be"):
                self.encoding = guess.encoding
                self._strict = codecs.getincrementaldecoder(guess.encoding)("strict")
                self.announce(guess)
                return self.decode(data, offset=offset, final=final)
        place = offset + error.start
        if self._config.on_bad_bytes == "stop":
            raise ContentError(
                "{path}: byte {offset} (0x{byte}) is not {encoding}.{hint} Try --encoding NAME or --on-bad-bytes replace|skip",
                path=self._name,
                offset=place,
                byte=data[error.start : error.start + 1].hex().upper(),
                encoding=_shown(self.encoding),
                hint=self._hint(data[error.start :]),
            )
        lenient = codecs.getincrementaldecoder(self.encoding)("replace")
        text = lenient.decode(data, final)
        self._strict.setstate(lenient.getstate())
        genuine = data.count("\ufffd".encode(self.encoding)) if self.encoding.startswith(("utf", "gb")) else 0
        self._counts.bad_bytes += max(text.count("\ufffd") - genuine, 1)
        self._counts.first_bad = self._counts.first_bad or f"{self._name}: byte {place}"
        if self._config.on_bad_bytes == "skip":
            text = codecs.getincrementaldecoder(self.encoding)("ignore").decode(data, final)
        self._counts.nul_characters += text.count("\0")
        return text

    def _hint(self, data: bytes) -> str:
        if len(data) < 16:
            return ""
        guess = guess_encoding(data)
        if guess.encoding and guess.encoding not in (self.encoding, "utf-8"):
            return translate(" The text looks like {encoding}.").format(encoding=_shown(guess.encoding))
        if self.encoding != "utf-8" and _trial(data[:SAMPLE], "utf-8")[2] == 0:
            return translate(" The text looks like {encoding}.").format(encoding="UTF-8")
        return translate(" The text may be Western European (cp1252).") if re.match(rb"[\xc0-\xff][a-z ,.]", data) else ""


def _shown(encoding: str) -> str:
    return {"big5hkscs": "Big5"}.get(encoding, encoding.upper())


def _refuse_binary(guess: Guess, name: str) -> None:
    if guess.binary:
        raise ContentError("{path} is not text: it looks like {kind}", path=name, kind=translate(guess.binary))


def _zero_pattern(sample: bytes) -> str:
    """UTF-16 without a mark, of text that is mostly Latin: zeros stand at every second place."""
    if len(sample) < 4 or b"\0" not in sample:
        return ""
    even, odd = sample[0::2], sample[1::2]
    zeros_even, zeros_odd = even.count(0) / len(even), odd.count(0) / len(odd)
    for encoding, many, few in (("utf-16-le", zeros_odd, zeros_even), ("utf-16-be", zeros_even, zeros_odd)):
        if many > 0.4 and few < 0.02 and _trial(sample, encoding)[2] == 0:
            return encoding
    return ""


def _trial(sample: bytes, encoding: str) -> tuple[str, int, int]:
    """The sample decoded (a character cut off at its end aside), its non-ASCII characters and its errors."""
    text = codecs.getincrementaldecoder(encoding)("replace").decode(sample)
    bad = text.count("\ufffd")
    other = len(text) - len(text.encode("ascii", "ignore")) - bad
    if encoding == "utf-8":
        bad -= min(bad, sample.count(b"\xef\xbf\xbd"))
    return text, other, bad


def _chinese(sample: bytes, encoding: str) -> float:
    """Share of common Chinese characters among the non-ASCII ones; 0 where the decoding has errors or too little text."""
    text, other, bad = _trial(sample, encoding)
    if other < 2 or bad * 50 > other:
        return 0.0
    return sum(character in _COMMON for character in text) / (other + bad)
