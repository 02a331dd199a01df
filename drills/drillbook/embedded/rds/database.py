"""What runs behind one DB instance: its servers, its endpoint, its backups. It changes one thing at a time."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor, wait
from contextlib import suppress
from datetime import timedelta
from typing import TYPE_CHECKING, Any, Literal

from drillbook.embedded.addresses import address_of
from drillbook.embedded.durations import DAY
from drillbook.embedded.postgres.account import PostgresFailed
from drillbook.embedded.postgres.archive import Archive
from drillbook.embedded.postgres.door import Door
from drillbook.embedded.postgres.link import Link
from drillbook.embedded.postgres.roles import create_master, set_password
from drillbook.embedded.postgres.server import Server
from drillbook.embedded.rds import disk, security
from drillbook.embedded.rds.happenings import tell
from drillbook.embedded.rds.names import Record

if TYPE_CHECKING:
    from drillbook.embedded.rds.estate import Estate

Fault = Literal["none", "crash", "hang", "disk-full"]
_STANDBY = "standby"
_SYNCHRONOUS = f"FIRST 1 ({_STANDBY})"


class Database:
    """One instance's data plane. Methods that end in ``work`` run in its own thread, one after the other."""

    def __init__(self, estate: Estate, instance: Record) -> None:
        self.estate, self.engine, self.cloud = estate, estate.engine, estate.cloud
        self.instance: Record = instance
        self.key: str = instance.dbi_resource_id
        self.primary: Server | None = None
        self.standby: Server | None = None
        self.link: Link | None = None
        """The way to this read replica's source."""
        self.source: Database | None = None
        self.door: Door | None = None
        self.archive = Archive(self.engine, self.engine.folder("backups", self.key))
        self.fault: Fault = "none"
        self.wanted = True
        """Should it run? Not if it is stopped or being deleted."""
        self._pool = ThreadPoolExecutor(1, thread_name_prefix=f"rds-{instance.db_instance_identifier}")
        self._last: Future[None] | None = None

    # Work, one after the other

    def begin(self, status: str, work: Callable[[], None], then: str = "available") -> None:
        """Have ``status`` at once and until ``work`` is done, then ``then``; ``failed`` if it cannot be done."""
        self.instance.status = status
        self._last = self._pool.submit(self._carry_out, work, then)

    def behind_the_scenes(self, work: Callable[[], None]) -> Future[None]:
        """Work that no status tells of."""
        self._last = self._pool.submit(self._carry_out, work, None)
        return self._last

    def hold(self, seconds: float) -> None:
        """Wait for the work under way, but not for longer than ``seconds``."""
        if self._last is not None:
            wait([self._last], seconds)

    def _carry_out(self, work: Callable[[], None], then: str | None) -> None:
        try:
            work()
        except Exception as error:  # noqa: BLE001 - a job's last frame: told by the plane's status and the instance's
            # What the loss of its zone interrupts is taken up when the zone is back.
            if not self.dark:
                self.estate.note(self.instance.db_instance_identifier, error)
                then = "failed" if then else None
        if then and self.instance.status != "storage-full":
            self.instance.status = then

    # Where it is

    @property
    def region(self) -> str:
        return str(self.instance.region)

    @property
    def dark(self) -> bool:
        return self.cloud.domains.now.dark(self.region, self.instance.availability_zone)

    @property
    def home(self) -> Any:
        """Where the primary can be reached; None while it does not run."""
        return self.primary.home if self.primary is not None and self.primary.running else None

    def servers(self) -> list[Server]:
        return [server for server in (self.primary, self.standby) if server is not None]

    # Birth and death

    def create_work(self, word: str) -> None:
        server = self.primary = self.engine.create(self.instance.db_instance_identifier)
        self._start(server)
        create_master(server, self.instance.master_username, word, self.instance.db_name)
        self.open_work()

    def open_work(self) -> None:
        """Everything that a new primary which runs still needs."""
        self.open_door()
        if self.instance.multi_az:
            self.add_standby_work()
        self.back_up_work()

    def open_door(self) -> None:
        address = address_of(self.region)
        wished = self.instance.port
        self.door = Door(self.engine.network, address, wished)
        self.instance.port, self.instance.wished_port = self.door.port, wished
        self.instance.has_endpoint = True
        self.refresh_door()

    def back_up_work(self) -> None:
        """The first automated backup, if the instance has any; from then on it can be restored."""
        if self.instance.backup_retention_period and not self.instance.is_replica:
            self.instance.status = "backing-up"
            self.estate.backups.automatic_work(self)

    def end_work(self) -> None:
        """Its servers, its endpoint and its links are gone; its backups are not touched."""
        self.wanted = False
        for server in self.servers():
            self.engine.discard(server)
        self.primary = self.standby = None
        for passage in (self.door, self.link):
            if passage is not None:
                passage.close()

    def finish(self) -> None:
        """Let its thread end."""
        self._pool.shutdown(wait=False)

    # Running

    def _start(self, server: Server) -> None:
        """Start a server of this instance, unless its zone is dark."""
        server.settings["archive_command"] = self.archive.command if self._backed_up else "true"
        server.on_death = self._died
        if self.dark:
            return
        server.start()
        if self.dark:
            server.kill()

    @property
    def _backed_up(self) -> bool:
        return bool(self.instance.backup_retention_period)

    def start_work(self) -> None:
        self.wanted = True
        if self.primary is not None and not self.primary.running:
            self._start(self.primary)
        if self.standby is not None and not self.standby.running and not self._standby_dark:
            self.standby.start()
        elif self.instance.multi_az and self.standby is None and not self._standby_dark and self.home:
            self.add_standby_work()
        self.refresh_door()
        self.estate.lead_replicas_of(self)

    def stop_work(self) -> None:
        self.wanted = False
        for server in self.servers():
            server.on_death = _nothing
            server.stop()
        self.refresh_door()
        tell(self.instance, "STOPPED")

    def reboot_work(self) -> None:
        tell(self.instance, "SHUTDOWN")
        if self.primary is not None:
            self.primary.on_death = _nothing
            self.primary.stop()
            self._start(self.primary)
        self.refresh_door()
        tell(self.instance, "RESTARTED")

    def refresh_door(self) -> None:
        """Let the endpoint be what it must be now."""
        if self.door is None:
            return
        ports = {self.door.port, self.instance.wished_port}
        groups = self.instance.vpc_security_group_ids
        reachable = security.lets_in(self.instance.account_id, self.region, groups, ports)
        self.door.be_silent(self.dark or not reachable)
        self.door.lead_to(self.home)

    # Multi-AZ

    @property
    def _standby_dark(self) -> bool:
        return self.cloud.domains.now.dark(self.region, self.instance.secondary_availability_zone)

    def add_standby_work(self) -> None:
        """A synchronous standby in another zone: no commit is acknowledged that it does not have."""
        primary = self._running_primary()
        zone = self.instance.secondary_availability_zone or other_zone(self.instance.availability_zone)
        self.instance.secondary_availability_zone = zone
        standby = self.engine.copy_of(primary, f"{self.instance.db_instance_identifier}-standby")
        standby.settings["archive_command"] = primary.settings["archive_command"]
        standby.follow(primary.home, _STANDBY)
        standby.on_death = self._died
        standby.start()
        primary.reload(synchronous_standby_names=_SYNCHRONOUS)
        primary.await_sql(
            "the synchronous standby",
            "select exists (select from pg_stat_replication where application_name = %s and sync_state = 'sync')",
            _STANDBY,
        )
        self.standby = standby

    def drop_standby_work(self) -> None:
        """Go on without a standby."""
        standby, self.standby = self.standby, None
        if self.primary is not None and self.primary.running:
            self.primary.reload(synchronous_standby_names="")
        if standby is not None:
            self.engine.discard(standby)

    def fail_over_work(self) -> None:
        """Make the standby the primary, and a new standby in the zone of the old one."""
        old, new = self.primary, self.standby
        if new is None or not new.running:
            raise PostgresFailed("there is no standby to fail over to")
        tell(self.instance, "FAILOVER_STARTED")
        if old is not None:
            old.on_death = _nothing
            old.kill()
        new.promote()
        self.primary, self.standby = new, None
        here, there = self.instance.availability_zone, self.instance.secondary_availability_zone
        self.instance.availability_zone, self.instance.secondary_availability_zone = there, here
        self.fault = "none"
        self.refresh_door()
        self.estate.lead_replicas_of(self)
        tell(self.instance, "FAILOVER_COMPLETED")
        if old is not None:
            self.engine.discard(old)
        if not self._standby_dark:
            self.add_standby_work()

    # What happens to it

    def _died(self, server: Server) -> None:
        """A server has ended, and nobody here asked for it."""
        if server is self.primary:
            self.refresh_door()
        self.behind_the_scenes(lambda: self._recover_work(server))

    def _recover_work(self, server: Server) -> None:
        if not self.wanted or server.running or server not in self.servers():
            return
        if server is self.standby:
            self.drop_standby_work()
            if not self._standby_dark:
                self.add_standby_work()
        elif self.standby is not None and self.standby.running:
            tell(self.instance, "CRASHED")
            self.fail_over_work()
        elif self.fault == "disk-full":
            self.instance.status = "storage-full"
            tell(self.instance, "STORAGE_FULL")
        elif self.fault == "none" and not self.dark:
            self._start(server)
            self.refresh_door()
            tell(self.instance, "RECOVERED")

    def lose_power(self) -> None:
        """Its zone or region is dark: nothing of it runs any more, at once and on return."""
        if self.dark and self.primary is not None:
            self.primary.kill()
        if self._standby_dark and self.standby is not None:
            self.standby.kill()

    def adapt_work(self) -> None:
        """After failure domains have changed: fail over from a dark zone, or run again."""
        if not self.wanted or self.cloud.domains.now.dark(self.region):
            return
        if self.dark:
            if self.standby is not None and self.standby.running:
                self.fail_over_work()
            return
        if self.standby is not None and not self.standby.running and self._standby_dark:
            self.drop_standby_work()
        if self.fault == "none":
            self.start_work()

    def become_faulty(self, fault: Fault) -> None:
        """Break the primary, or mend what was broken; in effect on return.

        A Multi-AZ instance whose primary crashes or hangs fails over by itself, which ends the fault.
        """
        mended, self.fault = self.fault, fault
        primary = self.primary
        if fault == "crash" and primary is not None:
            primary.crash()
            self.refresh_door()
        elif fault == "hang" and primary is not None:
            primary.freeze()
            if self.standby is not None:
                self.behind_the_scenes(self.fail_over_work)
        elif fault == "disk-full" and primary is not None:
            disk.fill(primary)
        elif fault == "none" and mended != "none":
            self.behind_the_scenes(self.mend_work).result()

    def mend_work(self) -> None:
        if self.primary is not None:
            self.primary.thaw()
            disk.empty(self.primary)
        if self.wanted and self.primary is not None:
            self.start_work()
        if self.instance.status == "storage-full":
            self.instance.status = "available"

    # Small things

    def password_work(self, word: str) -> None:
        set_password(self._running_primary(), self.instance.master_username, word)
        tell(self.instance, "PASSWORD")

    def heartbeat_work(self) -> None:
        """Archive what has been written; take the daily backup when it is due; forget what is too old."""
        if self.primary is None or not self.primary.running or self.instance.is_replica or not self.archive.bases:
            return
        latest = self.archive.heartbeat(self.primary)
        day = timedelta(seconds=self.cloud.aws_seconds(DAY))
        if latest - self.archive.bases[-1].at >= day:
            self.estate.backups.automatic_work(self)
        self.archive.forget_before(latest - day * self.instance.backup_retention_period)

    def _running_primary(self) -> Server:
        if self.primary is None or not self.primary.running:
            raise PostgresFailed(f"the server of {self.instance.db_instance_identifier} does not run")
        return self.primary


def other_zone(zone: str) -> str:
    """Another zone of the same region."""
    return zone[:-1] + ("b" if zone.endswith("a") else "a")


def _nothing(_server: Server) -> None:
    """Its end was asked for."""


def quietly(work: Callable[[], Any]) -> None:
    """Work on a server that may have been lost a moment ago."""
    with suppress(PostgresFailed):
        work()
