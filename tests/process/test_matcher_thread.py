"""The matcher's own thread enters the kernel for nothing while orders flow: no system call, no page
fault.

Method: a venue with the matcher on a spinning thread of its own; strace attached to that thread
alone, and the kernel's fault counters of the thread, while a member sends orders. The gateway's
thread, which has to call the kernel for its sockets, is counted by the same means: it shows that
the count can be other than 0.
"""

import json
import re
import signal
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.split_venue import RunningVenue, StubbornMember, write_split_config

THREADS = """placement:
  processes:
    venue:
      threads:
        - {name: matcher, stages: [matcher], idle: spin}
        - {name: gateway, stages: [gateway], idle: backoff}
        - {name: rest, stages: [journal, publisher], idle: backoff}
"""
WARM_UP_REPLIES = 5_000
MEASURED_REPLIES = 20_000
DOUBLE = Path(__file__).resolve().parents[1] / "doubles/chatty_clock.c"


@pytest.fixture
def venue(tmp_path: Path) -> Iterator[RunningVenue]:
    running = RunningVenue(write_split_config(tmp_path, "off", THREADS))
    yield running
    assert running.stop() == 0, running.said()


@pytest.fixture
def member(venue: RunningVenue) -> Iterator[StubbornMember]:
    listen = venue.config.order_entry.listen
    alfa = StubbornMember((listen.address, listen.port), "ALFA1")
    alfa.start()
    alfa.wait_for(WARM_UP_REPLIES)
    yield alfa
    alfa.finish()


def thread_of(venue: RunningVenue, name: str) -> tuple[int, int]:
    """(process id, thread id) of one of the venue's threads."""
    status = json.loads((venue.config.venue.data_directory / "status-venue.json").read_text())
    threads = {thread["name"]: thread["thread_id"] for thread in status["threads"]}
    return status["pid"], threads[name]


def faults(process: int, thread: int) -> tuple[int, int]:
    """Minor and major page faults of a thread so far."""
    text = Path(f"/proc/{process}/task/{thread}/stat").read_text()
    fields = text[text.rindex(")") + 2 :].split()
    return int(fields[7]), int(fields[9])


def system_calls(
    thread: int, member: StubbornMember, log: Path, replies: int = MEASURED_REPLIES
) -> list[str]:
    """What strace sees of the thread while the member gets so many replies."""
    tracer = subprocess.Popen(
        ["strace", "-o", str(log), "-p", str(thread)], stderr=subprocess.PIPE, text=True
    )
    assert tracer.stderr is not None
    attached = tracer.stderr.readline()
    assert "attached" in attached, attached
    member.wait_for(len(member.replies) + replies)
    tracer.send_signal(signal.SIGINT)
    tracer.communicate()
    call = re.compile(r"[a-z_0-9]+\(|<\.\.\. ")
    return [line for line in log.read_text().splitlines() if call.match(line)]


@pytest.mark.needs_root
@pytest.mark.needs_tool("strace")
def test_the_matchers_thread_makes_no_system_call_while_orders_flow(
    venue: RunningVenue, member: StubbornMember, tmp_path: Path
) -> None:
    _, matcher = thread_of(venue, "matcher")
    assert system_calls(matcher, member, tmp_path / "strace") == []


@pytest.mark.needs_root
@pytest.mark.needs_tool("strace")
def test_the_same_count_sees_the_gateways_system_calls(
    venue: RunningVenue, member: StubbornMember, tmp_path: Path
) -> None:
    _, gateway = thread_of(venue, "gateway")
    assert len(system_calls(gateway, member, tmp_path / "strace")) > 100


@pytest.mark.needs_root
@pytest.mark.needs_tool("strace", "cc")
def test_a_planted_getpid_is_seen_in_the_matchers_thread(tmp_path: Path) -> None:
    library = tmp_path / "chatty_clock.so"
    subprocess.run(["cc", "-shared", "-fPIC", str(DOUBLE), "-o", str(library)], check=True)
    running = RunningVenue(
        write_split_config(tmp_path, "off", THREADS), {"LD_PRELOAD": str(library)}
    )
    listen = running.config.order_entry.listen
    alfa = StubbornMember((listen.address, listen.port), "ALFA1")
    alfa.start()
    alfa.wait_for(100)
    _, matcher = thread_of(running, "matcher")
    calls = system_calls(matcher, alfa, tmp_path / "strace", replies=2_000)
    alfa.finish()
    assert running.stop() == 0, running.said()
    assert any(call.startswith("getpid(") for call in calls), calls[:5]


def test_the_matchers_thread_takes_no_page_fault_after_warm_up(
    venue: RunningVenue, member: StubbornMember
) -> None:
    process, matcher = thread_of(venue, "matcher")
    before = faults(process, matcher)
    member.wait_for(len(member.replies) + MEASURED_REPLIES)
    assert faults(process, matcher) == before
