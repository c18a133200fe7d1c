"""The client of hbase/ at real clusters: where they are, and which regions tables have."""
import http.server
import socket
import threading

import pytest

from hbasetest.cluster import free_port
from hbasetest.probe import Probe, ProbeError
from sluicetest.wait import scale

FIND_S = 10  # users are to see what is wrong within this


@pytest.fixture(scope="session")
def probe(build):
    return Probe(build / "hbase_probe")


@pytest.fixture(scope="module")
def two_servers(hbase):
    """A cluster with two region servers; its tests do no more to it than moving regions."""
    cluster = hbase.start("regions", region_servers=2)
    yield cluster
    hbase.discard(cluster)


def place(server):
    """'host,port,start code' -> 'host:port'."""
    return ":".join(server.split(",")[:2])


def shown(regions):
    return [{"name": r["name"], "start": r["start"], "end": r["end"], "server": r["server"]} for r in regions]


def judged(judge, cluster, table):
    return [{"name": r["name"].encode("latin-1"), "start": r["start"], "end": r["end"], "server": place(r["server"])}
            for r in judge.regions(cluster, table)]


def assert_same_regions(probe, judge, cluster, table):
    expected = judged(judge, cluster, table)
    assert shown(probe.regions(cluster, table)["regions"]) == expected
    return expected


# --- where a cluster is


@pytest.mark.both_versions
def test_a_cluster_is_found_by_zookeeper_and_by_any_of_its_servers(probe, source):
    by_zookeeper = probe.find(source)
    assert by_zookeeper["master"] == f"localhost:{source.master.port}"
    assert by_zookeeper["meta"] in {f"localhost:{n.port}" for n in source.nodes}
    assert probe.find(source.rpc_key) == by_zookeeper
    region_server = source.region_servers[0].port
    assert probe.find(f"hbase+rpc://localhost:{region_server}") == by_zookeeper
    dead = free_port()
    assert probe.find(f"hbase+rpc://localhost:{dead},localhost:{region_server}") == by_zookeeper
    assert probe.find(f"127.0.0.1:{dead},127.0.0.1:{source.zookeeper_port}:/hbase") == by_zookeeper


def test_hosts_says_where_servers_are(probe, source):
    parameters = {"clusterKey": f"hbase+rpc://hbase-1.invalid:{source.master.port}",
                  "hosts": {"hbase-1.invalid": "127.0.0.1"}}
    assert probe.find(parameters) == probe.find(source)
    with pytest.raises(ProbeError) as caught:
        probe.find(parameters["clusterKey"])
    assert caught.value.code == "UNAVAILABLE"
    assert "hbase-1.invalid" in caught.value.text


def fails(probe, cluster, code, *texts):
    with pytest.raises(ProbeError) as caught:
        probe.find(cluster)
    assert caught.value.code == code, caught.value
    for text in texts:
        assert text in caught.value.text
    assert caught.value.seconds < FIND_S * scale()


@pytest.mark.both_versions
def test_a_wrong_parent_node_is_told(probe, source):
    quorum = f"127.0.0.1:{source.zookeeper_port}"
    fails(probe, f"{quorum}:/wrong", "FAILED_PRECONDITION", "'/wrong/master'", quorum, "zookeeper.znode.parent")


def test_a_dead_quorum_is_told(probe):
    ports = [free_port() for _ in range(3)]
    quorum = ",".join(f"127.0.0.1:{port}" for port in ports)
    fails(probe, f"{quorum}:/hbase", "UNAVAILABLE", *(f"127.0.0.1:{port}" for port in ports[:2]), "refused")


def test_dead_servers_are_told(probe):
    port = free_port()
    fails(probe, f"hbase+rpc://localhost:{port}", "UNAVAILABLE", f"localhost:{port}", "nothing listens there")


@pytest.mark.both_versions
def test_ports_that_were_mixed_up_are_told(probe, source):
    fails(probe, f"127.0.0.1:{source.master.port}:/hbase", "UNAVAILABLE",
          f"127.0.0.1:{source.master.port}", "no ZooKeeper")
    fails(probe, f"hbase+rpc://localhost:{source.zookeeper_port}", "UNAVAILABLE",
          f"localhost:{source.zookeeper_port}", "does not offer ClientMetaService")


def test_something_else_that_answers_is_told(probe):
    with http.server.HTTPServer(("127.0.0.1", 0), http.server.BaseHTTPRequestHandler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        port = server.server_address[1]
        fails(probe, f"127.0.0.1:{port}:/hbase", "UNAVAILABLE", f"127.0.0.1:{port}", "ZooKeeper")
        fails(probe, f"hbase+rpc://127.0.0.1:{port}", "UNAVAILABLE", f"127.0.0.1:{port}", "HBase")
        server.shutdown()


def test_something_that_says_nothing_is_told(probe):
    with socket.socket() as mute:
        mute.bind(("127.0.0.1", 0))
        mute.listen()
        port = mute.getsockname()[1]
        fails(probe, f"127.0.0.1:{port}:/hbase", "UNAVAILABLE", f"127.0.0.1:{port}", "no answer")
        fails(probe, f"hbase+rpc://127.0.0.1:{port}", "UNAVAILABLE", f"127.0.0.1:{port}", "no answer")


# --- which regions a table has


@pytest.mark.both_versions
def test_regions_are_those_that_hbase_has(probe, judge, source, table):
    splits = [b"\x00", b"\x00\x00", b",", b",,", b"a,b,99999999999999", b"\x7f", b"\x80\xff", b"\xff\xff"]
    judge.create(source, table, splits=splits)
    regions = assert_same_regions(probe, judge, source, table)
    assert [r["start"] for r in regions] == [b"", *splits]
    for row in [b"", b"\x00\x01", b",a", b",,,", b"a,b", b"a,b,99999999999999", b"a,c", b"\xfe", b"\xff\xff\xff"]:
        expected = [r for r in regions if r["start"] <= row and (row < r["end"] or not r["end"])]
        assert shown([probe.locate(source, table, row)]) == expected, row


@pytest.mark.both_versions
def test_a_table_is_told_from_those_whose_names_begin_like_its(probe, judge, source, table):
    names = [f"{table}{end}" for end in ("", "-a", ".a", "_a", "A", "a", "0")]
    judge.ask("namespace", source, namespace=table)
    names += [f"{table}:{table}", f"{table}:t-1.x_y"]
    for i, name in enumerate(names):
        judge.create(source, name, splits=[bytes([65 + i]), b"z"])
    for name in names:
        assert len(assert_same_regions(probe, judge, source, name)) == 3
        assert shown([probe.locate(source, name, b"zz")]) == judged(judge, source, name)[2:]


@pytest.mark.both_versions
def test_regions_that_are_split_moved_and_merged(probe, judge, two_servers, table):
    cluster = two_servers
    judge.create(cluster, table, splits=[b"m"])
    judge.fill(cluster, table, rows=200)
    before = assert_same_regions(probe, judge, cluster, table)
    judge.ask("split", cluster, region=judge.regions(cluster, table)[0]["encoded"], at=b"d")
    split = assert_same_regions(probe, judge, cluster, table)
    assert [r["start"] for r in split] == [b"", b"d", b"m"]
    assert shown([probe.locate(cluster, table, b"c")]) == split[:1]
    judge.ask("compact", cluster, table=table)
    moved = judge.regions(cluster, table)[1]
    other = next(s for s in judge.status(cluster)["servers"] if s != moved["server"])
    judge.ask("move", cluster, region=moved["encoded"], server=other)
    after = assert_same_regions(probe, judge, cluster, table)
    assert after[1]["server"] == place(other) != split[1]["server"]
    judge.ask("merge", cluster, regions=[r["encoded"] for r in judge.regions(cluster, table)[:2]])
    merged = assert_same_regions(probe, judge, cluster, table)
    assert [(r["start"], r["end"]) for r in merged] == [(r["start"], r["end"]) for r in before]


def test_regions_are_whole_at_any_moment_of_a_split(probe, judge, two_servers, table):
    judge.create(two_servers, table, splits=[b"m"])
    judge.fill(two_servers, table, rows=200)
    for at in (b"d", b"b", b"a"):
        job = judge.start("split", two_servers, region=judge.regions(two_servers, table)[0]["encoded"], at=at)
        nlists = 0
        while nlists < 20:
            regions = probe.regions(two_servers, table, 60000)["regions"]
            assert regions[0]["start"] == regions[-1]["end"] == b""
            assert [r["end"] for r in regions[:-1]] == [r["start"] for r in regions[1:]]
            nlists += 1
        job.wait()
        assert assert_same_regions(probe, judge, two_servers, table)[0]["end"] == at
        judge.ask("compact", two_servers, table=table)  # a region with half files cannot be split again


@pytest.mark.both_versions
def test_a_table_that_is_missing_or_disabled_is_told_at_once(probe, judge, source, table):
    def fails_at_once(code):
        for command in (("regions", table), ("locate", table, b"a")):
            with pytest.raises(ProbeError) as caught:
                probe.run(source, *command)
            assert caught.value.code == code
            assert table in caught.value.text
            assert caught.value.seconds < FIND_S * scale()

    fails_at_once("NOT_FOUND")
    judge.create(source, table)
    judge.ask("disable", source, table=table)
    fails_at_once("FAILED_PRECONDITION")
    judge.ask("enable", source, table=table)
    assert_same_regions(probe, judge, source, table)


def test_a_table_of_many_regions(probe, judge, source, table):
    judge.create(source, table, regions=120)  # more than a page of hbase:meta
    assert len(assert_same_regions(probe, judge, source, table)) == 120
    judge.drop(source, table)
