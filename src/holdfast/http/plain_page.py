"""Pages for people who read the API: one small style sheet, no scripts, nothing from any other host."""

from __future__ import annotations

import base64
import hashlib
from typing import Final

from fastapi.responses import HTMLResponse

_STYLE: Final = """
:root { color-scheme: light dark; --ink: light-dark(#1c2430, #e6e9ee); --soft: light-dark(#5b6675, #9aa5b4);
  --line: light-dark(#dde2e8, #333b46); --fill: light-dark(#f4f6f8, #1d232b); --link: light-dark(#0b5cad, #7ab8ff); }
body { margin: 0; font: 16px/1.55 system-ui, sans-serif; color: var(--ink); background: light-dark(#fff, #12161b); }
main { max-width: 56rem; margin: 0 auto; padding: 2rem 1.25rem 4rem; }
h1 { line-height: 1.2; } h2 { margin-top: 2.5rem; text-transform: capitalize; } a { color: var(--link); }
code, pre { font: 0.875em/1.5 ui-monospace, monospace; background: var(--fill); border-radius: 4px; }
code { padding: 0.1em 0.3em; } pre { padding: 0.75rem 1rem; overflow-x: auto; } pre code { padding: 0; }
details { border: 1px solid var(--line); border-radius: 8px; margin: 0.5rem 0; }
summary { cursor: pointer; padding: 0.6rem 1rem; } details > div { padding: 0 1rem 1rem; }
summary b { display: inline-block; min-width: 4.5rem; } summary span, .soft { color: var(--soft); }
table { border-collapse: collapse; width: 100%; } th, td { text-align: left; vertical-align: top;
  padding: 0.35rem 0.75rem 0.35rem 0; border-bottom: 1px solid var(--line); } td p { margin: 0; }
"""
# The style is in the page and named by its hash, so the policy needs neither 'unsafe-inline' nor another request.
_HASH: Final = base64.b64encode(hashlib.sha256(_STYLE.encode()).digest()).decode()
_POLICY: Final = f"default-src 'none'; style-src 'sha256-{_HASH}'; frame-ancestors 'none'; base-uri 'none'"
_PAGE: Final = """<!doctype html>
<html lang="{language}"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">
<title>{title} · Holdfast</title><style>{style}</style></head><body><main><h1>{title}</h1>{body}</main></body></html>
"""


def plain_page(title: str, body: str, *, language: str = "en") -> HTMLResponse:
    """A page with this heading; both are HTML already, in ``language``."""
    return HTMLResponse(
        _PAGE.format(language=language, title=title, style=_STYLE, body=body),
        headers={"Content-Security-Policy": _POLICY},
    )
