"""What all tests share: the recorded data, how hard hypothesis tries, and where their files lie."""

import gc
import os
import tempfile
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

# Thousands of small databases wait for the disk at each commit; where the system has room in memory they lie there.
# No proof needs a real disk: a lost write is played by the tests themselves. TMPDIR=... chooses another place.
MEMORY = Path("/dev/shm")  # noqa: S108 - every file below it is made by tempfile
ROOM_BYTES = 2_000_000_000


def has_room(folder: Path) -> bool:
    """Whether that much can be written there, and programs be started from there."""
    try:
        found = os.statvfs(folder)
    except OSError:
        return False
    enough = found.f_bavail * found.f_frsize >= ROOM_BYTES
    return enough and not found.f_flag & os.ST_NOEXEC and os.access(folder, os.W_OK)


if "TMPDIR" not in os.environ and has_room(MEMORY):
    os.environ["TMPDIR"] = str(MEMORY)
    tempfile.tempdir = None

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
