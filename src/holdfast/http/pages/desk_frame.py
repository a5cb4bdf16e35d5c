"""The frame of the desk: what every page of it shows around itself, by who is signed in.

return await desk_page(request, staff, "desk/inbox.html", section="inbox", collisions=…)
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from fastapi import Request, Response

from holdfast.access.staff import SignedIn
from holdfast.catalog.service import get_organization
from holdfast.http.pages.pages import page, record_of
from holdfast.ids import public_id


async def desk_page(
    request: Request,
    staff: SignedIn,
    template: str,
    *,
    section: str,
    status: int = 200,
    typed: Mapping[str, Any] | None = None,
    errors: Mapping[str, str] | None = None,
    **context: Any,
) -> Response:
    """A page of the desk. Its template extends ``desk/frame.html``, and also gets ``staff`` and ``organization``.

    ``section`` names the entry of the navigation that the page is part of: day, clients, waitlist, inbox, messages,
    manage.
    """
    organization = await record_of(request).transact(staff.caller(), get_organization)
    return page(
        request,
        template,
        status=status,
        typed=typed,
        errors=errors,
        staff=staff,
        organization=organization,
        place=organization.name,
        section=section,
        who=public_id("staff", staff.staff_id),
        **context,
    )
