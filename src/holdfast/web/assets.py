"""Styles and scripts, named by their content: a browser may keep each for a year, because a change is another name.

Our own CSS lies in ``static/``; scripts are built by Vite into ``dist/`` (``scripts/build-frontend``). Without a build
the pages work as they do without JavaScript. Everything is read, hashed and compressed once, when the server starts.
"""

from __future__ import annotations

import gzip
import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from importlib.resources import files
from importlib.resources.abc import Traversable
from typing import Final

PREFIX: Final = "/assets/"
MEDIA_TYPES: Final[Mapping[str, str]] = {
    "css": "text/css; charset=utf-8",
    "js": "text/javascript; charset=utf-8",
    "svg": "image/svg+xml",
    "png": "image/png",
}


@dataclass(frozen=True, slots=True)
class Asset:
    """A file as it is sent; ``compressed`` is its gzip."""

    media_type: str
    content: bytes
    compressed: bytes


class Assets:
    """The files of this version, by the name under which they are asked for."""

    def __init__(self, directory: Traversable | None = None) -> None:
        directory = directory or files("holdfast.web")
        self._by_path: dict[str, Asset] = {}
        self._urls: dict[str, str] = {}
        for file in directory.joinpath("static").iterdir():
            stem, _, kind = file.name.rpartition(".")
            content = file.read_bytes()
            self._add(file.name, f"{stem}-{hashlib.sha256(content).hexdigest()[:10]}.{kind}", content)
        manifest = directory.joinpath("dist", ".vite", "manifest.json")
        if manifest.is_file():
            self._add_built(directory.joinpath("dist"), json.loads(manifest.read_text("utf-8")))

    def url(self, name: str) -> str | None:
        """The address of ``booking.css`` or ``booking.js``; None for a script when nothing was built."""
        return self._urls.get(name)

    def find(self, path: str) -> Asset | None:
        """The file behind an address, without its prefix."""
        return self._by_path.get(path)

    def script(self, name: str) -> Asset | None:
        """A built script by its plain name, for the one address that must never change (``embed.js``)."""
        url = self.url(name)
        return self.find(url.removeprefix(PREFIX)) if url else None

    def _add_built(self, dist: Traversable, manifest: Mapping[str, Mapping[str, object]]) -> None:
        for chunk in manifest.values():
            path = str(chunk["file"])  # has the hash of its content in it already
            kind = path.rpartition(".")[2]
            name = f"{chunk.get('name')}.{kind}" if chunk.get("isEntry") else path
            self._add(name, path, dist.joinpath(path).read_bytes())

    def _add(self, name: str, path: str, content: bytes) -> None:
        kind = path.rpartition(".")[2]
        self._by_path[path] = Asset(MEDIA_TYPES[kind], content, gzip.compress(content, 9, mtime=0))
        self._urls[name] = PREFIX + path
