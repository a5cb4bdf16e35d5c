"""The med spa of the page tests: open around the clock every day, so that there is a slot whenever a test runs."""

from __future__ import annotations

from typing import Any

import psycopg

from tests.clinic import Clinic, Desk, requires


def open_glow(connection: psycopg.Connection[Any]) -> Clinic:
    """Two injectors, two rooms, one laser; ``botox``, ``laser`` and ``consult`` at one location in Chicago."""
    organization_id = Desk(connection, None)("create_organization", slug="glow", name="Glow")["create_organization"]
    desk = Desk(connection, organization_id)
    location = desk(
        "put_location", slug="austin", name="Austin", time_zone="America/Chicago", address="200 Congress Ave, Austin"
    )
    clinic = Clinic(organization_id, location["put_location"], desk)
    for slug, name in (("ana", "Ana Ruiz"), ("ben", "Ben Ode")):
        clinic.resources[slug] = desk(
            "put_resource", slug=slug, name=name, kind="provider", location_ids=[clinic.location_id], capacity=1
        )["put_resource"]
    for room in ("room-1", "room-2"):
        clinic.resource(room, "room")
    clinic.resource("laser", "device")
    clinic.pool("injectors", ["ana", "ben"])
    clinic.pool("rooms", ["room-1", "room-2"])
    clinic.pool("lasers", ["laser"])
    clinic.service("botox", 30, requires("injector", "injectors", (0, 30)), requires("room", "rooms", (0, 30)))
    clinic.service("laser", 60, requires("device", "lasers", (0, 60)), requires("room", "rooms", (0, 60)))
    clinic.service("consult", 30, requires("provider", "injectors", (0, 30)))
    return clinic
