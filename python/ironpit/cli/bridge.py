"""`ironpit bridge`: a stream from one transport to another."""

import argparse
import sys
from pathlib import Path

from ironpit.cli.arguments import add_json_argument
from ironpit.common.errors import Exit, UserError

ADDRESSES = """\
addresses: TRANSPORT:PLACE?option=value&option=value (quote them for your shell)

  shm:PATH                          a ring
    --from: reader=NAME (a reader that the ring waits for; without it frames may be missed),
            from=oldest|now
    --to:   the ring is made if it does not exist, with capacity=64MiB (rounded up to a power
            of two), readers=NAME,NAME (the ring waits for these), patience=5s,
            huge_pages=off|auto|require, lock=off|auto|require, numa_node=N
  venue:FILE                        the event stream of the venue configured there
    --from: reader=NAME (one of streams.events.readers; the ring waits for it if it is gating),
            from=oldest|now
  multicast:GROUP:PORT@INTERFACE    MoldUDP64; a second feed (B) follows after a comma
    --from: session=, rerequest=ADDRESS:PORT, give_up=3s
    --to:   session= (default: the source's), ttl=0, rerequest=ADDRESS:PORT,
            window=8MiB, heartbeat=1s
  tcp:ADDRESS:PORT                  SoupBinTCP
    --from: name= (up to 6 characters), sequence=1 (0: begin with the newest frame),
            session=, stale=15s, heartbeat=1s, backoff_max=5s; for TLS: certificate=, key=,
            server_ca=, server_name= (the host name or IP address that the server's
            certificate must have in its subjectAltName; default: ADDRESS)
    --to:   session= (default: the source's), window=64MiB, queue=8MiB,
            policy=disconnect|conflate, connections=16, heartbeat=1s, peer_timeout=15s;
            for TLS: certificate=, key=, client_ca=

Frames keep their numbers. When a bridge to a ring is started again, it goes on where the
ring ends. A bridge to tcp: or multicast: then asks its source for everything that the
source still has.

Numbers count within a session, and a ring knows the session of its frames. When the
source's session changes, a bridge to a ring tells the ring's readers that the stream has
ended, and puts a new ring in its place. A bridge to tcp: or multicast: ends. When it is
started again, it offers the new session. If you name the session with session= for --to,
change the name yourself when the source's numbers begin anew.

examples:
  ironpit bridge --from multicast:239.192.0.1:26400@eth1 --to tcp:0.0.0.0:26700
  ironpit bridge --from tcp:10.0.0.5:26700?name=CLOUD --to shm:/dev/shm/market.ring
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    parser.epilog = f"{ADDRESSES}\n{parser.epilog}"
    parser.add_argument(
        "--from", dest="source", required=True, metavar="ADDRESS", help="where to read (see below)"
    )
    parser.add_argument(
        "--to", dest="target", required=True, metavar="ADDRESS", help="where to write (see below)"
    )
    parser.add_argument(
        "--on-gap",
        choices=("pass", "stop"),
        default="pass",
        help="if the source has lost frames for good, pass the gap on (default) or stop",
    )
    parser.add_argument(
        "--journal",
        type=Path,
        metavar="DIR",
        help="read events that the source has lost from this journal (default: the venue's own "
        "journal with --from venue: and a gating reader, otherwise none)",
    )
    parser.add_argument(
        "--idle",
        choices=("spin", "yield", "backoff"),
        default="backoff",
        help="what the thread does when it has no work (default backoff)",
    )
    parser.add_argument("--cpu", type=int, metavar="N", help="pin the thread to this core")
    parser.add_argument(
        "--counters",
        type=Path,
        metavar="FILE",
        help="keep the bridge's counters in FILE, which `ironpit stat --counters FILE` shows "
        "(default: a file in shared memory, which `ironpit stat --bridges` shows, or with --from "
        "venue: a file beside the venue's; the bridge removes it when it ends without an error)",
    )
    add_json_argument(parser)


def _say(text: str) -> None:
    print(f"ironpit: bridge: {text}", file=sys.stderr, flush=True)


def run(arguments: argparse.Namespace) -> int:
    from ironpit.bridge import Bridge
    from ironpit.bridge import record as watched
    from ironpit.bridge.addresses import keep_apart, parse
    from ironpit.common.lifecycle import Lifecycle
    from ironpit.common.output import write_json

    source, target = parse("from", arguments.source), parse("to", arguments.target)
    keep_apart(source, target)
    place = arguments.counters or watched.default_counters(source, target)
    with Lifecycle() as lifecycle:
        counters = watched.create(place, source, target)
        try:
            bridge = Bridge(
                source,
                target,
                _say,
                on_gap=arguments.on_gap,
                idle=arguments.idle,
                cpu=arguments.cpu,
                counters=counters,
                journal=arguments.journal or source.journal,
            )
        except UserError:
            watched.forget(place)
            raise
        try:
            bridge.start()
        except PermissionError as error:
            bridge.stop()
            raise UserError(f"--cpu {arguments.cpu}: {error}", Exit.REFUSED) from error
        _say(f"{source.text} to {target.text}, counters in {place}")
        lifecycle.ready()
        try:
            code = bridge.run(lifecycle)
        finally:
            lifecycle.stopping()
            bridge.stop()
    if arguments.json:
        write_json({"schema": 1, **bridge.counts()}, arguments.json)
    if code != Exit.OK:
        raise UserError(f"bridge: {bridge.complaint}", code)
    if arguments.counters is None:
        watched.forget(place)
    counts = bridge.counts()["bridge"]
    # What the source has lost and the journal had is carried all the same.
    filled = f" ({counts['filled']} of them out of the journal)" if counts["filled"] else ""
    carried = counts["frames"] + counts["filled"]
    _say(f"{carried} frames carried{filled}, {counts['left_out']} left out as lost")
    return Exit.OK
