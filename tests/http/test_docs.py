"""The written page says what the code does."""

from __future__ import annotations

import re
import runpy
from pathlib import Path

from holdfast.http.app import build_app
from holdfast.http.limits import BODY_BYTES_MAX
from tests.http.conftest import SECRET

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "api.md").read_text("utf-8")


def test_the_table_of_problems_is_the_one_of_the_code() -> None:
    script = runpy.run_path(str(ROOT / "scripts" / "problem-table"))
    assert script["page_with_table"](PAGE) == PAGE, "run scripts/problem-table"
    assert script["table"]() in PAGE


def test_every_address_it_names_exists() -> None:
    known = {re.sub(r"{\w+}", "{id}", path) for path in build_app("", secret=SECRET).openapi()["paths"]}
    for path in re.findall(r"(?:GET|POST|DELETE) (/v1/[a-z_/{}-]+)", PAGE):
        assert path in known, path
    assert f"{BODY_BYTES_MAX // 1024} KiB" in PAGE
