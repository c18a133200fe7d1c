"""The Java side, made by build.sh."""
import os
import pathlib
import subprocess
import xml.etree.ElementTree

FOLDER = pathlib.Path(__file__).resolve().parents[1]

# What HBase's own start scripts open to it in Java 17.
OPENED = ["java.base/java.io", "java.base/java.nio", "java.base/sun.nio.ch", "java.base/java.lang",
          "java.base/jdk.internal.ref", "java.base/java.lang.reflect", "java.base/java.util",
          "java.base/java.util.concurrent", "java.base/jdk.internal.util.random",
          "java.base/sun.security.x509", "java.base/sun.security.util", "java.base/java.net"]
EXPORTED = ["java.base/jdk.internal.misc", "java.security.jgss/sun.security.krb5",
            "java.base/sun.net.dns", "java.base/sun.net.util"]
FLAGS = ["-XX:+UseSerialGC", "-XX:+ExitOnOutOfMemoryError", "-Djava.net.preferIPv4Stack=true",
         "-Dorg.apache.hbase.thirdparty.io.netty.tryReflectionSetAccessible=true",
         "--add-modules=jdk.unsupported",
         *[f"--add-opens={name}=ALL-UNNAMED" for name in OPENED],
         *[f"--add-exports={name}=ALL-UNNAMED" for name in EXPORTED]]


def default_version():
    """The version of HBase that pom.xml names."""
    pom = xml.etree.ElementTree.parse(FOLDER / "pom.xml")
    return pom.findtext(".//{*}properties/{*}hbase.version")


class Build:
    """Java programs with one version of HBase."""

    def __init__(self, version=None):
        self.version = version or default_version()
        built = subprocess.run([FOLDER / "build.sh", self.version], check=True, stdout=subprocess.PIPE, text=True)
        self.folder = pathlib.Path(built.stdout.strip())

    def start(self, program, *arguments, log, conf=None, flags=(), stdout=None):
        """
        Starts a program of package org.sluice.hbase; conf is a folder with an hbase-site.xml. It ends when its
        standard input is closed, so it does when we end, however we do.
        """
        path = [str(conf)] if conf else []
        path += [str(self.folder / "classes"), (self.folder / "classpath").read_text().strip()]
        with open(log, "ab") as err:
            return subprocess.Popen(
                ["java", *FLAGS, *flags, f"org.sluice.hbase.{program}",
                 *[str(a) for a in arguments]],
                stdin=subprocess.PIPE, stdout=stdout or err, stderr=err, start_new_session=True,
                env={**os.environ, "CLASSPATH": ":".join(path)})
