"""A cluster of HBase on this machine: ZooKeeper and master in one process, each region server in its own."""
import json
import pathlib
import random
import shutil
import signal
import socket
import tempfile
import xml.sax.saxutils

from sluicetest.standstill import stop_process
from sluicetest.wait import wait_until

# The kernel chooses ports of connections from above these, so one that is free stays so while its server restarts.
PORTS = range(20000, 32000)

SETTINGS = {
    "hbase.cluster.distributed": "true",
    "hbase.zookeeper.quorum": "127.0.0.1",
    "zookeeper.session.timeout": "10000",
    "hbase.zookeeper.property.tickTime": "1000",
    "hbase.unsafe.stream.capability.enforce": "false",
    "hbase.wal.provider": "filesystem",
    "hbase.master.hostname": "localhost",
    "hbase.master.ipc.address": "127.0.0.1",
    "hbase.master.info.port": "-1",
    "hbase.unsafe.regionserver.hostname": "localhost",
    "hbase.regionserver.ipc.address": "127.0.0.1",
    "hbase.regionserver.info.port": "-1",
    # Quick, on few cores.
    "hbase.regionserver.msginterval": "500",
    "hbase.regionserver.handler.count": "10",
    "hbase.regionserver.metahandler.count": "5",
    "hbase.regionserver.replication.handler.count": "3",
    "hbase.master.wait.on.regionservers.interval": "100",
    "hbase.master.wait.on.regionservers.timeout": "500",
    "hbase.procedure.store.region.wal.sync.slow.ms": "10000",
    "replication.source.sleepforretries": "200",
    "replication.sleep.before.failover": "500",
    # A small heap that takes in much.
    "hbase.hregion.memstore.flush.size": str(32 << 20),
    "hfile.block.cache.size": "0.2",
    # Delete markers stay, whatever is compacted, and nothing is that no test asks for.
    "hbase.hstore.time.to.purge.deletes": str(100 * 365 * 24 * 3600 * 1000),
    "hbase.hstore.compaction.min": "10000",
    "hbase.hstore.blockingStoreFiles": "10000",
    "hbase.hregion.majorcompaction": "0",
    "hbase.hfile.compaction.discharger.interval": "1000",
}

ACCESS_CONTROLLER = "org.apache.hadoop.hbase.security.access.AccessController"
ACCESS_CONTROL = {
    "hbase.security.authorization": "true",
    "hbase.coprocessor.master.classes": ACCESS_CONTROLLER,
    "hbase.coprocessor.region.classes": ACCESS_CONTROLLER,
    "hbase.coprocessor.regionserver.classes": ACCESS_CONTROLLER,
}

FLAGS = {"master": ["-Xmx512m"], "regionserver": ["-Xmx1g"]}
# A server starts in little more than half the processor time without the optimizing compiler, and few tests have it work for long.
QUICK = ["-XX:TieredStopAtLevel=1"]


def free_port():
    """A port of this machine that nobody listens on."""
    while True:
        port = random.choice(PORTS)
        with socket.socket() as s:
            s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                s.bind(("127.0.0.1", port))
            except OSError:
                continue
            return port


class Node:
    """One process of a cluster, which may be killed and started again."""

    def __init__(self, cluster, role, number=0):
        self.cluster = cluster
        self.role = role
        self.port = free_port()
        self.log = cluster.folder / f"{role}-{number}.log"
        self._ready = cluster.folder / f"{role}-{number}.ready"
        self.process = None

    def start(self):
        """Starts it; wait() waits until it serves."""
        self._ready.unlink(missing_ok=True)
        self.process = self.cluster.build.start(
            "Node", self.role, self._ready, f"hbase.{self.role}.port={self.port}",
            log=self.log, conf=self.cluster.conf, flags=[*FLAGS[self.role], *self.cluster.flags])

    def wait(self):
        def is_ready():
            assert self.process.poll() is None, f"{self.role} ended: {self.log_tail()}"
            return self._ready.exists()
        wait_until(is_ready, timeout_s=120, what=f"{self.log} serves")

    def log_tail(self, nbytes=6000):
        return self.log.read_bytes()[-nbytes:].decode(errors="replace")

    def is_running(self):
        return self.process is not None and self.process.poll() is None

    def kill(self):
        """kill -9."""
        if self.process:
            self.process.kill()
            self.process.wait()
            self.process.stdin.close()

    def pause(self):
        """The process stands still until it is resumed."""
        stop_process(self.process.pid)

    def resume(self):
        self.process.send_signal(signal.SIGCONT)


class Cluster:
    """
    Its data are in a folder of its own, on the local file system. The file cluster.json there, made when the cluster
    serves, says where it is: key, rpc_key, and the numbers of its processes. flags are Java's, besides its own.
    """

    def __init__(self, build, name="cluster", region_servers=1, access_control=False, settings=None, flags=()):
        self.build = build
        self.flags = flags
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix=f"sluice-hbase-{name}-", dir="/tmp"))
        self.conf = self.folder / "conf"
        self.zookeeper_port = free_port()
        self.master = Node(self, "master")
        self.region_servers = [Node(self, "regionserver", i) for i in range(region_servers)]
        self._write_site({**SETTINGS, **(ACCESS_CONTROL if access_control else {}), **(settings or {})})

    def _write_site(self, settings):
        settings = {
            **settings,
            "hbase.rootdir": f"file://{self.folder}/root",
            "hbase.tmp.dir": f"{self.folder}/tmp",
            "hbase.zookeeper.property.dataDir": f"{self.folder}/zookeeper",
            "hbase.zookeeper.property.clientPort": self.zookeeper_port,
            "hbase.master.port": self.master.port,
        }
        self.conf.mkdir()
        lines = [f"<property><name>{name}</name><value>{xml.sax.saxutils.escape(str(value))}</value></property>\n"
                 for name, value in settings.items()]
        (self.conf / "hbase-site.xml").write_text(
            f"<configuration>\n{''.join(lines)}</configuration>\n", encoding="utf-8")

    @property
    def key(self):
        """As a peer's configuration has it: quorum, port and parent."""
        return f"127.0.0.1:{self.zookeeper_port}:/hbase"

    @property
    def rpc_key(self):
        """The address that needs no ZooKeeper."""
        return f"hbase+rpc://localhost:{self.master.port}"

    @property
    def nodes(self):
        return [self.master, *self.region_servers]

    def start(self):
        self.launch()
        self.wait()
        return self

    def launch(self):
        """Starts it without waiting."""
        for node in self.nodes:
            node.start()

    def revive(self):
        """Starts again what a test has killed."""
        if not all(node.is_running() for node in self.nodes):
            if not self.master.is_running():
                self.kill()
            for node in self.nodes:
                if not node.is_running():
                    node.start()
            self.wait()

    def wait(self):
        """Waits until all that runs serves."""
        for node in self.nodes:
            if node.is_running():
                node.wait()
        ready = {"key": self.key, "rpc_key": self.rpc_key, "version": self.build.version,
                 "folder": str(self.folder),
                 "master_port": self.master.port, "region_server_ports": [n.port for n in self.region_servers],
                 "pids": [n.process.pid for n in self.nodes if n.is_running()]}
        (self.folder / "cluster.json").write_text(json.dumps(ready), encoding="ascii")

    def kill_region_server(self, number=0):
        """kill -9; what it had taken in is in its log of writes and nowhere else."""
        self.region_servers[number].kill()

    def start_region_server(self, number=0):
        """Starts it again, at the address that it had, and waits until it serves."""
        self.region_servers[number].start()
        self.wait()

    def restart_region_server(self, number=0):
        self.kill_region_server(number)
        self.start_region_server(number)

    def kill(self):
        """kill -9 of all."""
        for node in self.nodes:
            node.kill()

    def restart(self):
        self.kill()
        self.start()

    def remove(self, keep_logs=False):
        """Stops for good; of what is in its folder only the logs may stay."""
        self.kill()
        for path in self.folder.glob("*/") if keep_logs else [self.folder]:
            if path.is_dir():
                shutil.rmtree(path, ignore_errors=True)
