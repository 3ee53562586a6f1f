"""What all tests share: the recorded data, and how hard hypothesis tries."""

import gc
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

# Everyday runs repeat exactly; `python3 dev.py deep` chooses the other profile and prints its seed.
settings.register_profile("everyday", derandomize=True, deadline=None, database=None)
settings.register_profile(
    "deep",
    derandomize=False,
    deadline=None,
    database=None,
    max_examples=5_000,
    print_blob=True,
    suppress_health_check=[HealthCheck.too_slow],
)
settings.load_profile("everyday")

SHARED_DATA = Path(__file__).resolve().parents[2] / "shared" / "data"


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """The folder of recorded market data and replies beside the checkout; skips where there is none."""
    if not SHARED_DATA.is_dir():
        pytest.skip("the recorded data (../shared/data beside the checkout) is not here")
    return SHARED_DATA


def pytest_collection_finish() -> None:
    """Thousands of collected tests are kept to the end: the garbage collector need not look through them each time."""
    gc.collect()
    gc.freeze()
