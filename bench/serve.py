"""One web process for a measurement: ``python -m bench.serve APP_URL PORT``."""

from __future__ import annotations

import sys

import uvicorn

from holdfast.http.app import build_app

if __name__ == "__main__":
    app = build_app(sys.argv[1], secret=b"bench" * 8, pool_size=8)
    uvicorn.run(app, host="127.0.0.1", port=int(sys.argv[2]), log_level="warning", access_log=False)
