"""What messages are called at the desk, and how they stand."""

from __future__ import annotations

from collections.abc import Mapping

from holdfast.web.languages import Language


def kinds_of_messages(language: Language) -> Mapping[str, str]:
    """Kinds and states of messages by their names in the record."""
    gettext = language.gettext
    return {
        "confirmation": gettext("Confirmation"),
        "change": gettext("New time"),
        "cancellation": gettext("Cancellation"),
        "reminder": gettext("Reminder"),
        "follow_up": gettext("Follow-up"),
        "waitlist_offer": gettext("Offer of a time"),
        "link": gettext("Link to the visit"),
        "pending": gettext("to be sent"),
        "sent": gettext("sent"),
        "dead": gettext("not sent"),
        "skipped": gettext("not needed"),
        "discarded": gettext("given up"),
    }
