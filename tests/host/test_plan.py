"""Goal: --plan tells the exact writes in a safe order, and what people must do themselves.

Method: plans of built trees; for boot loaders the whole instructions, as a person reads them.
"""

import json
import random
import shlex
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from tests.host.engine import (
    BANNED,
    CHANGES,
    GROUP,
    IRQ,
    SWAPPINESS,
    THP,
    Engine,
    setting,
    settings,
    snapshot,
)
from tests.host.trees import cpus, tree

import host_tuning
from host_tuning.changing import plan
from host_tuning.checking import boot_lists
from host_tuning.commands import common
from host_tuning.common.change import BootArgument, Change, FirmwareStep
from host_tuning.facts import boot_loader
from host_tuning.reports.plan import title
from host_tuning.target.host import Host
from host_tuning.target.target import Target

SCHEMA = json.loads((Path(host_tuning.__file__).parent / "schema/plan-1.json").read_text())
SMT = "/sys/devices/system/cpu/smt/control"


@pytest.fixture
def engine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Engine:
    return Engine(tmp_path, monkeypatch)


def test_the_table_shows_old_and_new_by_setting(
    engine: Engine, capsys: pytest.CaptureFixture[str]
) -> None:
    engine.want(
        [
            *CHANGES,
            BootArgument("isolation", "isolcpus", "managed_irq,domain,2,3"),
            FirmwareStep("smi", "disable SMIs"),
            Change("ksm", "file", "/sys/kernel/mm/ksm/run", "0"),
        ]
    )
    before = snapshot(engine.root)
    assert engine.run("--plan") == 0
    assert (
        capsys.readouterr().out
        == f"""\
8 writes in 5 settings

thp: transparent huge pages
  {THP}/enabled  always → madvise

{title("swap")}
  {SWAPPINESS}  60 → 10

{title("irq-affinity")}
  {IRQ}  0-3 → 0-1
  /proc/irq/default_smp_affinity  f → 3

{title("irqbalance")}
  {BANNED}  (empty) → 2-3

{title("cpuset")}
  {GROUP}              absent → present
  {GROUP}/cpuset.cpus  (absent) → 2-3
  {GROUP}/cpuset.mems  (absent) → 0

cannot be written
  /sys/kernel/mm/ksm/run (ksm): ENOENT (No such file or directory)

needs a reboot: kernel arguments, by hand (unknown)
  isolcpus=managed_irq,domain,2-3  isolation
  add:  add to the kernel's command line: isolcpus=managed_irq,domain,2-3
  note: no boot loader's files were found: what starts this kernel (a hypervisor, a network boot \
server) has to pass the arguments

only the firmware's setup or the provider can do
  smi: disable SMIs
"""
    )
    assert snapshot(engine.root) == before


def test_the_json_is_as_published(engine: Engine, capsys: pytest.CaptureFixture[str]) -> None:
    jsonschema.Draft202012Validator.check_schema(SCHEMA)
    engine.want([*CHANGES, BootArgument("isolation", "nosmt"), FirmwareStep("smi", "x")])
    documents = []
    for arguments in (["--plan", "--json"], ["--apply", "--dry-run", "--json"]):
        assert engine.run(*arguments) == 0
        document: dict[str, Any] = json.loads(capsys.readouterr().out)
        jsonschema.validate(document, SCHEMA)
        documents.append(document)
    assert documents[0]["writes"] == documents[1]["writes"]
    assert documents[0]["writes"][1]["old_bytes"] == {"text": "60\n"}
    documents[0]["writes"][0]["old_bytes"] = "60"
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate(documents[0], SCHEMA)


def test_a_plan_of_what_is_right_is_empty(
    engine: Engine, capsys: pytest.CaptureFixture[str]
) -> None:
    assert engine.run("--apply") == 0
    capsys.readouterr()
    assert engine.run("--plan") == 0
    assert "nothing to do: everything selected is as wanted" in capsys.readouterr().out


def test_a_setting_that_breaks_is_unknown_not_right(
    engine: Engine, capsys: pytest.CaptureFixture[str]
) -> None:
    def broken(host: Host) -> list[Change]:
        raise ValueError("no number")

    engine.monkeypatch.setattr(common, "SETTINGS", (setting("swap", broken),))
    assert engine.run("--plan") == 0
    assert "unknown\n  swap: ValueError: no number" in capsys.readouterr().out


SAFE_ORDER = (
    Change("smt", "file", SMT, "off"),
    Change("nic-queues", "ethtool", "eth1 channels combined", "1"),
    Change("nic-rings", "ethtool", "eth1 rings rx", "256"),
    Change("nic-coalescing", "ethtool", "eth1 coalesce rx_usecs", "0"),
    Change("irq-affinity", "cpulist", IRQ, "0"),
    Change("cpuset", "file", "/sys/fs/cgroup/cgroup.subtree_control", "+cpuset"),
    Change("cpuset", "directory", "/sys/fs/cgroup/hot", "present"),
    Change("cpuset", "cpulist", "/sys/fs/cgroup/hot/cpuset.cpus", "2"),
    Change("cpuset", "file", "/sys/fs/cgroup/hot/cpuset.cpus.partition", "isolated"),
    Change("cpuset", "cgroup-member", "/sys/fs/cgroup/hot/cgroup.procs", "7"),
    Change("strays", "affinity", "8", "0"),
)


def test_writes_come_in_an_order_in_which_each_finds_what_it_needs(engine: Engine) -> None:
    # SMT first, as what follows counts CPUs; queues before their interrupts; the cgroup, its CPUs,
    # the partition, and only then tasks.
    for seed in range(20):
        mixed = list(SAFE_ORDER)
        random.Random(seed).shuffle(mixed)
        made = plan.make(Host(engine.tree, Target()), settings(mixed))
        assert [one.change for one in made.writes] == list(SAFE_ORDER)


def test_two_settings_that_want_different_values_of_one_file_are_told(
    engine: Engine, capsys: pytest.CaptureFixture[str]
) -> None:
    engine.want([CHANGES[1], Change("vm-policy", "file", SWAPPINESS, "1")])
    assert engine.run("--apply") == 0
    assert f"refused  {SWAPPINESS} = 1 (vm-policy): swap wants 10 there" in capsys.readouterr().out
    assert engine.tree.read(SWAPPINESS).value == "10"


@pytest.mark.parametrize(
    ("value", "ranges"),
    [
        ("managed_irq,domain,2,3,4,5,8", "managed_irq,domain,2-5,8"),
        ("1,2,3", "1-3"),
        ("all", "all"),
        ("2-N", "2-N"),
    ],
)
def test_cpu_arguments_are_ranges(value: str, ranges: str) -> None:
    argument = plan.as_ranges(BootArgument("isolation", "isolcpus", value))
    assert argument.text == f"isolcpus={ranges}"


ARGUMENTS = (BootArgument("a", "isolcpus", "2-5"), BootArgument("b", "nosmt"))


def test_debian_gets_a_line_for_grub(tmp_path: Path) -> None:
    files = {
        "/etc/default/grub": 'GRUB_CMDLINE_LINUX_DEFAULT="quiet isolcpus=7"\n'
        "GRUB_CMDLINE_LINUX=\"console=ttyS0 isolcpus=3 init='/bin/my init'\"",
        "/usr/sbin/update-grub": "",
    }
    how = boot_loader.instructions(tree(tmp_path, files), ARGUMENTS)
    assert how == boot_loader.Instructions(
        "grub",
        (
            "in /etc/default/grub: GRUB_CMDLINE_LINUX="
            "\"console=ttyS0 init='/bin/my init' isolcpus=2-5 nosmt\"",
            "sudo update-grub",
        ),
        (
            "in /etc/default/grub: "
            "GRUB_CMDLINE_LINUX=\"console=ttyS0 isolcpus=3 init='/bin/my init'\"",
            "sudo update-grub",
        ),
        ("take isolcpus=7 out of GRUB_CMDLINE_LINUX_DEFAULT: it would win",),
    )


@pytest.mark.parametrize("quote", ["'", '"'])
def test_a_line_for_grub_keeps_its_quotes(tmp_path: Path, quote: str) -> None:
    inner = 'a="b c"' if quote == "'" else r"a=\"b c\""
    line = f"GRUB_CMDLINE_LINUX={quote}{inner}{quote}"
    how = boot_loader.instructions(tree(tmp_path, {"/etc/default/grub": line}), ARGUMENTS)
    shown = how.add[0].partition("GRUB_CMDLINE_LINUX=")[2]
    assert shlex.split(shown) == ['a="b c" isolcpus=2-5 nosmt']


def test_suse_gets_its_own_way_to_make_grubs_file(tmp_path: Path) -> None:
    files = {"/etc/default/grub": "", "/boot/grub2/grub.cfg": ""}
    how = boot_loader.instructions(tree(tmp_path, files), ARGUMENTS)
    assert how.add == (
        'in /etc/default/grub: GRUB_CMDLINE_LINUX="isolcpus=2-5 nosmt"',
        "sudo grub2-mkconfig -o /boot/grub2/grub.cfg",
    )


def test_fedora_gets_grubby_and_its_undo(tmp_path: Path) -> None:
    files = {
        "/usr/sbin/grubby": "",
        "/etc/default/grub": 'GRUB_CMDLINE_LINUX="quiet"',
        "/boot/loader/entries/a.conf": "title a\noptions root=/dev/vda isolcpus=3 quiet",
    }
    how = boot_loader.instructions(tree(tmp_path, files), ARGUMENTS)
    assert how == boot_loader.Instructions(
        "grubby",
        ('sudo grubby --update-kernel=ALL --remove-args="isolcpus=3" --args="isolcpus=2-5 nosmt"',),
        ('sudo grubby --update-kernel=ALL --remove-args="isolcpus=2-5 nosmt" --args="isolcpus=3"',),
        ("replaces isolcpus=3",),
    )


def test_a_line_that_grubenv_has_no_room_for_is_told(tmp_path: Path) -> None:
    files = {
        "/usr/sbin/grubby": "",
        "/boot/loader/entries/a.conf": "options $kernelopts",
        "/boot/grub2/grubenv": "# GRUB Environment Block\nkernelopts=root=/dev/vda " + "x" * 900,
    }
    how = boot_loader.instructions(tree(tmp_path, files), ARGUMENTS)
    assert "grubenv holds 1024 bytes" in how.notes[0]


def test_systemd_boot_gets_its_file(tmp_path: Path) -> None:
    files = {"/etc/kernel/cmdline": "root=/dev/vda rd.my-name=1"}
    how = boot_loader.instructions(tree(tmp_path, files), ARGUMENTS)
    rebuild = 'sudo kernel-install add "$(uname -r)" "/lib/modules/$(uname -r)/vmlinuz"'
    assert how == boot_loader.Instructions(
        "systemd-boot",
        ("in /etc/kernel/cmdline: root=/dev/vda rd.my-name=1 isolcpus=2-5 nosmt", rebuild),
        ("in /etc/kernel/cmdline: root=/dev/vda rd.my-name=1", rebuild),
    )


@pytest.mark.parametrize(
    ("files", "add", "remove"),
    [
        (
            {"/usr/sbin/grubby": "", "/etc/default/grub": ""},
            "sudo grubby --update-kernel=ALL --args='nohz_full=2'",
            "sudo grubby --update-kernel=ALL --remove-args='nohz_full'",
        ),
        (
            {"/etc/default/grub": ""},
            "add nohz_full=2 to GRUB_CMDLINE_LINUX in /etc/default/grub, then sudo update-grub",
            "take nohz_full out of GRUB_CMDLINE_LINUX in /etc/default/grub, then sudo update-grub",
        ),
        ({}, "add nohz_full=2 to the kernel's command line", "take nohz_full out of the kernel"),
    ],
)
def test_a_fix_names_the_boot_loader_of_the_host(
    tmp_path: Path, files: dict[str, str], add: str, remove: str
) -> None:
    host = Host(tree(tmp_path, cpus(4) | files), Target())
    assert boot_lists.add_command(host, "nohz_full=2") == add
    assert boot_lists.remove_command(host, "nohz_full").startswith(remove)


def test_a_read_only_file_system_and_a_read_only_file_are_obstacles(tmp_path: Path) -> None:
    built = tree(tmp_path, cpus(2) | {"/sys/x": "1"})
    (tmp_path / "sys/x").chmod(0o444)
    assert built.refusal("/sys/x") == "the kernel lets nobody write it"
    assert built.refusal("/sys") == ""
    assert built.refusal("/sys/y").startswith("ENOENT")
