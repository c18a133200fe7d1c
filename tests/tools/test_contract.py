"""tests/tools/test_contract.py - a change of the contract that breaks clients is found, and only that."""
import pathlib
import re
import shutil
import subprocess

import pytest

ROOT = pathlib.Path(__file__).resolve().parents[2]
TASK = "proto/sluice/v1/task.proto"
SERVICE = "proto/sluice/v1/task_service.proto"


def breaking(folder):
    """What buf says of the contract in folder, against the baseline that is kept."""
    done = subprocess.run(
        [ROOT / "tools/buf.sh", "breaking", "--against", ROOT / "proto/baseline.binpb"],
        cwd=folder, capture_output=True, text=True)
    return done.returncode, done.stdout + done.stderr


@pytest.fixture
def contract(tmp_path):
    shutil.copytree(ROOT / "proto", tmp_path / "proto")
    shutil.copy(ROOT / "buf.yaml", tmp_path)
    return tmp_path


def edit(contract, path, pattern, replacement):
    file = contract / path
    text, count = re.subn(pattern, replacement, file.read_text(), count=1)
    assert count == 1, f"{path} has no {pattern}"
    file.write_text(text)


def test_the_contract_as_it_is_breaks_nobody(contract):
    assert breaking(contract) == (0, "")


@pytest.mark.parametrize("path, pattern, replacement, told", [
    (TASK, r"string source = 3;", "", 'field "3" with name "source" on message "Task"'),
    (TASK, r"string source = 3;", "string source = 333;", 'field "3" with name "source"'),
    (TASK, r"string source = 3;", "bytes source = 3;", "changed type"),
    (TASK, r"string source = 3;", "string origin = 3;", "changed name"),
    (TASK, r"TASK_STATE_KILLED = 5;", "TASK_STATE_KILLED = 6;", 'enum value "5"'),
    (SERVICE, r"returns \(stream TaskChange\)", "returns (TaskChange)", "streaming"),
    (SERVICE, r"rpc GetTask\(", "rpc FetchTask(", 'RPC "GetTask"'),
])
def test_a_change_that_breaks_clients_is_found(contract, path, pattern, replacement, told):
    edit(contract, path, pattern, replacement)
    status, text = breaking(contract)
    assert status != 0
    assert told in text


def test_an_addition_breaks_nobody(contract):
    edit(contract, TASK, r"string source = 3;", "string source = 3; string added = 999;")
    assert breaking(contract) == (0, "")
