"""DataSourceService, by a client that knows nothing but the server's reflection."""
import json

import pytest

from sluicetest import bad_requests
from sluicetest.client import Client, task

URL = "postgresql://sluice:geheim@db.example:5432/target"
MASKED = "postgresql://sluice:***@db.example:5432/target"


@pytest.fixture
def client(stack):
    stack.start_gateway()
    return Client(stack.reflected())


def source(name="ld", kind="POSTGRES", **parameters):
    return {"name": name, "type": f"DATA_SOURCE_TYPE_{kind}",
            "parametersJson": json.dumps(parameters or {"url": URL, "password": "geheim"})}


def parameters_of(reply):
    return json.loads(reply["parametersJson"])


def stored_parameters(stack, name="ld"):
    return json.loads(stack.database.value(
        "SELECT parameters_json FROM data_source WHERE name = %s", name))


def test_reflection_names_the_services(client):
    names = client.reflected.services()
    assert {"sluice.v1.TaskService", "sluice.v1.DataSourceService",
            "sluice.worker.v1.WorkerService"} <= set(names)


def test_secrets_are_stored_and_masked_in_every_reply(client, stack):
    replies = [client("CreateDataSource", dataSource=source()),
               client("GetDataSource", name="ld"),
               client("ListDataSources")["dataSources"][0],
               client("UpdateDataSource", dataSource=source())]
    for reply in replies:
        assert parameters_of(reply) == {"url": MASKED, "password": "***"}
    assert stored_parameters(stack) == {"url": URL, "password": "geheim"}


def test_the_address_is_stored_for_those_who_list_tasks(client, stack):
    def address():
        return stack.database.value("SELECT address FROM data_source WHERE name = 'ld'")
    client("CreateDataSource", dataSource=source())
    assert address() == "db.example"
    client("UpdateDataSource", dataSource=source(url="postgresql:///target?host=/tmp"))
    assert address() == ""


# By type: parameters, and how they read; where the data source is.
TYPES = {
    "FILE": ({"root": "/data"}, {}, ""),
    "POSTGRES": ({"url": URL, "password": "geheim"}, {"url": MASKED, "password": "***"},
                 "db.example"),
    "HBASE": ({"clusterKey": "zk1,zk2:2181:/hbase", "username": "u", "hosts": {"rs1": "10.0.0.1"},
               "hbaseDir": "/hbase", "hdfsUri": "hdfs://nn1:8020,nn2:8020",
               "extraConf": {"hdfsUserName": "hadoop"}}, {}, "zk1"),
    "LINDORM": ({"clusterKey": "ld.example:30020:u:geheim"},
                {"clusterKey": "ld.example:30020:u:***"}, "ld.example"),
    "HDFS": ({"url": "http://nn1:9870,http://nn2:9870", "user": "u", "root": "/in"}, {}, "nn1"),
    "S3": ({"endpoint": "https://s3.example", "bucket": "in-2026", "region": "r", "prefix": "p/",
            "accessKeyId": "id", "secretAccessKey": "geheim", "sessionToken": "geheim",
            "pathStyle": True}, {"secretAccessKey": "***", "sessionToken": "***"}, "s3.example"),
    "SPARK": ({"url": "http://spark:6066", "token": "geheim"}, {"token": "***"}, "spark"),
}


@pytest.mark.parametrize("kind", TYPES)
def test_each_type_is_kept_and_updated_with_its_secrets_masked(client, stack, kind):
    parameters, masked, address = TYPES[kind]
    shown = {**parameters, **masked}
    made = client("CreateDataSource", dataSource=source(kind=kind, **parameters))
    assert (made["type"], parameters_of(made)) == (f"DATA_SOURCE_TYPE_{kind}", shown)
    updated = client("UpdateDataSource", dataSource=source(kind=kind, **shown))
    assert parameters_of(updated) == shown
    assert stored_parameters(stack) == parameters
    assert stack.database.value("SELECT address FROM data_source") == address
    client("DeleteDataSource", name="ld")


def test_create_sets_what_the_server_sets(client):
    made = client("CreateDataSource", dataSource=source())
    assert made["name"] == "ld" and made["type"] == "DATA_SOURCE_TYPE_POSTGRES"
    assert made["etag"] and made["createTime"] and made["updateTime"]
    assert client("GetDataSource", name="ld") == made


def test_a_name_is_taken_once(client):
    client("CreateDataSource", dataSource=source())
    failure = client.fails("CreateDataSource", dataSource=source())
    assert failure.code == "ALREADY_EXISTS"
    assert failure.reason == "DATA_SOURCE_EXISTS"
    assert failure.about == {"data_source": "ld"}
    assert "'ld'" in failure.text


def test_longest_name(client):
    assert client("CreateDataSource", dataSource=source(name="a" * 128))["name"] == "a" * 128


def test_get_of_an_unknown_one(client):
    failure = client.fails("GetDataSource", name="nope")
    assert failure.code == "NOT_FOUND"
    assert failure.reason == "DATA_SOURCE_NOT_FOUND"
    assert failure.resource == ("sluice.v1.DataSource", "nope")


def test_list_pages_by_name(client):
    names = [f"s{i:02}" for i in range(7)]
    for name in reversed(names):
        client("CreateDataSource", dataSource=source(name=name))
    pages, token = [], ""
    while True:
        reply = client("ListDataSources", pageSize=3, pageToken=token)
        pages.append([s["name"] for s in reply["dataSources"]])
        token = reply.get("nextPageToken", "")
        if not token:
            break
    assert pages == [names[:3], names[3:6], names[6:]]


def test_a_last_page_that_is_full_has_no_token(client):
    for name in ("a", "b"):
        client("CreateDataSource", dataSource=source(name=name))
    assert "nextPageToken" not in client("ListDataSources", pageSize=2)


def test_large_sources_are_all_listed_page_by_page(client):
    names = [f"s{i:02}" for i in range(40)]
    for name in names:
        client("CreateDataSource", dataSource=source(
            name, "HBASE", clusterKey="zk1:2181:/hbase",
            hosts={f"{'h' * 200}{n}": "10.0.0.1" for n in range(256)}))
    listed, token = [], ""
    while not listed or token:
        page = client("ListDataSources", pageSize=1000, pageToken=token)
        listed += [one["name"] for one in page["dataSources"]]
        token = page.get("nextPageToken", "")
    assert listed == names


def test_list_of_none(client):
    assert client("ListDataSources") == {}


def test_update_keeps_secrets_that_read_masked(client, stack):
    client("CreateDataSource", dataSource=source())
    client("UpdateDataSource", dataSource=source(url=MASKED, password="***"))
    assert stored_parameters(stack) == {"url": URL, "password": "geheim"}


@pytest.mark.parametrize("kind, moved", [
    ("POSTGRES", {"url": MASKED.replace("db.example", "new.example")}),
    ("POSTGRES", {"url": MASKED.replace("geheim", "***") + "?hostaddr=10.0.0.1"}),
    ("LINDORM", {"clusterKey": "new.example:30020:u:***"}),
    ("S3", {"endpoint": "http://s3.example"}),
    ("SPARK", {"url": "https://new.example"}),
])
def test_update_sends_no_kept_secret_elsewhere(client, stack, kind, moved):
    parameters, masked, _ = TYPES[kind]
    before = client("CreateDataSource", dataSource=source(kind=kind, **parameters))
    failure = client.fails("UpdateDataSource",
                           dataSource=source(kind=kind, **{**parameters, **masked, **moved}))
    assert failure.code == "INVALID_ARGUMENT"
    assert "send the secret again" in failure.violations["data_source.parameters_json"]
    assert client("GetDataSource", name="ld") == before
    assert stored_parameters(stack) == parameters
    renewed = {key: value.replace("***", "neu") if isinstance(value, str) else value
               for key, value in {**parameters, **masked, **moved}.items()}
    client("UpdateDataSource", dataSource=source(kind=kind, **renewed))
    assert stored_parameters(stack) == renewed


def test_update_changes_the_etag(client):
    first = client("CreateDataSource", dataSource=source())["etag"]
    second = client("UpdateDataSource", dataSource={**source(), "etag": first})["etag"]
    assert second != first
    failure = client.fails("UpdateDataSource", dataSource={**source(), "etag": first})
    assert failure.code == "ABORTED"
    assert failure.reason == "ETAG_MISMATCH"
    assert client("GetDataSource", name="ld")["etag"] == second


def test_update_may_name_what_it_changes(client):
    client("CreateDataSource", dataSource=source())
    client("UpdateDataSource", dataSource=source(), updateMask="parametersJson")
    failure = client.fails("UpdateDataSource", dataSource=source(), updateMask="type")
    assert "update_mask" in failure.violations


def test_update_refuses_another_type(client):
    client("CreateDataSource", dataSource=source())
    failure = client.fails("UpdateDataSource", dataSource=source(kind="FILE", root="/x"))
    assert "data_source.type" in failure.violations


def test_delete(client):
    etag = client("CreateDataSource", dataSource=source())["etag"]
    assert client.fails("DeleteDataSource", name="ld", etag="x").reason == "ETAG_MISMATCH"
    client("DeleteDataSource", name="ld", etag=etag)
    assert client.fails("DeleteDataSource", name="ld").reason == "DATA_SOURCE_NOT_FOUND"
    assert client("ListDataSources") == {}


@pytest.mark.parametrize("wanted", [task(), bad_requests.MIGRATION, bad_requests.SYNC],
                         ids=["bulk import", "full migration", "incremental sync"])
def test_a_data_source_that_a_task_names_stays(client, wanted):
    client.add_sources(**bad_requests.MORE_SOURCES)
    made = client("CreateTask", task=wanted)
    for name in (wanted["source"], wanted["destination"]):
        failure = client.fails("DeleteDataSource", name=name)
        assert failure.code == "FAILED_PRECONDITION"
        assert failure.reason == "DATA_SOURCE_IN_USE"
        assert made["id"] in failure.text
    client("DeleteTask", id=made["id"])
    for name in (wanted["source"], wanted["destination"]):
        client("DeleteDataSource", name=name)
