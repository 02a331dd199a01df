"""What runs behind one DB instance: its servers, its endpoint, its backups. It changes one thing at a time."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from contextlib import suppress
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from drillbook.embedded.addresses import address_of
from drillbook.embedded.durations import DAY
from drillbook.embedded.postgres.account import PostgresFailed
from drillbook.embedded.postgres.archive import Archive
from drillbook.embedded.postgres.copies import copy_tree
from drillbook.embedded.postgres.door import Door
from drillbook.embedded.postgres.link import Link
from drillbook.embedded.postgres.roles import create_master, set_password
from drillbook.embedded.postgres.server import Server
from drillbook.embedded.rds import disk, multi_az, security
from drillbook.embedded.rds.happenings import tell
from drillbook.embedded.rds.names import Record
from drillbook.embedded.rds.worker import Worker

if TYPE_CHECKING:
    from drillbook.embedded.rds.estate import Estate

Fault = Literal["none", "crash", "hang", "disk-full"]


class Database(Worker):
    """One instance's data plane. Methods that end in ``work`` run in its own thread, one after the other."""

    def __init__(self, estate: Estate, instance: Record) -> None:
        super().__init__(estate, instance)
        self.engine, self.cloud = estate.engine, estate.cloud
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

    # Where it is

    @property
    def region(self) -> str:
        return str(self.instance.region)

    @property
    def dark(self) -> bool:
        return self.cloud.domains.now.dark(self.region, self.instance.availability_zone)

    @property
    def standby_dark(self) -> bool:
        return self.cloud.domains.now.dark(self.region, self.instance.secondary_availability_zone)

    @property
    def hindered(self) -> bool:
        if self.dark or self.fault in ("crash", "hang"):
            return True
        return self.source is not None and not self.estate.reaches(self.source, self)

    @property
    def home(self) -> Any:
        """Where the primary can be reached; None while it does not run."""
        return self.primary.home if self.primary is not None and self.primary.running else None

    def servers(self) -> list[Server]:
        return [server for server in (self.primary, self.standby) if server is not None]

    # Birth and death

    def create_work(self, word: str) -> None:
        """Until there is an endpoint nobody has written anything: after an outage it begins from nothing."""
        if self.door is None:
            server = self.begin_anew()
            self.engine.fill(server)
            self._start(server)
            create_master(server, self.instance.master_username, word, self.instance.db_name)
            if self.instance.backup_retention_period:
                self.archive.begin(server)
        self.open_work()
        self.engine.spare.provide()

    def begin_anew(self) -> Server:
        """An empty server as the primary; the log of an attempt before it is not this one's."""
        if self.primary is not None:
            self.engine.discard(self.primary)
        self.archive.delete()
        self.engine.folder("backups", self.key)
        self.primary = self.equip(self.engine.empty(self.instance.db_instance_identifier))
        return self.primary

    def equip(self, server: Server, zone: str | None = None) -> Server:
        """A server of this instance runs only while its zone has power, and its end is noticed."""
        where = zone or self.instance.availability_zone
        server.powered = lambda: not self.cloud.domains.now.dark(self.region, where)
        server.on_death = self._died
        server.settings["archive_command"] = self.archive.command if self.instance.backup_retention_period else "true"
        return server

    def open_work(self) -> None:
        """Everything that a new primary which runs still needs."""
        self.open_door()
        if self.instance.multi_az and self.standby is None:
            multi_az.add_standby(self)
        self.back_up_work()

    def open_door(self) -> None:
        """The endpoint, if there is none yet."""
        if self.door is not None:
            return
        address = address_of(self.region)
        wished = self.instance.port
        self.door = Door(self.engine.network, address, wished)
        self.instance.port, self.instance.wished_port = self.door.port, wished
        self.instance.has_endpoint = True
        self.refresh_door()

    def back_up_work(self) -> None:
        """The first automated backup, if the instance has any; from then on it can be restored. A new one can be
        already, and has its first snapshot a moment later."""
        if self.instance.backup_retention_period and not self.instance.is_replica:
            if self.archive.bases:
                self.behind_the_scenes(lambda: self.estate.backups.automatic_work(self))
            else:
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

    # Running

    def _start(self, server: Server) -> None:
        """Raises PowerLost if its zone is dark."""
        self.equip(server)
        server.start()

    def start_work(self) -> None:
        self.wanted = True
        if self.primary is not None and not self.primary.running and not self.dark:
            self._start(self.primary)
        if self.standby is not None and not self.standby.running and not self.standby_dark:
            self.standby.start()
        elif self.instance.multi_az and self.standby is None and not self.standby_dark and self.home:
            multi_az.add_standby(self)
        self.refresh_door()
        self.estate.lead_replicas_of(self)

    def stop_work(self) -> None:
        self.wanted = False
        for server in self.servers():
            server.stop()
        self.refresh_door()
        tell(self.instance, "STOPPED")

    def reboot_work(self) -> None:
        """A database that hung or was down is well afterwards."""
        tell(self.instance, "SHUTDOWN")
        self.fault = "none"
        if self.primary is not None:
            disk.empty(self.primary)
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

    # What happens to it

    def _died(self, server: Server) -> None:
        """A server has ended, and nobody here asked for it."""
        if server is self.primary:
            self.refresh_door()
        self.behind_the_scenes(lambda: self._persist_work(server))

    def _persist_work(self, server: Server) -> None:
        """Again, if what it has just started dies, too."""
        try:
            self._recover_work(server)
        except PostgresFailed:
            if not self.wanted or self.hindered:
                raise
            self.start_work()

    def _recover_work(self, server: Server) -> None:
        if not self.wanted or server.running or server not in self.servers():
            return
        if server is self.standby:
            multi_az.drop_standby(self)
            if not self.standby_dark:
                multi_az.add_standby(self)
        elif self.standby is not None and self.standby.running:
            tell(self.instance, "CRASHED")
            multi_az.fail_over(self)
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
        if self.standby_dark and self.standby is not None:
            self.standby.kill()

    def adapt_work(self) -> None:
        """After failure domains have changed: fail over from a dark zone, or run again."""
        if not self.wanted or self.cloud.domains.now.dark(self.region):
            return
        if self.dark:
            if self.standby is not None and self.standby.running:
                multi_az.fail_over(self)
            return
        if self.standby is not None and not self.standby.running and self.standby_dark:
            multi_az.drop_standby(self)
        if self.fault == "none" and (self.door is not None or self._interrupted is None):
            self.start_work()
        self.take_up()

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
                self.behind_the_scenes(lambda: multi_az.fail_over(self))
        elif fault == "disk-full" and primary is not None:
            disk.fill(primary)
        elif fault == "none" and mended != "none":
            # At once: what is under way may be waiting for it.
            if primary is not None:
                primary.thaw()
            self.behind_the_scenes(self.mend_work).result()

    def mend_work(self) -> None:
        if self.primary is not None:
            disk.empty(self.primary)
        if self.wanted and self.primary is not None:
            self.start_work()
            self.primary.await_answer()
        if self.instance.status == "storage-full":
            self.instance.status = "available"
        self.take_up()

    # Small things

    def password_work(self, word: str) -> None:
        set_password(self.running_primary(), self.instance.master_username, word)
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
        self.estate.backups.prune(self)

    def copy_to(self, target: Path) -> None:
        """A copy of the data as they are now. One that does not answer is copied as a power cut would leave it."""
        primary = self.primary
        if primary is None:
            raise PostgresFailed("there is nothing to copy")
        shutil.rmtree(target, ignore_errors=True)
        if primary.running and not primary.frozen:
            primary.base_backup(target)
        else:
            copy_tree(primary.data, target, self.engine.account)
            (target / "postmaster.pid").unlink(missing_ok=True)

    def running_primary(self) -> Server:
        if self.primary is None or not self.primary.running:
            raise PostgresFailed(f"the server of {self.instance.db_instance_identifier} does not run")
        return self.primary


def quietly(work: Callable[[], Any]) -> None:
    """Work on a server that may have been lost a moment ago."""
    with suppress(PostgresFailed):
        work()
