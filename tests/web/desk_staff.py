"""People who work at Glow, one of each role, signed in without JavaScript or in a browser."""

from __future__ import annotations

import asyncio
from concurrent.futures import ThreadPoolExecutor
from uuid import UUID

from playwright.sync_api import Page

from holdfast.access.passwords import hash_password
from tests.clinic import Clinic
from tests.web.forms import Forms

PASSWORD = "correct horse battery"
NAMES = {"owner": "Olga Ortiz", "manager": "Mai Meyer", "desk": "Dee Park", "provider": "Ana Ruiz"}


def employ(clinic: Clinic) -> dict[str, UUID]:
    """Somebody of each role; the provider is Ana. Ids by role."""
    known = {row["role"]: row["id"] for row in clinic.desk.read("select id, role from holdfast.staff")}
    # In a thread: a browser that is driven synchronously has a loop running in this one.
    with ThreadPoolExecutor(1) as thread:
        password_hash = thread.submit(asyncio.run, hash_password(PASSWORD)).result()
    for role, name in NAMES.items():
        if role not in known:
            ana = clinic.resources["ana"] if role == "provider" else None
            known[role] = clinic.desk(
                "create_staff", email=f"{role}@example.org", name=name, role=role, resource_id=ana
            )["create_staff"]
            clinic.desk("set_staff_password", staff_id=known[role], password_hash=password_hash)
    return known


def sign_in(forms: Forms, role: str) -> Forms:
    """A browser without JavaScript in which somebody of that role is signed in."""
    forms.open("/sign-in/glow")
    forms.send(email=f"{role}@example.org", password=PASSWORD)
    assert forms.page.url.path.startswith("/desk"), forms.page.text
    return forms


def sign_in_page(page: Page, role: str) -> None:
    """The same in a real browser."""
    page.goto("/sign-in/glow")
    page.get_by_label("E-mail").fill(f"{role}@example.org")
    page.get_by_label("Password").fill(PASSWORD)
    page.keyboard.press("Enter")
    page.wait_for_selector(".rail")
