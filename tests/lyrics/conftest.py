import os
from pathlib import Path

import pytest

REFERENCE = Path(__file__).parents[3] / "shared" / "reference"


@pytest.fixture
def reference() -> Path:
    """The folder of reference data; a test that needs it is skipped where it is absent, save CI."""
    if not REFERENCE.is_dir():
        message = f"the reference folder {REFERENCE} is absent"
        if os.environ.get("CI") == "true":
            pytest.fail(message)
        pytest.skip(message)
    return REFERENCE
