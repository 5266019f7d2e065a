"""Goal: for any host and any changes, apply and then rollback is the identity.

Method: random files, random changes of every kind that a tree can take, several of them about one
file, some refused; the bytes of the whole tree are compared. The values are compared as well with
what the changes asked for, so that a run which writes nothing cannot pass.
"""

import errno
import os
import tempfile
from pathlib import Path
from unittest import mock

from hypothesis import given
from hypothesis import settings as sized
from hypothesis import strategies as st
from tests.host.engine import settings, snapshot
from tests.host.trees import tree

from host_tuning.changing import rollback
from host_tuning.changing.apply import apply
from host_tuning.changing.change_kinds import kind_of
from host_tuning.changing.runs import runs
from host_tuning.changing.verify import verify
from host_tuning.common.change import Change
from host_tuning.facts.tree import HostTree
from host_tuning.target.host import Host
from host_tuning.target.target import Target

PLAIN = [f"/proc/sys/vm/v{number}" for number in range(4)]
BRACKETS = ["/sys/kernel/mm/a", "/sys/kernel/mm/b"]
LISTS = ["/proc/irq/1/smp_affinity_list", "/proc/irq/2/smp_affinity_list"]
MASKS = ["/proc/irq/1/smp_affinity", "/proc/irq/default_smp_affinity"]
CONFIGS = ["/etc/default/x", "/etc/y"]
GROUPS = ["/sys/fs/cgroup/cpuset/g", "/sys/fs/cgroup/cpuset/h"]
WORDS = ("never", "madvise", "always")
BITS = st.integers(1, 15)


def listed(bits: int) -> str:
    return ",".join(str(cpu) for cpu in range(4) if bits >> cpu & 1)


def bracketed(word: str) -> str:
    return " ".join(f"[{one}]" if one == word else one for one in WORDS)


FILES = st.fixed_dictionaries(
    {
        **{name: st.integers(0, 9).map(str) for name in PLAIN},
        **{name: st.sampled_from(WORDS).map(bracketed) for name in BRACKETS},
        **{name: BITS.map(listed) for name in LISTS},
        **{name: BITS.map("{:08x}".format) for name in MASKS},
        "/etc/default/x": st.lists(st.sampled_from(["A=1", "B=", "# c", "A=2"])).map("\n".join),
        "/etc/default/": st.just(""),
        "/sys/fs/cgroup/cpuset/cpuset.cpus": st.just("0-3"),
    }
)
CHANGE = st.one_of(
    st.builds(lambda path, new: ("file", path, str(new)), st.sampled_from(PLAIN), BITS),
    st.tuples(st.just("bracket"), st.sampled_from(BRACKETS), st.sampled_from([*WORDS, "none"])),
    st.builds(lambda path, new: ("cpulist", path, listed(new)), st.sampled_from(LISTS), BITS),
    st.builds(lambda path, new: ("cpumask", path, f"{new:x}"), st.sampled_from(MASKS), BITS),
    st.builds(
        lambda path, name, new: ("line", f"{path}:{name}", new),
        st.sampled_from(CONFIGS),
        st.sampled_from("AB"),
        st.sampled_from(["", "1", "x y"]),
    ),
    st.tuples(st.just("directory"), st.sampled_from(GROUPS), st.just("present")),
    st.builds(
        lambda place, new: ("cpulist", f"{place}/cpuset.cpus", listed(new)),
        st.sampled_from(GROUPS),
        BITS,
    ),
)


@sized(max_examples=60)
@given(
    files=FILES,
    batches=st.lists(st.lists(CHANGE, max_size=8), min_size=1, max_size=3),
    refused=st.sets(st.sampled_from([*PLAIN, *LISTS]), max_size=2),
)
def test_apply_then_rollback_is_the_identity(
    files: dict[str, str], batches: list[list[tuple[str, str, str]]], refused: set[str]
) -> None:
    write = HostTree.write

    def writing(built: HostTree, path: str, data: bytes) -> None:
        if path in refused:
            raise OSError(errno.EIO, os.strerror(errno.EIO), path)
        write(built, path, data)

    with (
        tempfile.TemporaryDirectory() as directory,
        mock.patch.object(os, "fsync"),
        mock.patch.object(HostTree, "write", writing),
    ):
        built, state = tree(Path(directory) / "tree", files), Path(directory) / "state"
        state.mkdir()
        host = Host(built, Target())
        snapshots = []
        for batch in batches:
            before = snapshot(built.root)
            changes = [Change("thp", *one) for one in batch]
            result = apply(host, list(settings(changes)), state, {}, runs(state))
            for change in result.written:
                kind = kind_of(change)
                assert kind.holds(change, kind.read(built, change))
            assert bool(result.written) == (snapshot(built.root) != before)
            if result.written:
                snapshots.append(before)
            standing = [run for run in runs(state) if run.stands]
            assert len(standing) == len(snapshots)
            assert verify(built, standing).as_written
        for before in reversed(snapshots):
            newest = [run for run in runs(state) if run.stands][-1]
            assert rollback.roll_back(built, newest).complete
            assert snapshot(built.root) == before
        assert not [run for run in runs(state) if run.stands]
