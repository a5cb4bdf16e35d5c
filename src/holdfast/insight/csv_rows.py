"""Rows of a CSV file, where one stray quote costs no more than its own row.

By RFC 4180 section 2 a quoted field may hold line breaks, so a quote that nobody closes takes every row after it along.
A field that goes on over lines which are rows themselves was never meant to: it is read again without that quote.
"""

from __future__ import annotations

import csv
from collections import deque
from collections.abc import Callable, Iterator
from typing import Final, Literal, NamedTuple

Cells = list[str]
_STRAY: Final = "a quote opens here and is never closed; it was read as if it were not there"


class Row(NamedTuple):
    """The cells of a row, the line it starts on (1 is the first), and what had to be mended to read it, if anything."""

    line: int
    cells: Cells
    mended: str = ""


def rows_of(lines: Iterator[str], delimiter: str, is_row: Callable[[Cells], bool]) -> Iterator[Row]:
    """Every row, blank ones too. ``is_row`` tells whether cells by themselves look like a row of this file.

    Keeps no more lines in memory than one row takes, which ``csv.field_size_limit`` bounds.
    """
    again: deque[str] = deque()
    taken: list[str] = []
    ran_out = False

    def feed() -> Iterator[str]:
        nonlocal ran_out
        while (text := again.popleft() if again else next(lines, None)) is not None:
            taken.append(text)
            yield text
        ran_out = True

    reader, line = csv.reader(feed(), delimiter=delimiter), 1
    while True:
        taken.clear()
        try:
            cells = next(reader, None)
        except csv.Error:  # a field longer than the limit: nobody writes such a note
            cells = None
            if not taken:
                return
        else:
            if cells is None:
                return
        # The reader asks for a line after the last one only when a quote is still open.
        if cells is None or ran_out or any(is_row(_cells(text, delimiter)) for text in taken[1:]):
            row = _mended(line, taken[0], delimiter, is_row)
            again.extendleft(reversed(taken[1:]))
            del taken[1:]
            ran_out = False
            reader = csv.reader(feed(), delimiter=delimiter)
        else:
            row = Row(line, cells)
        yield row
        line += len(taken)


def _mended(line: int, text: str, delimiter: str, is_row: Callable[[Cells], bool]) -> Row:
    """The row of one line, without the quote that was never closed: the last one that makes it a row when left out."""
    if '"' not in text:
        return Row(line, [], f"a field of more than {csv.field_size_limit():,} characters stands here")
    for position in range(len(text) - 1, -1, -1):
        if text[position] == '"':
            cells = _cells(text[:position] + text[position + 1 :], delimiter)
            if is_row(cells) and not any(cell.endswith(("\n", "\r")) for cell in cells):
                return Row(line, cells, _STRAY)
    return Row(line, _cells(text, delimiter, csv.QUOTE_NONE), _STRAY)


def _cells(text: str, delimiter: str, quoting: Literal[0, 3] = csv.QUOTE_MINIMAL) -> Cells:
    try:
        return next(csv.reader([text], delimiter=delimiter, quoting=quoting), [])
    except csv.Error:
        return []
