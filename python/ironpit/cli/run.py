"""`ironpit run`: the venue as a service."""

import argparse
import os
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from ironpit.config import Config


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "-c", "--config", required=True, type=Path, metavar="FILE", help="the venue's configuration"
    )
    parser.add_argument(
        "--truncate-at",
        type=int,
        metavar="SEQUENCE",
        help="cut a damaged journal after this sequence number; everything after it is lost",
    )
    parser.add_argument(
        "--continue-day",
        action="store_true",
        help="start even on a journal of an earlier UTC day: members can log in, fetch their "
        "replies and cancel, but every new order is refused. Without this option such a start "
        "ends with exit code 3",
    )
    parser.add_argument(
        "--onload",
        metavar="PROFILE",
        help="run under the `onload` launcher with this profile (latency, latency-best, safe, "
        "cloud); it overrides onload.profile of the configuration",
    )
    parser.add_argument(
        "--require-onload",
        action="store_true",
        help="exit with 3 unless the order-entry sockets are proved accelerated, and refuse "
        "sessions whose sockets are not",
    )


def run(arguments: argparse.Namespace) -> int:
    from msgspec.structs import replace

    from ironpit import config
    from ironpit.venue import supervisor

    venue = config.load(arguments.config)
    if arguments.require_onload:
        venue = replace(venue, require_onload=True)
    _under_onload(venue, arguments.onload)
    return supervisor.run_venue(
        venue, arguments.config, arguments.truncate_at, continue_day=arguments.continue_day
    )


def _under_onload(venue: "Config", asked: str | None) -> None:
    """Start anew under the launcher, once, when a profile is asked for; does not return then."""
    from ironpit.common.errors import Exit, UserError
    from ironpit.onload import launch, library, options
    from ironpit.onload.truth import REASONS
    from ironpit.venue.supervisor import say

    profile = venue.onload.profile if asked is None else asked
    found = library.find()
    if found.state == "interposed":
        for blocker in launch.blockers(found):
            raise UserError(f"onload: {blocker}", Exit.REFUSED)
    if launch.launched_as() is None and (found.state == "interposed" or profile is not None):
        for doubt in launch.doubtful_options(os.environ):
            say(doubt)
    if profile is None:
        if venue.onload.options and found.state != "interposed":
            say("onload.options: not applied: no profile is asked for (onload.profile, --onload)")
        return
    if profile not in options.profiles():
        known = ", ".join(sorted(options.profiles()))
        shown = profile or "nothing"
        raise UserError(f"--onload: found {shown}, expected one of {known}", Exit.USAGE)
    if found.state == "interposed":
        launched = launch.launched_as()
        own = launched or f"the environment's options; profile {profile} is not applied"
        say(f"under Onload with {own}")
        return
    if launch.launched_as() is not None:
        raise UserError(f"onload: the launcher ran, and {REASONS[found.state]}", Exit.REFUSED)
    settings = options.merged(profile, venue.onload.options)
    launch.relaunch(profile, settings, venue.venue.data_directory)
