"""A day at the clinic on which everything happens that can: every command, so every type of event."""

from __future__ import annotations

from uuid import uuid4

from tests.clinic import CLIENT, Clinic, Desk, at


def live_a_busy_day(spa: Clinic) -> None:
    """On a med spa of its own; leaves live and settled rows of every kind behind."""
    desk = spa.desk
    _visits(spa)
    _overbooks(spa)
    _together(spa)
    block = desk("place_block", resource_id=spa.resources["room-2"], start=at(600), end=at(600 + 9 * 1440), reason="")
    desk("place_block", resource_id=spa.resources["laser"], start=at(900), end=at(960), reason="maintenance")
    desk("remove_block", block_id=block["id"])
    _outside(spa)
    _resources(spa)
    _staff(spa)
    _booking_page(spa)
    key = desk("create_api_key", name="desk", key_hash=uuid4().bytes * 2, key_hint="hf_", scopes=["read"],
               surfaces=["desk"])["create_api_key"]  # fmt: skip
    desk("revoke_api_key", api_key_id=key)
    desk("set_hold_policy", surface="widget", changes={"ttl_seconds": 240})


def _visits(spa: Clinic) -> None:
    desk = spa.desk
    walk_in = Desk(desk.connection, desk.organization_id, "key_walk_in", "walk_in")
    held = spa.hold("laser", 0, walk_in)
    desk("extend_hold", hold_id=held["id"])
    visit = desk("confirm_hold", hold_id=held["id"], client={"name": "Ada Byron", "phone": "+15550100200"})
    desk("set_client_language", client_id=visit["client_id"], language="es")
    desk("reschedule", appointment_id=visit["id"], revision=1, start=at(30))
    onto = spa.hold("laser", 200)
    desk("reschedule", appointment_id=visit["id"], revision=2, hold_id=onto["id"])
    desk("check_in", appointment_id=visit["id"], revision=3)
    desk("complete", appointment_id=visit["id"], revision=4)
    desk("change_note", appointment_id=visit["id"], revision=5, note="Likes the window")
    desk("change_client", client_id=visit["client_id"], revision=1, name="Ada King", email=None, phone="+15550100200")
    desk("cancel", appointment_id=spa.book("laser", 60)["id"], revision=None, reason="rain")
    desk("no_show", appointment_id=spa.book("laser", 60)["id"], revision=None)
    desk("release_hold", hold_id=spa.hold("consult", 0)["id"])
    spa.hold("consult", 400)
    spa.hold("consult", 500, ttl_seconds=1)
    desk.connection.execute("select pg_sleep(1.1)")  # the one lapse that is lived through
    spa.hold("consult", 500, choices={"provider": [[str(spa.resources["ana"])]]})


def _together(spa: Clinic) -> None:
    """Visits of two appointments, and a series of two visits: held, left, booked, moved and called off."""
    desk = spa.desk

    def pair(minutes: int) -> list[dict[str, object]]:
        return [
            {"service_id": str(spa.services["consult"]), "start": at(minutes + after).isoformat()} for after in (0, 30)
        ]

    held = desk("place_visit", location_id=spa.location_id, items=pair(4000))["visit_id"]
    desk("extend_visit", visit_id=held)
    given_back = desk("place_visit", location_id=spa.location_id, items=pair(4000))["visit_id"]
    desk("release_visit", visit_id=given_back)
    booked = desk("place_visit", location_id=spa.location_id, items=pair(4200))["visit_id"]
    appointments = desk.all("confirm_visit", visit_id=booked, client=CLIENT)
    moves = [{"appointment_id": str(each["id"])} | item for each, item in zip(appointments, pair(4215), strict=True)]
    desk("reschedule_visit", visit_id=booked, revision=2, moves=moves)
    desk("cancel", appointment_id=appointments[0]["id"], revision=None)
    series = {"location_id": spa.location_id, "asked": {}, "days_min": 6, "days_max": 8}
    for week, wanted in enumerate(("confirmed", "held")):
        visits = [pair(4400 + 1440 * 7 * n) for n in (2 * week, 2 * week + 1)]
        placed = desk("place_series", visits=visits, **series)["visit_id"]
        (row,) = desk.read("select series_id from holdfast.visit where id = %(id)s", id=placed)
        if wanted == "confirmed":
            desk("confirm_series", series_id=row["series_id"], client=CLIENT)


def _overbooks(spa: Clinic) -> None:
    ana = {"provider": [[str(spa.resources["ana"])]]}
    first = spa.book("consult", 300, choices=ana)
    spa.book("consult", 310, choices=ana, overbook_reason="her sister")
    spa.book("consult", 1000, choices=ana)
    spa.book("consult", 1010, choices=ana, overbook_reason="her sister")
    spa.desk("cancel", appointment_id=first["id"], revision=None)


def _outside(spa: Clinic) -> None:
    desk = spa.desk
    for event, (start, end) in {"a": (300, 330), "b": (720, 780), "c": (730, 790)}.items():
        desk("record_busy", resource_id=spa.resources["ana"], source="ana@example.org", external_id=event,
             start=at(start), end=at(end))  # fmt: skip
    moved = desk("record_busy", resource_id=spa.resources["ana"], source="ana@example.org", external_id="b",
                 start=at(725), end=at(785))  # fmt: skip
    desk("remove_busy", busy_id=moved["busy_id"])
    (collision, *_) = desk.read("select id from holdfast.collision where resolved_at is null")
    desk("resolve_collision", collision_id=collision["id"], resolution="Ana stays.")


def _resources(spa: Clinic) -> None:
    desk = spa.desk
    spa.resource("laser", "device", capacity=3)
    for minutes in (1200, 1200):
        spa.book("laser", minutes)
    desk("set_capacity", resource_id=spa.resources["laser"], capacity=2)
    spa.resource("room-3", "room")
    spa.resource("room-4", "room")
    spa.pool("spares", ["room-3", "room-4"])
    spa.service("rest", 30)
    desk("put_service", slug="rest", name="Rest", category="Tests", duration_minutes=45, price_cents=0,
         location_ids=[], requirements=[])  # fmt: skip
    desk("retire_service", service_id=spa.services["rest"])
    desk("put_pool", slug="rooms", name="Rooms", members=[
        {"resource_id": str(spa.resources[room]), "preference": place}
        for place, room in enumerate(("room-1", "room-2", "room-3"))
    ])  # fmt: skip
    for room, event, minutes in (
        ("room-1", "repair", 5000), ("room-3", "repair", 5000), ("room-1", "tour", 5100), ("room-3", "visit", 5200),
    ):  # fmt: skip
        desk("record_busy", resource_id=spa.resources[room], source="house@example.org", external_id=event,
             start=at(minutes), end=at(minutes + 60))  # fmt: skip
    desk("place_block", resource_id=spa.resources["room-1"], start=at(6000), end=at(6060), reason="Painting")
    desk("merge_resources", from_id=spa.resources["room-1"], into_id=spa.resources["room-3"])
    desk("retire_resource", resource_id=spa.resources["room-4"])
    desk("remove_pool", pool_id=spa.pools["spares"])
    other = desk("put_location", slug="other", name="Other", time_zone="Europe/Berlin")["put_location"]
    desk("put_location", slug="other", name="Other Street", time_zone="Europe/Berlin")
    desk("retire_location", location_id=other)


def _staff(spa: Clinic) -> None:
    desk = spa.desk
    for name in ("owner", "other"):
        staff = desk("create_staff", email=f"{name}@example.org", name=name, role="owner")["create_staff"]
        link = uuid4().bytes * 2
        desk("issue_staff_link", staff_id=staff, purpose="invitation", token_hash=link, ttl_seconds=60)
        desk("set_password_by_link", token_hash=link, password_hash="$argon2id$…")
    desk("change_staff", staff_id=staff, name="Other", role="provider", resource_id=spa.resources["ana"])
    desk("set_staff_totp", staff_id=staff, secret=b"sealed")
    desk("start_staff_session", staff_id=staff, token_hash=link, complete=True, account=b"", network=b"")
    desk("retire_staff", staff_id=staff)


def _booking_page(spa: Clinic) -> None:
    desk = spa.desk
    desk("set_booking_page", accent="#123456", logo=None, logo_type=None, embed_origins=["*"],
         change_notice_minutes=60, policy_text="")  # fmt: skip
    held = spa.hold("consult", 2000)
    desk("leave_hold", hold_id=held["id"], seconds=15)
    desk("return_to_hold", hold_id=held["id"])
    visit = desk("confirm_hold", hold_id=held["id"], client={"name": "Ada Byron", "phone": "+15550100200"})
    desk("issue_visit_link", appointment_id=visit["id"], token_hash=uuid4().bytes * 2)
