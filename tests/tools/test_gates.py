"""tests/tools/test_gates.py - the gates find what they are for, and only that."""
import pathlib
import subprocess

import pytest

TOOLS = pathlib.Path(__file__).resolve().parents[2] / "tools"


def run(*command):
    done = subprocess.run([str(c) for c in command], capture_output=True, text=True)
    return done.returncode, done.stdout + done.stderr


def write(root, path, text):
    file = root / path
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(text)
    return file


LAYERS = [
    ("spec/a.c", '#include "base/mem.h"', None),
    ("spec/a.c", '#include "sluice/v1/task.pb-c.h"', None),
    ("base/a.c", '#include "sluice/v1/task.pb-c.h"', 'base may not include'),
    ("base/a.c", '#include "store/query.h"', 'base may not include "store/query.h"'),
    ("base/a.c", '#include "mem.h"', "not written from the root"),
    ("base/a.c", '#include "../base/mem.h"', "not written from the root"),
    ("base/a.c", '#include "base/none.h"', "is not a file of ours"),
    ("base/a.c", "#include <stdio.h>", None),
    ("base/a.c", "#include <libpq-fe.h>", "belongs to connectors/postgres, store"),
    ("connectors/postgres/a.c", "#include <libpq-fe.h>", None),
    ("connectors/csv/a.c", "#include <libpq-fe.h>", "belongs to"),
    ("base/a.c", "#include <glib.h>", "is not in layers.txt"),
    ("tests/unit/rpc/a.c", "#include <grpc/grpc.h>", None),
    ("base/a.c", "int f(void) { return atoi(s); }", "atoi() is banned"),
    ("base/a.c", "int f(void) { return op->system(s); } /* system(s) */", None),
    ("base/a.c", "#ifdef X\n#endif", "#ifdef X outside"),
    ("base/compiler.h", "#ifndef BASE_COMPILER_H\n#ifdef X\n#endif\n#endif", None),
    ("base/a.h", "#ifndef BASE_A_H\n#define BASE_A_H\n#endif", None),
    ("base/a.h", "#ifndef A_H\n#define A_H\n#endif", "the guard is not BASE_A_H"),
    ("base/a.c", "typedef struct x x;", "a typedef of a struct"),
    ("base/a.c", "typedef enum { A, B } x;", "a typedef of a struct"),
    ("base/a.c", "typedef struct status (*run_fn)(void);", None),
    ("attic/a.c", '#include "base/mem.h"', "attic/ is not a room"),
]


@pytest.mark.parametrize("path,text,expected", LAYERS)
def test_layers(tmp_path, path, text, expected):
    write(tmp_path, "store/query.h", "#ifndef STORE_QUERY_H\n#endif\n")
    write(tmp_path, "base/mem.h", "#ifndef BASE_MEM_H\n#endif\n")
    write(tmp_path, path, text + "\n")
    status, out = run(TOOLS / "layers.py", tmp_path)
    assert status == (1 if expected else 0), out
    assert (expected or " 0 breaches") in out


PROTOS = [
    ("message A { string a = 1; } service S { rpc M(A) returns (A); }", None),
    ("message A { optional string a = 1; }", "A.a: proto3 optional"),
    ("message Hidden { string a = 1; }", "Hidden is also in"),
    ("message A { internal.v1.Hidden a = 1; } message E {} service S { rpc M(E) returns (A); }",
     "reaches .sluice.internal.v1.Hidden"),
    ("message A { internal.v1.Hidden a = 1; }", None),
    ("message A { map<string, google.protobuf.Struct> a = 1; }", "reaches .google.protobuf.Struct"),
    ("message A { B b = 1; } message B { repeated A a = 1; } message E {}"
     "service S { rpc M(A) returns (E); }", "in the request reaches itself"),
    ("message A { repeated A a = 1; } message E {} service S { rpc M(E) returns (A); }", None),
]


@pytest.mark.parametrize("text,expected", PROTOS)
def test_protos(tmp_path, text, expected):
    write(tmp_path, "sluice/internal/v1/hidden.proto",
          'syntax = "proto3"; package sluice.internal.v1; message Hidden { string a = 1; }')
    write(tmp_path, "sluice/v1/a.proto",
          'syntax = "proto3"; package sluice.v1; import "sluice/internal/v1/hidden.proto";'
          'import "google/protobuf/struct.proto";' + text)
    made = tmp_path / "set.binpb"
    status, out = run("protoc", "--include_imports", f"--descriptor_set_out={made}",
                      f"-I{tmp_path}", tmp_path / "sluice/v1/a.proto",
                      tmp_path / "sluice/internal/v1/hidden.proto")
    assert status == 0, out
    status, out = run(TOOLS / "protos.py", made)
    assert status == (1 if expected else 0), out
    assert (expected or " 0 breaches") in out


GLOBALS = [
    ("static int n; int *f(void); int *f(void) { return &n; }", "libsluice_x.a(a.c): n"),
    ("int n = 3;", "libsluice_x.a(a.c): n"),
    ("int *f(void); int *f(void) { static int n; return &n; }", "libsluice_x.a(a.c): n."),
    ('const int n = 3; const char *const names[] = {"a"};', None),
]


@pytest.mark.parametrize("text,expected", GLOBALS)
def test_globals(tmp_path, text, expected):
    source = write(tmp_path, "a.c", text + "\n")
    made = tmp_path / "a.c.o"
    assert run("cc", "-fPIC", "-c", source, "-o", made)[0] == 0
    assert run("ar", "rcs", tmp_path / "libsluice_x.a", made)[0] == 0
    status, out = run(TOOLS / "globals.py", tmp_path)
    assert status == (1 if expected else 0), out
    assert (expected or " 0 breaches") in out


def test_cmetrics_counts_lines_of_a_function(tmp_path):
    long = "int f(void)\n{\n" + "    g();\n" * 58 + "}\n"
    write(tmp_path, "a.c", long)
    assert run(TOOLS / "cmetrics.py", tmp_path)[0] == 1
    write(tmp_path, "a.c", long.replace("    g();\n", "", 1))
    assert run(TOOLS / "cmetrics.py", tmp_path)[0] == 0


MIGRATIONS = [
    ("ALTER TABLE task ADD COLUMN a text;", None),
    ("ALTER TABLE task ADD COLUMN a text NOT NULL DEFAULT '', ADD COLUMN b numeric(3, 2) NOT NULL DEFAULT 0;", None),
    ("ALTER TABLE task ADD COLUMN a text NOT NULL;", "column a is NOT NULL and has no default"),
    ("ALTER TABLE task ADD COLUMN a text NOT NULL, ADD COLUMN b text DEFAULT '';", "column a is NOT NULL"),
    ("CREATE TABLE a (b text NOT NULL); CREATE INDEX c ON a (b); DROP INDEX c;", None),
    ("ALTER TABLE task DROP CONSTRAINT a, ADD CONSTRAINT a CHECK (b > 0);", None),
    ("ALTER TABLE task DROP COLUMN a;", "drops a column"),
    ("ALTER TABLE task\n    DROP a;", "0012_a.sql:2: drops what an older program may use"),
    ("DROP TABLE task;", "drops what an older program may use"),
    ("DROP FUNCTION job_take(text[]);", "drops what an older program may use"),
    ("ALTER TABLE task RENAME COLUMN a TO b;", "renames"),
    ("ALTER TABLE task ALTER COLUMN a TYPE bigint;", "changes the type"),
    ("ALTER TABLE task ALTER COLUMN a SET NOT NULL;", "may leave the column out"),
    ("ALTER TABLE task ALTER COLUMN a SET DEFAULT 1, ALTER COLUMN b DROP NOT NULL;", None),
    ("-- DROP TABLE task;\nSELECT 'DROP TABLE task';", None),
    ("CREATE FUNCTION f() RETURNS void LANGUAGE sql AS $$ DELETE FROM a; DROP TABLE b $$;", None),
    ("DROP TABLE task; UPDATE schema_support SET oldest = 12;", None),
    ("DROP TABLE task; UPDATE schema_support SET oldest = 11;", "drops what"),
]


@pytest.mark.parametrize("text,expected", MIGRATIONS)
def test_migrations_add(tmp_path, text, expected):
    write(tmp_path, "migrations/0012_a.sql", text + "\n")
    write(tmp_path, "migrations/0001_init.sql", "DROP TABLE was_there_before;\n")
    status, out = run(TOOLS / "migrations.py", tmp_path)
    assert status == (1 if expected else 0), out
    assert (expected or " 0 breaches") in out
