"""Which container the tool runs in, by the rules of systemd's detect_container().

Source: src/basic/virt.c of systemd. Images leave their marks behind where a machine was made of
one, as small virtual machines are: a process in the kernel's first PID and mount namespaces is in
no container, whatever lies about.
"""

from host_tuning.facts.tree import HostTree

# include/uapi/linux/nsfs.h and include/linux/proc_ns.h. The first mount namespace has a number of
# its own since Linux 6.18; before, it got the first or second number that was handed out.
FIRST_PID = 0xEFFFFFFC
FIRST_MOUNT = (0xEFFFFFF8, 0xF0000000, 0xF0000001)
MARKS = {"/run/.containerenv": "podman", "/.dockerenv": "docker"}


def _namespace(tree: HostTree, name: str) -> int:
    number = tree.link(f"/proc/self/ns/{name}").partition("[")[2].rstrip("]")
    return int(number) if number.isdigit() else 0


def _told(tree: HostTree) -> tuple[str, str]:
    """The container that says its name, and where."""
    release = tree.read("/proc/sys/kernel/osrelease")
    if "Microsoft" in release.text or "WSL" in release.text:
        return "wsl", f"{release.path}: {release.value}"
    for path in ("/run/host/container-manager", "/run/systemd/container"):
        reading = tree.read(path)
        if reading.ok and reading.value:
            return reading.value.splitlines()[0], f"{path}: {reading.value}"
    for variable in tree.read("/proc/1/environ").text.split("\0"):
        name, _, value = variable.partition("=")
        if name == "container" and value:
            return value, f"/proc/1/environ: {variable}"
    return "", ""


def container_of(tree: HostTree) -> tuple[str, list[str]]:
    """The name of the container, empty for none, and the evidence."""
    name, evidence = _told(tree)
    marks = {path: kind for path, kind in MARKS.items() if tree.exists(path)}
    if name:
        # `oci` is what podman and docker say through systemd; their marks tell which of them.
        return next(iter(marks.values()), name) if name == "oci" else name, [evidence]
    if not marks:
        return "", []
    path, kind = next(iter(marks.items()))
    if _namespace(tree, "pid") == FIRST_PID and _namespace(tree, "mnt") in FIRST_MOUNT:
        return "", [
            f"{path}: is there, but /proc/self/ns has the kernel's first PID and mount namespaces: "
            f"the root was made of a {kind} image, and this is no container"
        ]
    return kind, [f"{path}: is there"]
