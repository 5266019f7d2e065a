"""Python programs under the Onload double: each a process of its own, as an operator runs it."""

import os
import subprocess
import sys
import textwrap

from tests.doubles.onload_build import preloaded

PRELUDE = """
import ctypes, errno, os, select, signal, socket, sys, threading
onload = ctypes.CDLL(None, use_errno=True)

class Stat(ctypes.Structure):
    _fields_ = [("stack_id", ctypes.c_int), ("name", ctypes.c_void_p),
                ("endpoint_id", ctypes.c_int), ("state", ctypes.c_int)]

def stat(sock):
    return onload.onload_fd_stat(sock.fileno(), None)

def tcp_info(sock):
    length = ctypes.c_int(36)
    ctypes.set_errno(0)
    return onload.onload_get_tcp_info(sock.fileno(), bytes(36), ctypes.byref(length))

def stack_name(sock):
    told = Stat()
    assert onload.onload_fd_stat(sock.fileno(), ctypes.byref(told)) == 1
    return ctypes.string_at(told.name).decode()

def pair(address="127.0.0.1"):
    with socket.create_server((address, 0)) as listener:
        client = socket.create_connection(listener.getsockname())
        served, _ = listener.accept()
    return client, served
"""


def start(program: str, **settings: str | int) -> subprocess.Popen[str]:
    """The program, with the names of PRELUDE; settings are variables of the environment."""
    return subprocess.Popen(
        [sys.executable, "-c", PRELUDE + textwrap.dedent(program)],
        env={**os.environ, **preloaded(**settings)},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def run(program: str, **settings: str | int) -> str:
    """What the program printed; AssertionError when it failed."""
    process = start(program, **settings)
    out, err = process.communicate(timeout=60)
    assert process.returncode == 0, err
    return out.strip()
