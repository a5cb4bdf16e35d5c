"""One provider, one room, one laser: a time that is taken is taken."""

from __future__ import annotations

from typing import Any

import psycopg
import pytest

from holdfast.db.transact import Record
from tests.clinic import Clinic, open_clinic, requires
from tests.waitlist.line import Line


@pytest.fixture
def studio(app: psycopg.Connection[Any]) -> Clinic:
    """``facial`` takes an hour of Ana and the room, ``peel`` half an hour, ``laser`` an hour and the device."""
    clinic = open_clinic(app, "studio")
    clinic.resource("ana", "provider")
    clinic.resource("room", "room")
    clinic.resource("laser", "device")
    for pool, member in (("providers", "ana"), ("rooms", "room"), ("lasers", "laser")):
        clinic.pool(pool, [member])
    clinic.service("facial", 60, requires("provider", "providers", (0, 60)), requires("room", "rooms", (0, 60)))
    clinic.service("peel", 30, requires("provider", "providers", (0, 30)))
    clinic.service("laser", 60, requires("provider", "providers", (0, 60)), requires("device", "lasers", (10, 50)))
    return clinic


@pytest.fixture
async def line(record: Record, studio: Clinic, admin: psycopg.Connection[Any]) -> Line:
    line = Line(record, studio, admin)
    await line.always_awake()
    return line
