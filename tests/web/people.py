"""Staff who can sign in, for tests of the desk's pages."""

from __future__ import annotations

from uuid import UUID

from argon2 import PasswordHasher
from playwright.sync_api import Page

from tests.clinic import Clinic
from tests.web.forms import Forms

PASSWORD = "correct horse battery"


def hire(clinic: Clinic, name: str, role: str, resource: str | None = None) -> str:
    """Somebody on the staff, with a password; their e-mail address."""
    email = f"{name.lower()}@example.org"
    if not clinic.desk.read("select 1 from holdfast.staff where email = %(email)s", email=email):
        resource_id: UUID | None = clinic.resources[resource] if resource else None
        made = clinic.desk("create_staff", email=email, name=name, role=role, resource_id=resource_id)
        # a hash says itself what it cost; the tests' own need not be expensive
        hashed = PasswordHasher(time_cost=1, memory_cost=64).hash(PASSWORD)
        clinic.desk("set_staff_password", staff_id=made["create_staff"], password_hash=hashed)
    return email


def sign_in(forms: Forms, clinic: str, email: str) -> Forms:
    """Signed in, on the desk."""
    forms.open(f"/sign-in/{clinic}")
    forms.send(email=email, password=PASSWORD)
    assert forms.page.url.path.startswith("/desk"), forms.page.text
    return forms


def sign_in_browser(page: Page, clinic: str, email: str) -> None:
    """The same in a browser."""
    page.goto(f"/sign-in/{clinic}")
    page.fill("[name=email]", email)
    page.fill("[name=password]", PASSWORD)
    page.click("form button.wide")
    page.wait_for_url("**/desk/**")
