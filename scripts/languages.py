"""What pages say, and whether every language says it too.

    make languages              each catalog: what is missing, what nothing says any more, what does not fit
    make languages ARGS="de"    the same, and write what is missing into locales/de, begun if it is not there

The words come from the templates, from the calls that say them in Python, and from the tables of sentences. A sentence
that is made with an f-string is in no catalog: `said("Wait {seconds} seconds.", seconds=5)` is how it is written.
"""

from __future__ import annotations

import ast
import io
import re
import sys
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from string import Formatter
from typing import Final, get_args

from babel import Locale, UnknownLocaleError
from babel.messages.catalog import Catalog
from babel.messages.extract import extract_from_dir
from babel.messages.pofile import read_po, write_po

from holdfast import errors
from holdfast.access.model import SURFACES
from holdfast.access.staff import Permission, Role
from holdfast.availability import permit, standing
from holdfast.catalog.starters import STARTERS
from holdfast.db.constraints import RULES
from holdfast.http.message_links import WORDS
from holdfast.http.problems import MethodNotAllowed
from holdfast.messages.templates import VARIABLES
from holdfast.waitlist.service import ENDED

SOURCE: Final = Path(__file__).parent.parent / "src" / "holdfast"
LOCALES: Final = SOURCE / "web" / "locales"
# Read by operators and programs, in English: no page shows what these say.
NOT_PAGES: Final = ("cli", "config.py", "demo", "insight", "http/api", "http/problems.py", "log/replay.py")
# The states that a refusal names.
STATES: Final = (
    "live", "confirmed", "released", "expired", "checked_in", "completed", "cancelled", "no_show", "pending",
    "delivered", "dead", "discarded", "sent", "skipped", "accepted", "declined", "lapsed", "overridden", "lost", "open",
)  # fmt: skip
# Whose limit or cap was met, which kind of thing is not there, which part of a message is wrong.
OTHER_TERMS: Final = (
    "visitor", "network", "actor", "slot", "client", "location", "resource", "service", "pool", "hold", "appointment",
    "visit", "series", "block", "delivery", "message", "waitlist entry", "offer", "webhook endpoint", "event",
    "collision", "api key", "subject", "email", "sms", "provider", "room", "device", "other", "hours", "breaks",
    "closures", "extra", "time off",
)  # fmt: skip
SAYING: Final = frozenset({"gettext", "_", "said"})
_PERCENT: Final = re.compile(r"%\((\w+)\)s")


@dataclass(frozen=True, slots=True, order=True)
class Said:
    """One message and where it stands; ``plural`` is empty for most."""

    text: str
    plural: str = ""
    where: str = ""


@cache
def messages() -> dict[str, Said]:
    """All that pages say, by message."""
    found: dict[str, Said] = {}
    for each in (*_of_templates(), *_of_python(), *_of_tables()):
        if each.text:
            found.setdefault(each.text, each)
    return found


def unreadable() -> list[str]:
    """Refusals that a page can show whose sentence is no plain text: nobody can translate those."""
    return [
        f"{where}: {ast.unparse(call.args[0])}"
        for where, tree in _trees()
        for call in _calls(tree)
        if _name(call) in _refusals() and call.args and isinstance(call.args[0], ast.JoinedStr)
    ]


def catalog(tag: str, folder: Path = LOCALES) -> Catalog:
    """All that the language says, from its files together."""
    words = Catalog(_locale(tag))
    for file in sorted((folder / tag / "LC_MESSAGES").glob("*.po")):
        for message in read_po(io.BytesIO(file.read_bytes()), locale=_locale(tag)):
            words[message.id] = message
    return words


def said_twice(tag: str, folder: Path = LOCALES) -> list[str]:
    """What two files of the language say, of which only one would be heard."""
    files = (folder / tag / "LC_MESSAGES").glob("*.po")
    said = Counter(_id(message.id) for file in files for message in read_po(io.BytesIO(file.read_bytes())))
    return [text for text, times in said.items() if text and times > 1]


def missing(words: Catalog) -> list[Said]:
    """What the language does not say."""
    return [each for text, each in messages().items() if not _translation(words, text)]


def unused(words: Catalog) -> list[str]:
    """What the language says and nothing asks for."""
    known = messages()
    return [text for text in (_id(message.id) for message in words) if text and text not in known]


def misfits(words: Catalog) -> list[str]:
    """Messages whose translation has other blanks to fill than the English words."""
    found = []
    for message in words:
        said = message.string if isinstance(message.string, (list, tuple)) else (message.string,)
        wanted = blanks(_id(message.id))
        if message.id and any(text and not blanks(text) <= wanted for text in said):
            found.append(_id(message.id))
        elif message.id and isinstance(message.id, str) and message.string and blanks(str(message.string)) != wanted:
            found.append(message.id)
    return found


def blanks(text: str) -> set[str]:
    """The names of what fills it: ``%(name)s`` of templates, ``{name}`` of refusals."""
    if names := set(_PERCENT.findall(text)):
        return names
    try:
        return {name for _, name, _, _ in Formatter().parse(text) if name}
    except ValueError:
        return set()  # braces that are none of ours


def write_missing(tag: str, folder: Path = LOCALES) -> int:
    """Add what is missing, untranslated, to the language's messages.po; how much that was."""
    lacking = missing(catalog(tag, folder))
    target = folder / tag / "LC_MESSAGES" / "messages.po"
    target.parent.mkdir(parents=True, exist_ok=True)
    words = read_po(io.BytesIO(target.read_bytes()), locale=_locale(tag)) if target.exists() else Catalog(_locale(tag))
    for each in sorted(lacking):
        words.add((each.text, each.plural) if each.plural else each.text, locations=[(each.where, 0)])
    with target.open("wb") as file:
        write_po(file, words, width=120, include_lineno=False)
    return len(lacking)


def _locale(tag: str) -> str:
    """As Babel writes it. Raises ValueError or UnknownLocaleError for what is no language."""
    return str(Locale.parse(tag, sep="-"))


def _translation(words: Catalog, text: str) -> bool:
    message = words.get(text)
    if message is None:
        return False
    said = message.string if isinstance(message.string, (list, tuple)) else (message.string,)
    return all(said)


def _id(id: object) -> str:
    return str(id[0]) if isinstance(id, (list, tuple)) else str(id)


def _of_templates() -> Iterator[Said]:
    options = {"**.html": {"extensions": "jinja2.ext.i18n", "newstyle_gettext": "true"}}
    found = extract_from_dir(SOURCE / "web" / "templates", [("**.html", "jinja2.ext:babel_extract")], options)
    for file, _, message, _, _ in found:
        where = f"web/templates/{file}"
        yield Said(message[0], message[1], where) if isinstance(message, tuple) else Said(message, where=where)


def _of_python() -> Iterator[Said]:
    for where, tree in _trees():
        constants = _constants(tree)
        for call in _calls(tree):
            name = _name(call)
            words = [_text(each, constants) for each in call.args[:2]] + ["", ""]
            if name in SAYING or name in _refusals() or (name == "ValueError" and where.startswith("catalog/")):
                yield Said(words[0], where=where)
            elif name == "wrong":  # Reader.wrong(field, words)
                yield Said(words[1], where=where)
            elif name == "ngettext":
                yield Said(words[0], words[1], where)


def _of_tables() -> Iterator[Said]:
    yield Said(errors.Bug.title, where="errors.py")
    for kind in _refusals().values():
        yield Said(kind.title, where="errors.py")
    for _, sentence in RULES.values():
        yield Said(sentence, where="db/constraints.py")
    for table in (permit.SENTENCES, standing.SENTENCES, ENDED, VARIABLES):
        yield from (Said(sentence) for sentence in table.values())
    for pair in WORDS.values():
        yield from map(Said, pair)
    for starters in STARTERS.values():
        yield from (Said(word) for starter in starters for word in (starter.name, starter.category))
    terms = (*get_args(Permission), *get_args(Role), *SURFACES, *STATES, *OTHER_TERMS)
    yield from (Said(term.replace("_", " "), where="a word that fills a sentence") for term in terms)


def _trees() -> Iterator[tuple[str, ast.Module]]:
    for file in sorted(SOURCE.rglob("*.py")):
        where = file.relative_to(SOURCE).as_posix()
        if not where.startswith(NOT_PAGES):
            yield where, ast.parse(file.read_text("utf-8"))


def _calls(tree: ast.Module) -> Iterator[ast.Call]:
    return (node for node in ast.walk(tree) if isinstance(node, ast.Call))


def _name(call: ast.Call) -> str:
    named = call.func
    return named.attr if isinstance(named, ast.Attribute) else named.id if isinstance(named, ast.Name) else ""


def _constants(tree: ast.Module) -> dict[str, str]:
    """Texts that have a name, by name."""
    found = {}
    for node in ast.walk(tree):
        target = node.targets[0] if isinstance(node, ast.Assign) else getattr(node, "target", None)
        value = node.value if isinstance(node, (ast.Assign, ast.AnnAssign)) else None
        if isinstance(target, ast.Name) and isinstance(value, ast.Constant) and isinstance(value.value, str):
            found[target.id] = value.value
    return found


def _text(argument: ast.expr, constants: Mapping[str, str]) -> str:
    if isinstance(argument, ast.Name):
        return constants.get(argument.id, "")
    return argument.value if isinstance(argument, ast.Constant) and isinstance(argument.value, str) else ""


def _refusals() -> dict[str, type[errors.HoldfastError]]:
    """What people and programs are refused with; who starts Holdfast reads SetupRefused, who reports a bug, Bug."""
    kinds = (each for each in (*vars(errors).values(), MethodNotAllowed) if isinstance(each, type))
    told_elsewhere = (errors.SetupRefused, errors.Bug)
    return {
        each.__name__: each for each in kinds if issubclass(each, errors.HoldfastError) and each not in told_elsewhere
    }


def report() -> tuple[list[str], list[str]]:
    """What is wrong with any language, and what is merely left over."""
    wrong, left = [f"no plain text: {each}" for each in unreadable()], []
    for folder in sorted(LOCALES.iterdir()):
        words = catalog(folder.name)
        wrong += [f"{folder.name}: missing ({each.where}): {each.text}" for each in missing(words)]
        wrong += [f"{folder.name}: two files say this: {text}" for text in said_twice(folder.name)]
        wrong += [f"{folder.name}: has other blanks to fill: {text}" for text in misfits(words)]
        left += [f"{folder.name}: nothing says this: {text}" for text in unused(words)]
    return wrong, left


def main(arguments: list[str]) -> int:
    try:
        for tag in arguments:
            sys.stdout.write(f"{tag}: {write_missing(tag)} messages added to {LOCALES / tag}, to be translated\n")
    except (ValueError, UnknownLocaleError):
        sys.stderr.write("That is no language that dates can be written in: one looks like de, or pt-BR.\n")
        return 2
    wrong, left = report()
    sys.stdout.write("\n".join([*left, *wrong] if wrong else [*left, "Every language says everything."]) + "\n")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
