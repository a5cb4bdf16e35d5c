"""From the bytes of a file to its text: encodings, byte order marks, NUL bytes, and what is no text at all."""

from __future__ import annotations

import codecs
from collections.abc import Iterator
from pathlib import Path
from typing import Final, NamedTuple

from holdfast.errors import Invalid, NotFound
from holdfast.insight.calendar_events import Reading

CHUNK_BYTES: Final = 1 << 20
_REPLACEMENT: Final = "�"
_ZIP: Final = b"PK\x03\x04"
_OLD_EXCEL: Final = b"\xd0\xcf\x11\xe0"
_WRITE_CSV: Final = "Export the calendar as .ics or .csv and try again."


class Encoding(NamedTuple):
    """How the bytes are to be decoded, and where that had to be guessed."""

    name: str
    guessed_at_line: int | None
    nul_at_line: int | None


def head_of(path: Path) -> bytes:
    """The first bytes of a readable, non-empty file that may be text.

    Raises NotFound or Invalid, one sentence and a hint, for everything else.
    """
    if path.is_dir():
        raise Invalid(f"{path} is a folder. Name the files in it, such as {path}/*.ics.")
    try:
        with path.open("rb") as file:
            head = file.read(1 << 16)
    except FileNotFoundError as missing:
        raise NotFound(f"There is no file {path}. Check the name, or give the whole path.") from missing
    except OSError as refused:
        raise Invalid(f"{path} cannot be opened: {refused.strerror}. Check who may read it.") from refused
    if head.startswith(_ZIP):
        raise Invalid(
            f"{path} is a zip archive or an Excel workbook. Unzip it and name the .ics files inside, "
            "or save the sheet as CSV."
        )
    if head.startswith(_OLD_EXCEL):
        raise Invalid(f"{path} is an Excel workbook. Save the sheet as CSV and try again.")
    if not head.strip(b"\0 \t\r\n\xef\xbb\xbf"):
        raise Invalid(f"{path} is empty. {_WRITE_CSV}")
    return head


def encoding_of(path: Path, head: bytes) -> Encoding:
    """UTF-8 and UTF-16 are recognised; anything else is taken for Windows-1252, the usual case of an old export.

    A file that is UTF-8 but for a few bad bytes stays UTF-8.
    """
    if head.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        return Encoding("utf-16", None, None)
    if head[1:200:2].count(0) > 40:
        return Encoding("utf-16-le", None, None)
    if head[0:200:2].count(0) > 40:
        return Encoding("utf-16-be", None, None)
    bad = good = 0
    bad_line = nul_line = None
    line = 1
    for chunk in _decoded(path):
        if nul_line is None and "\0" in chunk:
            nul_line = line + chunk[: chunk.index("\0")].count("\n")
        if not chunk.isascii():
            if bad_line is None and _REPLACEMENT in chunk:
                bad_line = line + chunk[: chunk.index(_REPLACEMENT)].count("\n")
            replaced = chunk.count(_REPLACEMENT)
            bad += replaced
            good += len(chunk) - len(chunk.encode("ascii", "ignore")) - replaced
        line += chunk.count("\n")
    return Encoding("utf-8-sig" if good >= bad else "cp1252", bad_line, nul_line)


def report_encoding(encoding: Encoding, reading: Reading) -> None:
    """Note in ``reading`` what had to be mended to read the text."""
    if encoding.guessed_at_line is not None:
        how = "the whole file was read as Windows-1252" if encoding.name == "cp1252" else "it was replaced by a mark"
        reading.problem(encoding.guessed_at_line, f"a byte here is not UTF-8; {how}.")
    if encoding.nul_at_line is not None:
        reading.problem(encoding.nul_at_line, "NUL bytes were dropped here (and wherever else they appear).")


def lines_of(path: Path, encoding: Encoding) -> Iterator[str]:
    """The lines with their ends, without NUL bytes."""
    with path.open(encoding=encoding.name, errors="replace", newline="") as file:
        if encoding.nul_at_line is None:
            yield from file
        else:
            for line in file:
                yield line.replace("\0", "")


def _decoded(path: Path) -> Iterator[str]:
    decoder = codecs.getincrementaldecoder("utf-8")("replace")
    with path.open("rb") as file:
        while chunk := file.read(CHUNK_BYTES):
            yield decoder.decode(chunk)
        yield decoder.decode(b"", final=True)
