"""The story of an appointment over HTTP."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta

from tests.http.houses import ADA, House, assert_problem, made, visit


def test_reading_an_appointment_s_events_tells_its_story(spa: House, day: Callable[[], datetime]) -> None:
    start = day()
    hold = made(spa.widget.post("/v1/holds", json=visit(start)))
    appointment = made(spa.widget.post("/v1/appointments", json={"hold_id": hold["id"], "client": ADA}))
    address = f"/v1/appointments/{appointment['id']}"
    later = (start + timedelta(hours=3)).isoformat()
    made(spa.desk.post(f"{address}/reschedule", json={"start": later}))
    made(spa.desk.post(f"{address}/cancel", json={"reason": "ill"}))

    story = made(spa.reader.get(f"{address}/history"))
    assert [event["type"] for event in story["items"]] == [
        "hold.placed",
        "hold.confirmed",
        "appointment.booked",
        "hold.placed",
        "hold.released",
        "appointment.rescheduled",
        "hold.released",
        "appointment.cancelled",
    ]
    assert [event["surface"] for event in story["items"]][:3] == ["widget"] * 3
    assert story["items"][0]["subject"] == hold["id"]
    assert story["items"][-1]["subject"] == appointment["id"]
    assert ADA["name"] not in str(story), "a story names nobody"
    assert_problem(spa.widget.get(f"{address}/history"), 403, "forbidden")
