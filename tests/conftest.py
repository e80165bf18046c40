"""What holds for the whole run: a home of its own, no silent skip, no process left alive."""

import os
import shlex
import tempfile
from collections.abc import Generator, Iterator
from contextlib import suppress
from pathlib import Path

import psutil
import pytest

from tests.support import postgres
from tests.support.disks import mounted
from tests.support.installation import Installation

REQUIRE_ALL = bool(os.environ.get("QUEUECTL_REQUIRE_ALL"))
# The reasons that may skip a test even where QUEUECTL_REQUIRE_ALL is set.
ALLOWED_SKIPS: frozenset[str] = frozenset()
END_GRACE = 5  # seconds for what the last test stopped to be gone

# No test may reach the queue of the person who runs it.
for _name in [name for name in os.environ if name.startswith("QUEUECTL_")]:
    if not _name.startswith("QUEUECTL_CHAOS_"):  # how long chaos lasts, and which
        del os.environ[_name]
# A child that crashes says where.
os.environ["PYTHONFAULTHANDLER"] = "1"


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport() -> Generator[None, pytest.TestReport, pytest.TestReport]:
    report = yield
    _fail_a_forbidden_skip(report)
    return report


@pytest.hookimpl(wrapper=True)
def pytest_make_collect_report() -> Generator[None, pytest.CollectReport, pytest.CollectReport]:
    report = yield
    _fail_a_forbidden_skip(report)
    return report


def _fail_a_forbidden_skip(report: pytest.TestReport | pytest.CollectReport) -> None:
    if REQUIRE_ALL and report.skipped and not hasattr(report, "wasxfail"):
        path, line, message = report.longrepr
        if message.removeprefix("Skipped: ") not in ALLOWED_SKIPS:
            report.outcome = "failed"
            report.longrepr = f"{path}:{line}: skipped where every test has to run: {message}"


@pytest.fixture
def place(tmp_path: Path) -> Iterator[Installation]:
    """A real queue in a home of its own."""
    installation = Installation(tmp_path / "home")
    yield installation
    installation.close()


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of 1 MiB."""
    with mounted(tmp_path / "small", "1m") as folder:
        yield folder


@pytest.fixture(scope="session")
def database() -> Iterator[str]:
    """The URL of a database of this process's own."""
    with postgres.new_database() as url:
        yield url


@pytest.fixture
def postgres_url(database: str) -> Iterator[str]:
    """The URL of a database without a job in it."""
    yield database
    postgres.empty(database)


@pytest.fixture(scope="session", autouse=True)
def _a_home_of_its_own_and_nobody_left_in_it(
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[None]:
    base = tmp_path_factory.getbasetemp()
    os.environ["QUEUECTL_HOME"] = str(base / "home")
    # Throw-away homes go below the base too, where the search at the end looks.
    tempfile.tempdir = os.environ["TMPDIR"] = str(tmp_path_factory.mktemp("tmp"))
    yield
    psutil.wait_procs(_processes_below(base), timeout=END_GRACE)
    left = _processes_below(base)
    for process in left:
        with suppress(psutil.NoSuchProcess):
            process.kill()
    if left:
        names = "; ".join(f"{one.pid} {shlex.join(one.info['cmdline'])}" for one in left)
        pytest.fail(f"left alive by the tests: {names}", pytrace=False)


def _processes_below(base: Path) -> list[psutil.Process]:
    return [
        process
        for process in psutil.process_iter(["cmdline"])
        if process.pid != os.getpid() and _lives_below(base, process)
    ]


def _lives_below(base: Path, process: psutil.Process) -> bool:
    """Say whether the home or an open file is there: a supervisor drops its home variable."""
    try:
        home = process.environ().get("QUEUECTL_HOME", "")
        paths = [home, *(file.path for file in process.open_files())]
    except psutil.Error:
        return False
    return any(Path(path).is_relative_to(base) for path in paths)
