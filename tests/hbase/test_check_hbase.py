"""A check of a data source of type HBASE: the cluster is found, and each of its servers answers by its own name."""


def check(sluice, name):
    reply = sluice.client("CheckDataSource", name=name)
    return reply, [(step["name"], step.get("target", ""), step.get("ok", False)) for step in reply["steps"]]


def test_a_cluster_by_zookeeper(sluice, source):
    reply, steps = check(sluice, "source")
    region_server = f"localhost:{source.region_servers[0].port}"
    assert reply["ok"] is True, reply
    assert steps == [
        ("resolve", "127.0.0.1", True), ("connect", f"127.0.0.1:{source.zookeeper_port}", True),
        ("find cluster", "", True), ("ask master", f"localhost:{source.master.port}", True),
        ("ask region server", region_server, True)]
    found, master, server = (step["message"] for step in reply["steps"][2:])
    assert f"master localhost:{source.master.port}, hbase:meta on {region_server}" in found
    assert master.startswith("HBase 2.") and "1 region server live, 0 dead" in master
    assert server == "answers"


def test_a_cluster_by_its_servers_own_registry(sluice, source):
    sluice.add_cluster("by_rpc", source.rpc_key)
    reply, steps = check(sluice, "by_rpc")
    assert reply["ok"] is True, reply
    assert [step[0] for step in steps] == ["resolve", "connect", "find cluster", "ask master", "ask region server"]


def test_a_node_that_zookeeper_does_not_have(sluice, source):
    sluice.add_cluster("astray", source.key.replace("/hbase", "/nowhere"))
    reply, steps = check(sluice, "astray")
    assert "ok" not in reply
    assert steps[-1] == ("find cluster", "", False)
    assert "/nowhere" in reply["steps"][-1]["message"]


def test_a_dead_host_of_several(sluice, source):
    """One that answers is enough to find the cluster; the other one is told of."""
    sluice.add_cluster("half", f"127.0.0.1:1,{source.key}")
    reply, steps = check(sluice, "half")
    assert "ok" not in reply
    assert ("connect", "127.0.0.1:1", False) in steps
    assert steps[-1][0] == "ask region server" and steps[-1][2]


def test_a_server_that_is_out_of_reach_by_its_name(sluice, source):
    """HBase hands out its servers by their names; here one leads elsewhere."""
    sluice.add_cluster("elsewhere", source, hosts={"localhost": "127.0.0.9"})
    reply, steps = check(sluice, "elsewhere")
    assert "ok" not in reply
    assert steps[-1] == ("ask master", f"localhost:{source.master.port}", False)
    assert "localhost" in reply["steps"][-1]["message"]
