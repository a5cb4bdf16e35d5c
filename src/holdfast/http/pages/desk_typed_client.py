"""A person as somebody typed them: name, e-mail, phone, checked by the API's own rules and said field by field."""

from __future__ import annotations

from dataclasses import dataclass, field

import phonenumbers
from pydantic import ValidationError

from holdfast.booking.model import ClientDetails
from holdfast.http.shapes import ClientAsk
from holdfast.web.languages import Language, territory_of


@dataclass
class TypedClient:
    """``errors`` by field; ``client`` once everything is right."""

    typed: dict[str, str]
    errors: dict[str, str] = field(default_factory=dict)
    client: ClientDetails | None = None


def read_client(name: str, email: str, phone: str, zone: str, language: Language) -> TypedClient:
    """Check it. The country code of the zone's country may be left out of a phone number."""
    gettext = language.gettext
    read = TypedClient({"name": name, "email": email, "phone": phone})
    asked = {"name": name.strip()}
    if email.strip():
        asked["email"] = email.strip()
    if phone.strip():
        asked["phone"] = _international(phone, territory_of(zone))
    said = {
        "name": gettext("Write a name."),
        "email": gettext("This does not look like an e-mail address."),
        "phone": gettext("This does not look like a phone number."),
    }
    try:
        read.client = ClientAsk.model_validate(asked).details(None)
    except ValidationError as invalid:
        for each in invalid.errors():
            where = str(each["loc"][0]) if each["loc"] else "name"
            read.errors[where] = said.get(where, each["msg"])
    return read


def _international(phone: str, territory: str | None) -> str:
    try:
        number = phonenumbers.parse(phone, territory)
    except phonenumbers.NumberParseException:
        return phone
    return phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164)
