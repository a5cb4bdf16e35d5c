from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.postgres import PostgresForTests


@pytest.fixture(scope="module")
def storm_url(postgres: PostgresForTests) -> Iterator[str]:
    """An empty database. Deadlocks are noticed soon: the recipe that makes them must not make the tests slow."""
    with postgres.clone("template0") as urls:
        name = urls.owner.split("?")[0].rsplit("/", 1)[1]
        with postgres.administrator() as admin:
            admin.execute(f"alter database {name} set deadlock_timeout = '10ms'")
        yield urls.owner
