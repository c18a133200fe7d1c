/*
 * tests/hbase/probe/probe.h - asks real clusters through hbase/, for tests in Python to compare with what the judge says.
 *
 *     hbase_probe PARAMETERS COMMAND [ARGUMENT..]
 *
 * PARAMETERS are those of a data source, as JSON. Prints one JSON object: a result, or {"code", "text"} of an error, and ends
 * with 1 then. Keys and values are hexadecimal both ways. Each command is a file and a row of the table in main.c.
 */
#ifndef TESTS_HBASE_PROBE_PROBE_H
#define TESTS_HBASE_PROBE_PROBE_H

#include "base/arena.h"
#include "base/json_in.h"
#include "base/json_out.h"
#include "base/status.h"
#include "hbase/cluster.h"
#include "hbase/scan.h"
#include "hbase/table.h"

/* What a command is given. out is within the object that is printed. */
struct probe {
    struct hbase_cluster *cluster;
    struct arena *arena;
    struct json_out *out;
    char **args; /* args[0 .. nargs) */
    int nargs;
};

enum { PROBE_PATIENCE_MS = 60000 };

/* The commands. Their files say what they take and tell. */
struct status probe_find(struct probe *probe) MUST_CHECK;
struct status probe_regions(struct probe *probe) MUST_CHECK;
struct status probe_locate(struct probe *probe) MUST_CHECK;
struct status probe_scan(struct probe *probe) MUST_CHECK;
struct status probe_copy(struct probe *probe) MUST_CHECK;

/* args[i] as a table's name, "t1" or "ns:t1"; in the arena. */
struct hbase_table_name probe_get_table(const struct probe *probe, int i);

/* args[i] as hexadecimal bytes; empty if there are fewer arguments. In the arena. INVALID_ARGUMENT. */
struct status probe_get_bytes(const struct probe *probe, int i, struct str *ret) MUST_CHECK;

/* Hexadecimal text as bytes, in the arena. INVALID_ARGUMENT. */
struct status probe_read_bytes(const struct probe *probe, struct str text, struct str *ret)
    MUST_CHECK;

/* What to scan, in the arena; see scan_options.c. INVALID_ARGUMENT. */
struct status probe_read_scan_options(const struct probe *probe, const struct json *object,
                                      struct hbase_scan_options *ret) MUST_CHECK;

/* args[i] as a number; fallback if there are fewer arguments. INVALID_ARGUMENT. */
struct status probe_get_number(const struct probe *probe, int i, int64_t fallback, int64_t *ret)
    MUST_CHECK;

/* A value. */
void probe_write_bytes(struct probe *probe, struct str bytes);

/* Members of the object that is open. */
void probe_tell_bytes(struct probe *probe, const char *key, struct str bytes);
void probe_tell_server(struct probe *probe, const char *key, const struct hbase_server *server);

#endif
