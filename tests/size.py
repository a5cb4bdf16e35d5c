"""How much the tests do: as much as CI has time for, or, by ``make proof``, as much as is claimed."""

from __future__ import annotations

import os
from typing import Final

FULL_SIZE: Final = "HOLDFAST_FULL_SIZE" in os.environ
