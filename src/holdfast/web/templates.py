"""The templates: Jinja2 with everything escaped and nothing undefined, in one language at a time."""

from __future__ import annotations

from functools import cache
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined

from holdfast.web.languages import Language, own_name

EXTENSIONS = ("jinja2.ext.i18n",)


def render(name: str, language: Language, **context: Any) -> str:
    """The page ``name`` (such as ``error.html``) in ``language``, which templates know as ``l10n``."""
    return _environment(language.tag).get_template(name).render(l10n=language, **context)


@cache
def _environment(tag: str) -> Environment:
    environment = Environment(
        loader=PackageLoader("holdfast.web", "templates"),
        autoescape=True,
        undefined=StrictUndefined,
        extensions=EXTENSIONS,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.globals["own_name"] = own_name
    environment.install_gettext_translations(Language(tag).translations, newstyle=True)  # type: ignore[attr-defined]
    return environment
