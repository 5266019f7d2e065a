"""Builds the protocol of lines, as setup.py builds a protocol's room, and imports it."""

import importlib.util
import os
import shlex
import subprocess
import sys
import sysconfig
from pathlib import Path

from ironcore.order_entry.protocol import OrderEntryProtocol

ROOT = Path(__file__).resolve().parents[2]
SOURCE = Path(__file__).resolve().parent / "line_protocol.pyx"
FLAGS = ["-O1", "-Wall", "-Wextra", "-Wno-unused-function", "-Wno-unused-parameter", "-std=gnu11"]


def line_protocol(directory: Path) -> OrderEntryProtocol:
    """The object PROTOCOL of the module. CalledProcessError when a compiler complains."""
    source, library = directory / "line_protocol.c", directory / "line_protocol.so"
    cython = [sys.executable, "-m", "cython", "-3", "-I", str(ROOT / "pyx"), str(SOURCE)]
    subprocess.run([*cython, "-o", str(source)], check=True)
    compiler = shlex.split(os.environ.get("CC", "cc"))
    includes = [f"-I{sysconfig.get_path('include')}", f"-I{ROOT / 'pyx/ironcore/include'}"]
    made = [*compiler, *FLAGS, "-shared", "-fPIC", *includes, str(source), "-o", str(library)]
    subprocess.run(made, check=True)
    found = importlib.util.spec_from_file_location("line_protocol", library)
    assert found is not None
    assert found.loader is not None
    module = importlib.util.module_from_spec(found)
    found.loader.exec_module(module)
    protocol: OrderEntryProtocol = module.PROTOCOL
    return protocol
