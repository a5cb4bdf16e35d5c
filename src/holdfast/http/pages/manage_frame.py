"""The frame of the pages under Manage: their own navigation, and what was just done."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from fastapi import Request, Response

from holdfast.access.staff import Permission, SignedIn
from holdfast.http.pages.desk_frame import desk_page
from holdfast.http.pages.pages import see

# In the order of the navigation; the template has their names.
TOPICS: Final[Mapping[str, Permission]] = {
    "locations": "manage",
    "resources": "manage",
    "pools": "manage",
    "services": "manage",
    "hold_policies": "manage",
    "waitlist": "manage",
    "booking-page": "manage",
    "messages": "manage",
    "webhooks": "manage",
    "keys": "manage",
    "staff": "staff",
}
DONE: Final = frozenset({"add", "change", "retire", "nothing"})


async def manage_page(
    request: Request,
    staff: SignedIn,
    template: str,
    *,
    topic: str = "",
    status: int = 200,
    typed: Mapping[str, Any] | None = None,
    errors: Mapping[str, str] | None = None,
    **context: Any,
) -> Response:
    """A page under Manage; ``topic`` is its entry of the navigation. Raises Forbidden for who may not see it."""
    staff.require(TOPICS.get(topic, "manage"))
    done = request.query_params.get("done", "")
    return await desk_page(
        request,
        staff,
        template,
        section="manage",
        status=status,
        typed=typed,
        errors=errors,
        topic=topic,
        topics=[name for name, permission in TOPICS.items() if staff.may(permission)],
        done=done if done in DONE and request.method == "GET" else "",
        **context,
    )


def saved(request: Request, url: str, what: str) -> Response:
    """Go back to the list, which says what was done."""
    return see(f"{url}?done={what}")
