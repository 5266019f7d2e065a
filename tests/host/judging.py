"""What the tests of settings ask: the findings of a setting on a built tree, and its steps."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from tests.host.trees import cpus, tree

from host_tuning.common.change import BootArgument, Change, FirmwareStep
from host_tuning.common.verdict import Conformity, Finding
from host_tuning.facts.identity import Identity
from host_tuning.settings.registry import BY_ID
from host_tuning.target.host import Host
from host_tuning.target.target import Target, settle

BARE = Identity("bare-metal")
GUEST = Identity("vm", "KVM")
CPU = "/sys/devices/system/cpu"
GRUB = "/etc/default/grub"


def build(
    tmp_path: Path,
    files: Mapping[str, Any],
    hot: set[int] | frozenset[int] = frozenset({2, 3}),
    *,
    count: int = 4,
    threads: int = 1,
    identity: Identity = BARE,
    **target: Any,
) -> Host:
    """A settled host of `count` CPUs with the files, and without those that are None."""
    every = cpus(count, threads) | dict(files)
    every = {name: text for name, text in every.items() if text is not None}
    wanted = Target(hot=frozenset(hot), **target)
    host = Host(tree(tmp_path, every), wanted)
    host.target = settle(wanted, host.topology, host.tree)
    host.identity = identity
    return host


def on_capture(host: Host, identity: Identity = BARE) -> Host:
    """A captured host with an identity of the test's own."""
    host.target = settle(host.target, host.topology, host.tree)
    host.identity = identity
    return host


def findings(host: Host, setting: str) -> list[Finding]:
    """What the setting's inspection says."""
    return list(BY_ID[setting].inspect(host))


def said(host: Host, setting: str) -> dict[str, str]:
    """Subject -> conformity; of several findings of a subject the last that is not conforming."""
    result: dict[str, str] = {}
    for finding in findings(host, setting):
        if finding.conformity is not Conformity.CONFORMS or finding.subject not in result:
            result[finding.subject] = finding.conformity.value
    return result


def only(host: Host, setting: str) -> Finding:
    """The one finding of the setting."""
    (finding,) = findings(host, setting)
    return finding


def steps(host: Host, setting: str) -> list[str]:
    """The steps as texts: `file /sys/x = 0`, `boot nohz_full=2`, `firmware ...`."""
    texts = []
    for step in BY_ID[setting].steps(host):
        match step:
            case Change():
                texts.append(f"{step.kind} {step.target} = {step.new}")
            case BootArgument():
                texts.append(f"boot {step.text}")
            case FirmwareStep():
                texts.append(f"firmware {step.step}")
    return texts


def task(
    pid: int,
    name: str,
    processor: int = 0,
    allowed: str = "0-3",
    *,
    flags: int = 0,
    thread_of: int = 0,
    threads: int = 1,
    **files: Any,
) -> dict[str, Any]:
    """The files of one task: its stat with the flags, and the CPUs that it may run on."""
    base = f"/proc/{thread_of}/task/{pid}" if thread_of else f"/proc/{pid}"
    fields = ["S", "1", "1", "1", "0", "-1", str(flags), *["0"] * 10, str(threads)]
    fields += ["0"] * 18 + [str(processor)] + ["0"] * 13
    return {
        f"{base}/stat": f"{pid} ({name}) {' '.join(fields)}",
        f"{base}/status": f"Name:\t{name}\nCpus_allowed_list:\t{allowed}",
        **{f"{base}/{key}": text for key, text in files.items()},
    }
