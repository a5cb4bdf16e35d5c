"""A browser without JavaScript: fetches pages, fills the forms it finds in them, and sends them as a browser would."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from html.parser import HTMLParser

import httpx


@dataclass
class Form:
    """A form as the page has it: its fields, and its buttons that have a name, as (name, value)."""

    action: str
    method: str
    fields: dict[str, str] = field(default_factory=dict)
    buttons: list[tuple[str, str]] = field(default_factory=list)


class _Reader(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.forms: list[Form] = []
        self.links: list[str] = []
        self._open = False
        self._select = ""
        self._options = 0
        self._textarea = ""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = {name: value or "" for name, value in attrs}
        if tag == "form":
            self.forms.append(Form(given.get("action", ""), given.get("method", "get")))
            self._open = True
        elif tag == "a" and "href" in given:
            self.links.append(given["href"])
        elif self._open and tag == "button" and "name" in given:
            self.forms[-1].buttons.append((given["name"], given.get("value", "")))
        elif self._open and tag in ("input", "textarea", "select") and "name" in given:
            if given.get("type") in ("checkbox", "radio") and "checked" not in given:
                return
            self.forms[-1].fields[given["name"]] = given.get("value", "")
            self._select, self._options = (given["name"] if tag == "select" else ""), 0
            self._textarea = given["name"] if tag == "textarea" else ""
        elif self._open and tag == "option" and self._select:
            # the first one, unless another is selected
            if "selected" in given or self._options == 0:
                self.forms[-1].fields[self._select] = given.get("value", "")
            self._options += 1

    def handle_data(self, data: str) -> None:
        if self._textarea:
            self.forms[-1].fields[self._textarea] += data.removeprefix("\n")

    def handle_endtag(self, tag: str) -> None:
        if tag == "form":
            self._open = False
        elif tag in ("select", "textarea"):
            self._select = self._textarea = ""


class Forms:
    """``page`` is the answer that is shown now."""

    def __init__(self, client: httpx.Client) -> None:
        self.client = client
        self.page: httpx.Response

    def open(self, url: str) -> httpx.Response:
        self.page = self.client.get(url)
        return self.page

    @property
    def found(self) -> list[Form]:
        return self._read().forms

    @property
    def links(self) -> list[str]:
        return self._read().links

    def send(
        self,
        action: str | None = None,
        *,
        button: tuple[str, str] | None = None,
        headers: dict[str, str] | None = None,
        also: Mapping[str, str] | None = None,
        **typed: str,
    ) -> httpx.Response:
        """Send the form whose action ends so (the first one otherwise), with what is typed over what it has.

        ``also`` is typed as well: fields whose names are no words of Python.
        """
        form = next(f for f in self.found if f.method == "post" and (action is None or f.action.endswith(action)))
        data = form.fields | typed | dict(also or {}) | ({button[0]: button[1]} if button else {})
        url = self.page.url.join(form.action) if form.action else self.page.url
        origin = f"{url.scheme}://{url.netloc.decode()}"
        sent = {"origin": origin, "sec-fetch-site": "same-origin"} | (headers or {})
        self.page = self.client.post(url, data=data, headers=sent)
        return self.page

    def _read(self) -> _Reader:
        reader = _Reader()
        reader.feed(self.page.text)
        return reader
