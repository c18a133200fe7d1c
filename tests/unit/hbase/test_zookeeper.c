#include <string.h>

#include "base/clock.h"
#include "hbase/znode.h"
#include "hbase/zookeeper.h"
#include "hbase/zookeeper_wire.h"
#include "tests/harness/test.h"
#include "tests/unit/hbase/cluster_fixture.h"
#include "tests/unit/hbase/fake_zookeeper.h"
#include "tests/unit/hbase/hex.h"

enum { LONG_MS = 20 * 1000, SHORT_MS = 200 };

/* ---- Bytes ---- */

/* As org.apache.zookeeper's client of 3.8 has them. */
test(requests_are_as_zookeeper_has_them)
{
    struct buf out = {0};

    zookeeper_write_connect(&out, 10000);
    hex_check(buf_get(&out), "0000002d 00000000 0000000000000000 00002710 0000000000000000 00000010"
                             "00000000000000000000000000000000 00");
    buf_clear(&out);
    zookeeper_write_read(&out, "/hbase/master");
    hex_check(buf_get(&out), "0000001a 00000001 00000004 0000000d 2f68626173652f6d6173746572 00");
    buf_clear(&out);
    zookeeper_write_list(&out, "/hbase/rs");
    hex_check(buf_get(&out), "00000016 00000001 00000008 00000009 2f68626173652f7273 00");
    buf_clear(&out);
    zookeeper_write_close(&out);
    hex_check(buf_get(&out), "00000008 00000002 fffffff5");
    buf_deinit(&out);
}

test(lengths_that_no_zookeeper_sends_are_refused)
{
    static const struct {
        const char *hex;
        enum status_code code;
    } cases[] = {
        {"00000010", STATUS_OK},        {"0000000f", STATUS_DATA_LOSS},
        {"00000000", STATUS_DATA_LOSS}, {"00100058", STATUS_OK}, /* a node of 1 MiB */
        {"00100059", STATUS_DATA_LOSS}, {"ffffffff", STATUS_DATA_LOSS},
        {"48545450", STATUS_DATA_LOSS}, /* "HTTP" */
    };

    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct buf head = {0};
        size_t len;

        hex_read(cases[i].hex, &head);
        check_status(zookeeper_read_length(head.data, &len), cases[i].code);
        buf_deinit(&head);
    }
}

static struct status read_connected(const char *hex)
{
    struct buf frame = {0};

    hex_read(hex, &frame);
    struct status st = zookeeper_read_connected(buf_get(&frame));
    buf_deinit(&frame);
    return st;
}

#define PASSWORD "00000010 0102030405060708090a0b0c0d0e0f10"

test(a_session_is_open_or_refused)
{
    check_status(read_connected("00000000 00002710 0000000000000001" PASSWORD "00"), STATUS_OK);
    check_status(read_connected("00000000 00002710 0000000000000001" PASSWORD), STATUS_OK);
    check_status(read_connected("00000000 00000000 0000000000000000" PASSWORD "00"),
                 STATUS_UNAVAILABLE);
    check_status(read_connected("00000001 00002710 0000000000000001" PASSWORD), STATUS_DATA_LOSS);
    check_status(read_connected("00000000 00002710 0000000000000001" PASSWORD "0000"),
                 STATUS_DATA_LOSS);
    check_status(read_connected("00000000 00002710"), STATUS_DATA_LOSS);
}

#define HEADER "00000001 0000000000000009"
#define STAT \
    "00000000000000000000000000000000000000000000000000000000000000000000" \
    "00000000000000000000000000000000000000000000000000000000000000000000"

/* The data of a node, "" after an error. */
static struct status read_data(const char *hex, struct buf *ret)
{
    struct buf frame = {0};
    struct str data;

    buf_clear(ret);
    hex_read(hex, &frame);
    struct status st = zookeeper_read_data(buf_get(&frame), &data);
    if (st.code == STATUS_OK)
        buf_append_str(ret, data);
    buf_deinit(&frame);
    return st;
}

test(a_nodes_data_is_as_long_as_it_says)
{
    struct buf data = {0};

    check_status(read_data(HEADER "00000000 00000003 616263" STAT, &data), STATUS_OK);
    check_str(buf_get_text(&data), "abc");
    check_status(read_data(HEADER "00000000 00000000" STAT, &data), STATUS_OK);
    check_status(read_data(HEADER "00000000 ffffffff" STAT, &data), STATUS_OK);
    check_int(data.len, 0);
    check_status(read_data(HEADER "00000000 00000004 616263" STAT, &data), STATUS_DATA_LOSS);
    check_status(read_data(HEADER "00000000 00000002 616263" STAT, &data), STATUS_DATA_LOSS);
    check_status(read_data(HEADER "00000000 fffffffe" STAT, &data), STATUS_DATA_LOSS);
    check_status(read_data(HEADER "00000000 7fffffff" STAT, &data), STATUS_DATA_LOSS);
    check_status(read_data(HEADER "00000000 00000003 616263", &data), STATUS_DATA_LOSS);
    check_status(read_data(HEADER "00000000", &data), STATUS_DATA_LOSS);
    check_status(read_data(HEADER, &data), STATUS_DATA_LOSS);
    check_status(read_data(HEADER "ffffff9b", &data), STATUS_NOT_FOUND);
    check_status(read_data(HEADER "ffffff9a", &data), STATUS_PERMISSION_DENIED);
    check_status(read_data(HEADER "fffffffc", &data), STATUS_UNAVAILABLE);
    buf_deinit(&data);
}

/* The names of children with ',' between. */
static struct status read_names(const char *hex, struct buf *ret)
{
    struct arena *arena = arena_create(0);
    struct zookeeper_names names;
    struct buf frame = {0};

    buf_clear(ret);
    hex_read(hex, &frame);
    struct status st = zookeeper_read_names(buf_get(&frame), arena, &names);
    for (size_t i = 0; st.code == STATUS_OK && i < names.count; i++)
        buf_printf(ret, "%s%s", i > 0 ? "," : "", names.names[i]);
    buf_deinit(&frame);
    arena_destroy(arena);
    return st;
}

test(a_nodes_children_are_as_many_and_as_long_as_it_says)
{
    struct buf names = {0};

    check_status(read_names(HEADER "00000000 00000002 00000001 61 00000002 6263", &names),
                 STATUS_OK);
    check_str(buf_get_text(&names), "a,bc");
    check_status(read_names(HEADER "00000000 00000000", &names), STATUS_OK);
    check_int(names.len, 0);
    check_status(read_names(HEADER "00000000 00000001 00000002 61", &names), STATUS_DATA_LOSS);
    check_status(read_names(HEADER "00000000 00000001 00000001 6162", &names), STATUS_DATA_LOSS);
    check_status(read_names(HEADER "00000000 00000002 00000001 61", &names), STATUS_DATA_LOSS);
    check_status(read_names(HEADER "00000000 00000001 ffffffff 61", &names), STATUS_DATA_LOSS);
    check_status(read_names(HEADER "00000000 ffffffff", &names), STATUS_DATA_LOSS);
    check_status(read_names(HEADER "00000000 000000", &names), STATUS_DATA_LOSS);
    check_status(read_names(HEADER, &names), STATUS_DATA_LOSS);
    check_status(read_names(HEADER "ffffff9b", &names), STATUS_NOT_FOUND);
    check_status(read_names(HEADER "ffffff9a", &names), STATUS_PERMISSION_DENIED);
    buf_deinit(&names);
}

/* ---- A server ---- */

static const struct fake_node nodes[] = {{"/hbase/a", {"hello", 5}}, {"/hbase/empty", {"", 0}}};

/* Reads the node from a server of this mood. */
static struct status read_from(enum fake_zookeeper_mood mood, const char *path, int64_t timeout_ms,
                               struct buf *ret)
{
    const struct fake_zookeeper_options fake = {nodes, ARRAY_LEN(nodes), mood};
    struct fake_zookeeper *server = fake_zookeeper_open(&fake);
    struct stop stop = {0};
    const struct zookeeper_options options = {
        .host = "zk1",
        .address = "127.0.0.1",
        .port = fake_zookeeper_get_port(server),
        .stop = &stop,
        .deadline_ms = clock_get_monotonic_ms() + timeout_ms,
    };

    struct zookeeper *zookeeper = NULL;
    struct status st = zookeeper_open(&options, &zookeeper);
    if (st.code == STATUS_OK)
        st = zookeeper_read(zookeeper, path, ret);
    zookeeper_close(zookeeper);
    fake_zookeeper_close(server);
    return st;
}

test(a_node_is_read)
{
    struct buf data = {0};

    buf_append_text(&data, "> ");
    check_status(read_from(FAKE_ZOOKEEPER_WELL, "/hbase/a", LONG_MS, &data), STATUS_OK);
    check_str(buf_get_text(&data), "> hello");
    check_status(read_from(FAKE_ZOOKEEPER_CHATTERS, "/hbase/empty", LONG_MS, &data), STATUS_OK);
    check_str(buf_get_text(&data), "> hello");
    check_status(read_from(FAKE_ZOOKEEPER_WELL, "/hbase/b", LONG_MS, &data), STATUS_NOT_FOUND);
    buf_deinit(&data);
}

static void check_failure(enum fake_zookeeper_mood mood, enum status_code code, const char *text)
{
    struct buf data = {0};
    int64_t timeout_ms = mood == FAKE_ZOOKEEPER_IS_MUTE ? SHORT_MS : LONG_MS;
    struct status st = read_from(mood, "/hbase/a", timeout_ms, &data);

    check_status(st, code);
    check(strncmp(st.text, "zk1:", 4) == 0);
    check_str(strstr(st.text, text) ? text : st.text, text);
    buf_deinit(&data);
}

test(a_server_that_is_not_well_is_told_by_name)
{
    check_failure(FAKE_ZOOKEEPER_HANGS_UP, STATUS_UNAVAILABLE, "or has no quorum");
    check_failure(FAKE_ZOOKEEPER_EXPIRES, STATUS_UNAVAILABLE, "opens no session");
    check_failure(FAKE_ZOOKEEPER_BABBLES, STATUS_UNAVAILABLE, "is no ZooKeeper");
    check_failure(FAKE_ZOOKEEPER_DENIES, STATUS_PERMISSION_DENIED, "without a login");
    check_failure(FAKE_ZOOKEEPER_IS_MUTE, STATUS_DEADLINE_EXCEEDED, "no answer in time; is it");
}

/* ---- What HBase keeps there ---- */

/* hbase:meta at rs1:16020, whose life began at 1700000000000; written by rs1:1. */
#define WRITER "ff 0000000d 7273313a31 0000000000000000"
#define META "50425546 0a0f0a03727331 10947d 1880d095ffbc31 1000 18"

static struct status read_meta(const char *hex, struct hbase_server *ret)
{
    struct buf data = {0};

    hex_read(hex, &data);
    struct status st = hbase_znode_read_meta(buf_get(&data), ret);
    buf_deinit(&data);
    return st;
}

test(the_server_of_hbase_meta_is_read_with_and_without_its_writer)
{
    struct hbase_server server = {0};

    check_status(read_meta(WRITER META "03", &server), STATUS_OK);
    check_str(server.host, "rs1");
    check_int(server.port, 16020);
    check_int(server.start_code, 1700000000000);
    check_status(read_meta(META "03", &server), STATUS_OK);
    check_status(read_meta(META "02", &server), STATUS_UNAVAILABLE); /* it is being opened */
}

test(nodes_that_hbase_does_not_write_are_refused)
{
    static const char *const cases[] = {
        "",
        "ff",
        "ff 000000",
        "ff 00000001", /* an id that is longer than the node */
        "ff ffffffff 00",
        "ff 00000000", /* nothing behind it */
        "50425546",    /* no server */
        "50425547 0a0f0a03727331 10947d 1880d095ffbc31",
        "50425546 0a050a03727331",           /* no port */
        "50425546 0a080a03727331 108080 40", /* a port that is too large */
        "50425546 0a060a00 10947d",          /* no host */
        "50425546 0a090a04 72730a31 10947d", /* a host with a line end */
    };
    struct hbase_server server;

    for (size_t i = 0; i < ARRAY_LEN(cases); i++)
        check_status(read_meta(cases[i], &server), STATUS_DATA_LOSS);
}

static struct status read_id(const char *data, size_t len, char ret[HBASE_CLUSTER_ID_BYTES])
{
    return hbase_znode_read_id(str_from_bytes(data, len), ret);
}

test(a_clusters_id_is_a_message_or_a_text)
{
    char id[HBASE_CLUSTER_ID_BYTES], long_id[HBASE_CLUSTER_ID_BYTES];

    check_status(read_id("PBUF\x0a\x05"
                         "abc-1",
                         11, id),
                 STATUS_OK);
    check_str(id, "abc-1");
    check_status(read_id("\xff\0\0\0\x01xabc-2", 11, id), STATUS_OK);
    check_str(id, "abc-2");
    memset(long_id, 'a', sizeof(long_id));
    check_status(read_id(long_id, sizeof(long_id) - 1, id), STATUS_OK);
    check_status(read_id(long_id, sizeof(long_id), id), STATUS_DATA_LOSS);
    check_status(read_id("", 0, id), STATUS_DATA_LOSS);
    check_status(read_id("a b", 3, id), STATUS_DATA_LOSS);
}
