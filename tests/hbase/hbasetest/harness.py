"""All that a run of the tests starts of HBase."""
import pathlib
import shutil
import tempfile

from .build import Build
from .cluster import QUICK, Cluster
from .judge import Judge

FULL_ROWS = 1_000_000  # of a table that is copied; with as many rates are compared


class HBase:
    """Starts clusters, and the judge when it is first asked for; removes them all. is_quick: they start quickly, and work slowly."""

    def __init__(self, build, is_quick=True):
        self.build = build
        self.flags = QUICK if is_quick else []
        self.folder = None
        self.clusters = []
        self.keep_logs = False
        self._judge = None

    @property
    def judge(self):
        if not self._judge:
            self.folder = pathlib.Path(tempfile.mkdtemp(prefix="sluice-hbase-judge-", dir="/tmp"))
            self._judge = Judge(self.build, self.folder / "judge.log")
        return self._judge

    def make(self, name="cluster", version=None, **how):
        """A Cluster that is not started; how: region_servers, access_control, settings."""
        build = Build(version) if version else self.build
        self.clusters.append(Cluster(build, name, flags=self.flags, **how))
        return self.clusters[-1]

    def start(self, name="cluster", **how):
        """A Cluster that serves."""
        return self.make(name, **how).start()

    def start_all(self, *names, **how):
        """Clusters that serve; they start side by side."""
        made = [self.make(name, **how) for name in names]
        for cluster in made:
            cluster.launch()
        for cluster in made:
            cluster.wait()
        return made

    def discard(self, cluster):
        """Removes one before all others."""
        cluster.remove(self.keep_logs)
        if not self.keep_logs:
            self.clusters.remove(cluster)

    def logs(self):
        return [*([self._judge.log] if self._judge else []), *[node.log for c in self.clusters for node in c.nodes]]

    def remove(self):
        if self._judge:
            self._judge.stop()
            if not self.keep_logs:
                shutil.rmtree(self.folder, ignore_errors=True)
        for cluster in self.clusters:
            cluster.remove(self.keep_logs)
