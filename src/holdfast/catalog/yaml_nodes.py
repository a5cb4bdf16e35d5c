"""Read YAML by its nodes: every value still knows its line, and no word is quietly taken for something else.

Composing stops before YAML's own idea of types, so ``no`` stays a word, ``1:10`` is not 70, and a name may be 007.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from typing import Any, Final

import yaml

from holdfast.errors import Invalid

LARGEST_BYTES: Final = 2_000_000
MOST_PROBLEMS: Final = 50
LEAST_LIKENESS: Final = 0.6
_DURATION: Final = re.compile(
    r"(?P<sign>-)?(?:(?P<hours>\d{1,3}) ?h(?:ours?)?)? ?(?:(?P<minutes>\d{1,5}) ?(?:m|min|minutes?)?)?", re.ASCII
)
_PRICE: Final = re.compile(r"(\d{1,7})(?:\.(\d{1,2}))?", re.ASCII)


@dataclass(frozen=True, slots=True)
class Remark:
    """Something about one line of the file (counted from 1)."""

    line: int
    message: str


class FileInvalid(Invalid):
    """The file says something that cannot be; ``remarks`` say where, what, and what to write instead."""

    code = "catalog-file-invalid"
    title = "The file cannot be read as a catalog"

    def __init__(self, remarks: list[Remark]) -> None:
        self.remarks = sorted(remarks, key=lambda remark: remark.line)[:MOST_PROBLEMS]
        first = self.remarks[0]
        super().__init__(
            f"line {first.line}: {first.message}",
            problems=[{"line": remark.line, "message": remark.message} for remark in self.remarks],
        )


class Remarks:
    """What is wrong so far. Readers note a problem and go on with a stand-in, so that one run tells everything."""

    def __init__(self) -> None:
        self.problems: list[Remark] = []

    def add(self, node: yaml.Node, message: str) -> None:
        self.problems.append(Remark(line_of(node), message))

    def stop_if_any(self) -> None:
        if self.problems:
            raise FileInvalid(self.problems)


def compose(text: str) -> yaml.Node:
    """The root node of the one document in ``text``. Raises FileInvalid."""
    if len(text.encode(errors="replace")) > LARGEST_BYTES:
        raise FileInvalid([Remark(1, f"the file is larger than {LARGEST_BYTES // 1_000_000} MB: is it a catalog?")])
    try:
        root = yaml.compose(text, Loader=yaml.SafeLoader)
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        told = f"this is not YAML: {error.problem or error.context}. Check the indentation and the quotes."
        raise FileInvalid([Remark(mark.line + 1 if mark else 1, told)]) from None
    except yaml.reader.ReaderError as error:
        line = text.count("\n", 0, error.position) + 1
        told = f"there is a character that no text has (code {error.character:#x})."
        raise FileInvalid([Remark(line, told)]) from None
    except RecursionError:
        raise FileInvalid([Remark(1, "brackets or lists are nested too deep.")]) from None
    if root is None:
        raise FileInvalid([Remark(1, "the file is empty. Start with a line such as `organization: My Clinic`.")])
    return root


def line_of(node: yaml.Node) -> int:
    return int(node.start_mark.line) + 1


def near(word: str, known: Collection[str]) -> str:
    """``" Did you mean x or y?"``, or, when nothing is like it and there are few, what there is; may be empty."""
    likeness = {each: difflib.SequenceMatcher(None, word.lower(), each).ratio() for each in sorted(known)}
    best = max(likeness.values(), default=0)
    if best >= LEAST_LIKENESS:
        return f" Did you mean {' or '.join(each for each in likeness if likeness[each] > best - 0.1)}?"
    return f" There is: {', '.join(sorted(known))}." if 0 < len(known) <= 12 else ""


class Mapping:
    """The keys of a mapping node, taken one by one; what nobody has taken at the end is unknown."""

    def __init__(self, node: yaml.Node, what: str, remarks: Remarks) -> None:
        self.node = node
        self._what = what
        self._remarks = remarks
        self._values = dict(pairs(node, what, remarks))
        self._known: list[str] = []

    def take(self, key: str) -> yaml.Node | None:
        """The value of ``key``, or None when it is not there or left empty."""
        self._known.append(key)
        for name, value in self._values.items():
            if name.value == key:
                return None if is_empty(value) else value
        return None

    def text(self, key: str, default: str) -> str:
        node = self.take(key)
        return default if node is None else text(node, key, self._remarks)

    def integer(self, key: str, default: int, *, least: int, most: int) -> int:
        node = self.take(key)
        return default if node is None else integer(node, key, self._remarks, least=least, most=most)

    def minutes(self, key: str, default: int, *, least: int, most: int) -> int:
        node = self.take(key)
        return default if node is None else minutes(node, key, self._remarks, least=least, most=most)

    def finish(self) -> None:
        """Every key that was not taken is a problem, with what may have been meant."""
        for name in self._values:
            if name.value not in self._known:
                self._remarks.add(name, f"{self._what} has no {name.value[:60]!r}.{near(name.value, self._known)}")


def pairs(node: yaml.Node, what: str, remarks: Remarks) -> Iterator[tuple[yaml.ScalarNode, yaml.Node]]:
    """The keys and values of a mapping; a problem when it is none, or a key comes twice."""
    if is_empty(node):
        return
    if not isinstance(node, yaml.MappingNode):
        remarks.add(node, f"{what} is written as `key: value` lines.")
        return
    seen: dict[str, int] = {}
    for name, value in node.value:
        if not isinstance(name, yaml.ScalarNode):
            remarks.add(name, f"a key in {what} is one plain word.")
        elif name.value in seen:
            remarks.add(name, f"{name.value[:60]!r} is here twice, first in line {seen[name.value]}.")
        else:
            seen[name.value] = line_of(name)
            yield name, value


def items(node: yaml.Node, what: str, remarks: Remarks) -> list[yaml.Node]:
    """The items of a list; one word alone is a list of one."""
    if is_empty(node):
        return []
    if isinstance(node, yaml.SequenceNode):
        return list(node.value)
    if isinstance(node, yaml.ScalarNode):
        return [node]
    remarks.add(node, f"{what} is a list, such as [first, second].")
    return []


def words(node: yaml.Node, what: str, remarks: Remarks) -> list[yaml.ScalarNode]:
    """The items of a list of words."""
    found = []
    for item in items(node, what, remarks):
        if isinstance(item, yaml.ScalarNode):
            found.append(item)
        else:
            remarks.add(item, f"{what} lists plain words.")
    return found


# As the domain `label` has it.
_UNSEEN: Final = re.compile(r"[\x00-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]")


def text(node: yaml.Node, what: str, remarks: Remarks, *, most: int = 200) -> str:
    """One line of text."""
    if not isinstance(node, yaml.ScalarNode):
        remarks.add(node, f"{what} is one line of text.")
        return what
    value: str = node.value
    if not 1 <= len(value) <= most or _UNSEEN.search(value):
        remarks.add(
            node, f"{what} has 1 to {most} characters, and none that controls a screen or the direction of writing."
        )
        return what
    return value


def integer(node: yaml.Node, what: str, remarks: Remarks, *, least: int, most: int) -> int:
    """A whole number."""
    value = _scalar(node)
    if not re.fullmatch(r"-?\d{1,9}", value, re.ASCII) or not least <= int(value) <= most:
        remarks.add(node, f"{what} is {value[:40]!r}; write a whole number from {least} to {most:,}.")
        return least
    return int(value)


def minutes(node: yaml.Node, what: str, remarks: Remarks, *, least: int, most: int) -> int:
    """A length in minutes: ``70``, ``1h10``, ``1h`` or ``70 min``."""
    value = _scalar(node).strip()
    shape = _DURATION.fullmatch(value)
    if shape is None or not (shape["hours"] or shape["minutes"]):
        remarks.add(node, f"{what} is {value[:40]!r}; write minutes such as 70, or 1h10.")
        return max(least, 1)
    length = int(shape["hours"] or 0) * 60 + int(shape["minutes"] or 0)
    length = -length if shape["sign"] else length
    if not least <= length <= most:
        remarks.add(node, f"{what} is {length} minutes; it can be from {least} to {most}.")
        return max(least, 1)
    return length


def cents(node: yaml.Node, what: str, remarks: Remarks) -> int:
    """An amount of money: ``350`` or ``49.50``."""
    value = _scalar(node)
    shape = _PRICE.fullmatch(value)
    if shape is None:
        remarks.add(node, f"{what} is {value[:40]!r}; write an amount such as 350 or 49.50, without a currency.")
        return 0
    return int(shape[1]) * 100 + int((shape[2] or "").ljust(2, "0"))


def _scalar(node: yaml.Node) -> str:
    return str(node.value) if isinstance(node, yaml.ScalarNode) else "a list"


def is_empty(node: yaml.Node) -> bool:
    # `key:` with nothing after it, or an explicit null
    empty: Any = isinstance(node, yaml.ScalarNode) and node.tag == "tag:yaml.org,2002:null"
    return bool(empty)
