"""A gateway: members' connections to the order ring, and the stream back to them."""

import time
from functools import partial
from importlib import import_module

from ironcore.order_entry.protocol import OrderEntryProtocol
from ironcore.runtime import pipeline
from ironcore.stage import gateway
from ironpit.config import gateways
from ironpit.venue import credentials, day, listeners, order_sources, roll
from ironpit.venue.authenticator import COUNTERS as LOGIN_COUNTERS
from ironpit.venue.authenticator import Judge
from ironpit.venue.definitions import user_ref_bits
from ironpit.venue.sockets import ORDERS, SocketReport
from ironpit.venue.stages.stage import Stage

LOGINS_SPARE = 64  # places to log in that one address, with as many as there are members, leaves


def protocol_of(name: str) -> OrderEntryProtocol:
    """The protocol of this name, out of config.protocol_kinds."""
    module = import_module(f"ironcore.order_entry.{name}.protocol")
    protocol: OrderEntryProtocol = module.PROTOCOL
    return protocol


class Builder(Stage):
    """One that listens for members."""

    turn_s = 0.005
    waits_for = "the stream does not define the sessions; is the matcher running?"

    def build(self) -> None:
        """Up to where the stream is now: members resume from what was told them before."""
        config = self.config
        sources = order_sources.check(config)
        self.gateway = gateways.by_stage(config, self.name)
        entry = self.gateway.settings
        self.judge: Judge | None = None
        listener = listeners.order_entry(self.gateway)
        self.keep(ORDERS, [listener])
        reader = self.context.reader(self.name)
        self.stage = gateway.GatewayStage(
            listener.fileno(),
            pipeline.open_order_producer(self.gateway.orders.path),
            reader,
            self.context.counters(self.name, gateway.COUNTERS),
            protocol_of(self.gateway.protocol),
            sessions_max=config.limits.sessions_max,
            instruments_max=config.limits.instruments_max,
            user_ref_bits=user_ref_bits(config),
            replies_bytes_max=entry.replies_bytes_max,
            connections_max=entry.connections_max,
            sessions_expected=len(config.sessions),
            heartbeat_ns=entry.heartbeat_ns,
            peer_timeout_ns=entry.peer_timeout_ns,
            login_timeout_ns=entry.login_timeout_ns,
            logins_max=entry.logins_max or entry.connections_max + LOGINS_SPARE,
            logins_per_address_max=entry.logins_per_address_max or entry.connections_max,
            failed_login_delay_ns=entry.failed_login_delay_ns,
            name=self.name,
            serves=order_sources.served(sources, self.gateway.name),
            elsewhere=order_sources.elsewhere(sources, self.gateway.name),
        )
        with self.context.reading(self.name) as read:
            pipeline.give_before(
                config.journal.directory,
                config.streams.events.path,
                reader.first_sequence,
                [gateway.GatewayCatchUp(self.stage)],
                progress=read,
            )
        self.stage.caught_up()
        self.agents = [self.stage]
        self.members = [self.stage]

    def describe(self) -> dict[str, str]:
        gateway = self.gateway
        return {
            "protocol": gateway.protocol,
            "listens": str(gateway.settings.listen),
            "source": str(gateway.source),
        }

    def judged(self, sockets: SocketReport) -> None:
        known = credentials.load(self.config.credentials)
        if note := credentials.without_check(known):
            self.context.say(f"{self.context.process}: {note}")
        # A venue's only gateway has counters without a name of its own.
        prefix = "" if self.name == gateways.ONLY else f"{self.name}-"
        self.judge = Judge(
            known,
            partial(sockets.admit, self.stage),
            wrong_logins_max=self.gateway.settings.wrong_logins_per_address_max,
            counters=self.context.counters(f"{prefix}logins", LOGIN_COUNTERS),
            say=lambda text: self.context.say(f"{self.context.process}: {text}"),
        )

    @property
    def ready(self) -> bool:
        """It is ready when the stream has told it whom to let in."""
        return bool(self.stage.sessions_defined >= len(self.config.sessions))

    def attend(self, now_ns: int) -> None:
        """Logins, and memory for replies."""
        if self.judge is not None:
            self.judge.turn(self.stage, now_ns)
        self.stage.make_resident()

    def last_turn(self) -> int:
        return max(int(self.stage.finish()), 0)

    def finish(self) -> bool:
        """Tell members that the session is over when another trading day follows."""
        if roll.is_due(self.config, day.of_venue(self.config), time.time_ns()):
            self.stage.end_session()
        return True
