"""A Debian system of our own that has booted, and the packages that are installed there."""
import os
import pathlib
import re
import shutil
import subprocess
import tempfile

from sluicetest.wait import wait_until

HERE = pathlib.Path(__file__).parent
ROOT = HERE.parents[1]
EPOCH = "1700000000"  # the time of all that is packed


def run(*command, check=True, timeout_s=300, **more):
    """What a command says on both outputs."""
    done = subprocess.run([str(part) for part in command], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
                          timeout=timeout_s, check=False, stdin=subprocess.DEVNULL, **more)
    assert not check or done.returncode == 0, f"{command}: {done.returncode}\n{done.stdout[-6000:]}"
    return done.stdout


def pack(build, folder, *definitions):
    """Makes the packages by CPack: a dict of files by name. Their compression is quicker than a release's."""
    settings = ("CPACK_DEBIAN_COMPRESSION_TYPE=gzip", *definitions)
    run("cpack", "-G", "DEB", "--config", build / "CPackConfig.cmake", "-B", folder,
        *[part for setting in settings for part in ("-D", setting)],
        env={**os.environ, "SOURCE_DATE_EPOCH": EPOCH}, cwd=ROOT)
    return {file.name.partition("_")[0]: file for file in sorted(folder.glob("*.deb"))}


def make_older(packages, folder, version):
    """The same packages under another version: files by name."""
    made = {}
    for name, file in packages.items():
        content = folder / name
        run("dpkg-deb", "-R", file, content)
        control = content / "DEBIAN/control"
        current = re.search(r"^Version: (.*)$", control.read_text(), re.MULTILINE)[1]
        control.write_text(control.read_text().replace(current, version))
        made[name] = folder / f"{name}_{version}.deb"
        run("dpkg-deb", "-Znone", "--root-owner-group", "-b", content, made[name])
    return made


def find_sources():
    """The machine's file of apt's sources that has Debian 12."""
    for file in map(pathlib.Path, ("/etc/apt/sources.list.d/debian.sources", "/etc/apt/sources.list")):
        if file.exists() and "bookworm" in file.read_text():
            return file
    raise AssertionError("apt has no source of Debian 12 (bookworm)")


def make_base(file):
    """A minimal Debian with systemd, and nothing that Sluice's packages are to bring along."""
    run("mmdebstrap", "--quiet", "--variant=minbase", "--mode=root", "--include=usr-is-merged,systemd,ca-certificates",
        "--dpkgopt=force-unsafe-io", "bookworm", f"{file}.new.tar", find_sources(), timeout_s=600)
    os.rename(f"{file}.new.tar", file)


class Machine:
    """
    Its files are in `root`; what it runs is in namespaces of its own, on this machine's network. The base is kept in
    SLUICE_PACKAGES_DIR (/var/tmp/sluice-packages), so that the next run is faster.
    """

    def __init__(self):
        kept = pathlib.Path(os.environ.get("SLUICE_PACKAGES_DIR", "/var/tmp/sluice-packages"))
        kept.mkdir(parents=True, exist_ok=True)
        if not (kept / "base.tar").exists():
            make_base(kept / "base.tar")
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="sluice-root-", dir="/var/tmp"))
        self.folder.chmod(0o755)
        self.root = self.folder / "root"
        self.root.mkdir()
        run("tar", "-C", self.root, "-xpf", kept / "base.tar", "--exclude=./dev/*")
        sources = find_sources()
        shutil.copy(sources, self.root / "etc/apt" / ("sources.list.d" if sources.suffix == ".sources" else ""))
        shutil.copy("/etc/resolv.conf", self.root / "etc/resolv.conf")
        self.process = None

    def boot(self):
        self.log = open(self.folder / "boot.log", "wb")
        # Killed when we are, which ends all that runs in there.
        self.process = subprocess.Popen(["setpriv", "--pdeathsig", "KILL", HERE / "boot.sh", self.root], stdin=subprocess.DEVNULL, stdout=self.log,
                                        stderr=self.log)
        wait_until(self._is_up, 60, f"{self.root} boots; see {self.folder}/boot.log")

    def _find_init(self):
        assert self.process.poll() is None, (self.folder / "boot.log").read_text()[-3000:]
        children = pathlib.Path(f"/proc/{self.process.pid}/task/{self.process.pid}/children").read_text().split()
        return children[0] if children else None

    def _is_up(self):
        self.init = self._find_init()
        return self.init and self("systemctl", "is-system-running", check=False).strip() in ("running", "degraded")

    def __call__(self, *command, **more):
        """Runs a command in there."""
        return run("nsenter", "-t", self.init, "-m", "-p", "-u", "-i", "-C", "-r", "-w", "env", "-i", "PATH=/usr/sbin:/usr/bin:/sbin:/bin",
                   "DEBIAN_FRONTEND=noninteractive", "LC_ALL=C.UTF-8", *command, **more)

    def apt(self, *arguments):
        return self("apt-get", "-q", "-y", "-o", "Dpkg::Options::=--force-unsafe-io", *arguments, timeout_s=600)

    def install(self, packages):
        """Files of packages, by apt, with all that they need; gives what it says."""
        folder = self.root / "root"
        for file in packages:
            shutil.copy(file, folder)
        return self.apt("install", "--no-install-recommends", "--allow-downgrades", *[f"/root/{file.name}" for file in packages])

    def is_active(self, unit):
        return self("systemctl", "is-active", unit, check=False).strip() == "active"

    def property(self, unit, name):
        return self("systemctl", "show", "--value", "-p", name, unit).strip()

    def describe(self):
        return self("journalctl", "--no-pager", "-n", "60", "-o", "cat", check=False) if self.process else ""

    def remove(self):
        if self.process:
            self.process.kill()
            self.process.wait()
            self.log.close()
        shutil.rmtree(self.folder, ignore_errors=True)
