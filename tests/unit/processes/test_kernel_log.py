"""Records of the kernel's log, as kernels of several ages write them."""

from __future__ import annotations

import os

import pytest

from queuectl.processes.system import kernel_log
from queuectl.processes.system.kernel_log import Kill, parse

OF_A_CGROUP = (
    b"3,423,1224852294,-;Memory cgroup out of memory: Killed process 29068 (python3)"
    b" total-vm:50504kB, anon-rss:40704kB, file-rss:6584kB, shmem-rss:0kB,"
    b" UID:0 pgtables:136kB oom_score_adj:0\n"
)
OF_THE_MACHINE = (
    b"3,1203,90000000,-,caller=T77;Out of memory: Killed process 812 (make) total-vm:9000kB,"
    b" anon-rss:100kB, file-rss:20kB, shmem-rss:3kB, UID:1000 pgtables:52kB oom_score_adj:200\n"
    b" SUBSYSTEM=memory\n"
)
OF_4_19 = (
    b"3,5,7000000,-;Killed process 4711 (java) total-vm:7000kB, anon-rss:5000kB, file-rss:0kB,"
    b" shmem-rss:0kB\n"
)
OF_A_NAME_WITH_BLANKS = (
    b"3,6,8000000,-;Out of memory: Killed process 9 (a (b) c) total-vm:1kB, anon-rss:1kB,"
    b" file-rss:0kB, shmem-rss:0kB\n"
)
WITHOUT_SIZES = b"3,7,8000000,-;Out of memory: Killed process 10 (x)\n"


@pytest.mark.parametrize(
    ("record", "kill"),
    [
        (OF_A_CGROUP, Kill(29068, 1224.852294, (40704 + 6584) * 1024)),
        (OF_THE_MACHINE, Kill(812, 90.0, 123 * 1024)),
        (OF_4_19, Kill(4711, 7.0, 5000 * 1024)),
        (OF_A_NAME_WITH_BLANKS, Kill(9, 8.0, 1024)),
        (WITHOUT_SIZES, Kill(10, 8.0, 0)),
    ],
)
def test_a_record_of_a_kill_names_process_time_and_size(record: bytes, kill: Kill) -> None:
    assert parse(record) == kill


@pytest.mark.parametrize(
    "record",
    [
        b"",
        b"\n",
        b"Killed process 1 (x)",
        b"3,1,5,-;",
        b"x,1,5,-;Killed process 1 (x)\n",
        b"6,418,1224852261,-;Tasks state (memory values in pages):\n",
        b"6,420,12,-;[  29067]     0 29067      648      403        0      403 sh\n",
        b"6,422,1,-;oom-kill:constraint=CONSTRAINT_MEMCG,task=python3,pid=29068,uid=0\n",
        b"3,1,5,-;Out of memory: Kill process 812 (make) score 900 or sacrifice child\n",
        b"3,1,5,-;Out of memory and no killable processes...\n",
        b"6,9,5,-;oom_reaper: reaped process 812 (make), now anon-rss:0kB\n",
        b"3,1,5,-;a line\n Killed process 1 (x)\n",
        b"3,1,5,-;Killed process x (x)\n",
    ],
)
def test_any_other_record_is_none(record: bytes) -> None:
    assert parse(record) is None


def test_what_programs_write_into_the_log_is_not_believed() -> None:
    assert parse(OF_A_CGROUP.replace(b"3,", b"11,", 1)) is None


def test_a_log_that_is_not_there_has_no_kills(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(kernel_log, "KMSG", "/proc/no/kmsg")
    assert not kernel_log.is_readable()
    assert kernel_log.kills() == []


def test_pids_of_another_pid_space_are_not_ours(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(kernel_log, "KMSG", os.devnull)
    here = os.stat("/proc/self/ns/pid").st_ino
    for first, readable in ((here, True), (here + 1, False)):
        monkeypatch.setattr(kernel_log, "_FIRST_PID_SPACE", first)
        assert kernel_log.is_readable() is readable


@pytest.mark.skipif(not kernel_log.is_readable(), reason="needs the kernel's log and its pids")
def test_the_log_of_this_machine_is_read_to_its_end() -> None:
    assert sum(1 for _ in kernel_log._records()) > 0
    assert all(kill.pid > 0 and kill.at > 0 for kill in kernel_log.kills())
