"""All of Sluice, with everything between its parts that a killer needs."""
from sluicetest.grpc_client import Api
from sluicetest.postgres import Cluster, Database
from sluicetest.stack import Stack

from . import imports
from .clock import Clock
from .proxy import Proxy
from .volume import Volume

LEASE_MS = 1500
VOLUME_MB = 600
# Little is kept for later, so that a full volume is soon felt.
SETTINGS = {"max_wal_size": "96MB", "min_wal_size": "32MB", "max_connections": "100",
            "checkpoint_timeout": "30s"}
CHANNEL = [("grpc.initial_reconnect_backoff_ms", 50), ("grpc.min_reconnect_backoff_ms", 50),
           ("grpc.max_reconnect_backoff_ms", 300)]


class Proxied(Database):
    """A database whose URL leads through a proxy; rows() of the test do not."""

    def __init__(self, database, folder):
        super().__init__(database.cluster, database.name)
        self.folder = folder

    @property
    def url(self):
        return super().url.replace(str(self.cluster.folder).replace("/", "%2F"),
                                   str(self.folder).replace("/", "%2F"))


class World:
    """
    Two gateways, the second with a clock of its own; REST before the first; two workers; a PostgreSQL with the
    tasks and the rows, on a small volume; proxies before the first gateway and before PostgreSQL.
    """

    def __init__(self, build, folder):
        """Only PostgreSQL is up. Whatever start does or fails at, stop undoes."""
        self.volume = Volume(VOLUME_MB)
        self.cluster = Cluster(self.volume.data, **SETTINGS)
        self.cluster.start()
        self.behind = behind = folder / "pg"
        behind.mkdir()
        name = ".s.PGSQL.5432"
        self.database_proxy = Proxy(str(behind / name), str(self.cluster.folder / name))
        self.gateway_proxy = None
        self.gateways = []
        self.database = self.cluster.create_database()
        self.destination = self.cluster.create_database()
        self.stack = Stack(build, Proxied(self.database, behind), folder)
        self.clock = Clock(folder)

    def start(self):
        stack = self.stack
        first = stack.start_gateway("--lease-ms", LEASE_MS)
        self.gateway_proxy = Proxy(("127.0.0.1", 0), ("127.0.0.1", first.port))
        second = stack.program("sluice-gateway", *first.options, log="sluice-gateway-2")
        second.env = self.clock.env
        self.gateways = [first, second]
        second.start()
        stack.start_rest()
        stack.start_worker("--worker-id", "real-1")
        stack.start_worker("--worker-id", "real-2")
        imports.write_files(stack.files / imports.FOLDER)
        stack.add_usual_sources(Proxied(self.destination, self.behind))
        for end, kind in (("from", "HBASE"), ("to", "LINDORM")):
            stack.add_source(end, kind, {"clusterKey": "zk1:2181:/hbase"} if kind == "HBASE"
                             else {"clusterKey": "ld1:30020"})

    @property
    def programs(self):
        return [*self.gateways, self.stack.shim, *self.stack.workers]

    def make_apis(self):
        """Clients of the first gateway, through its proxy, and of the second."""
        return [Api(f"127.0.0.1:{self.gateway_proxy.port}", CHANNEL),
                Api(self.gateways[1].address, CHANNEL)]

    def heal(self):
        """All is up again."""
        self.clock.set(0)
        if self.cluster.process.poll() is not None:
            self.cluster.start()
        for program in self.programs:
            if program.is_running():
                program.resume()
            else:
                program.start(wait_for="started" if program in self.stack.workers else "listening")

    def stop(self):
        wrong = []
        proxies = [proxy for proxy in (self.gateway_proxy, self.database_proxy) if proxy]
        for stop in (*(gateway.stop for gateway in self.gateways[1:]), self.stack.stop,
                     *(proxy.close for proxy in proxies), self.cluster.remove,
                     self.volume.remove):
            try:
                stop()
            except AssertionError as error:
                wrong.append(str(error))
        assert not wrong, "\n".join(wrong)
