"""The tables in memory, for what is about rows and not about files."""

from collections.abc import Iterator

import apsw
import pytest

from ozrules.store import schema


@pytest.fixture
def db() -> Iterator[apsw.Connection]:
    connection = apsw.Connection(":memory:")
    with connection:
        schema.migrate(connection)
    yield connection
    connection.close()
