#include "hbase/bulk_load.h"

#include <inttypes.h>

#include "base/arena.h"
#include "hbase/connection.h"
#include "hbase/hbase.pb-c.h"
#include "hbase/message.h"
#include "hbase/region.h"

enum {
    LOAD_TIMEOUT_MS = 10 * 60 * 1000, /* a server copies the files if they are elsewhere */
    CALL_TIMEOUT_MS = 60 * 1000,
    MAX_REGION_BYTES = 1024 * 1024,
};

/* What HBase says of a file without cells when it has opened it (HStore.assertBulkLoadHFileOk). */
static const char no_cells[] = "First key can not be null";

/* A load, at one region. */
struct load {
    struct hbase_table *table;
    const struct hbase_bulk *bulk;
    struct arena *arena; /* of one try */
    struct hbase_region region;
    Hb__RegionSpecifier specifier;
    char *token;  /* the server's folder; NULL: none */
    bool is_lost; /* the files may be loaded, or be where the server took them */
};

static bool call(struct load *load, const char *method, const ProtobufCMessage *message,
                 const ProtobufCMessageDescriptor *reply_type, struct hbase_reply *ret,
                 struct hbase_fault *ret_fault)
{
    const struct hbase_request request = {
        .method = method,
        .message = message,
        .reply = reply_type,
        .timeout_ms = message->descriptor == &hb__bulk_load_hfile_request__descriptor
                          ? LOAD_TIMEOUT_MS
                          : CALL_TIMEOUT_MS,
    };

    return hbase_cluster_try(hbase_table_get_cluster(load->table), &load->region.server,
                             HBASE_CLIENT_SERVICE, &request, ret, ret_fault);
}

/* Finds the region of a row. The load's arena is a new one then. */
static bool locate(struct load *load, struct str row, struct hbase_fault *ret_fault)
{
    arena_destroy(load->arena);
    load->arena = arena_create(MAX_REGION_BYTES);
    struct status st = hbase_table_locate(load->table, row, load->arena, &load->region);

    if (st.code != STATUS_OK) {
        hbase_fault_from_status(st, ret_fault);
        if (st.code != STATUS_UNAVAILABLE && st.code != STATUS_DEADLINE_EXCEEDED)
            ret_fault->action = HBASE_ACTION_FAIL;
        return false;
    }
    load->specifier = (Hb__RegionSpecifier)HB__REGION_SPECIFIER__INIT;
    load->specifier.type = HB__REGION_SPECIFIER__TYPE__REGION_NAME;
    load->specifier.value = hbase_bytes_make(load->region.name);
    return true;
}

static bool prepare(struct load *load, struct hbase_fault *ret_fault)
{
    Hb__PrepareBulkLoadRequest request = HB__PREPARE_BULK_LOAD_REQUEST__INIT;
    Hb__TableName name = HB__TABLE_NAME__INIT;
    struct str text = str_from(hbase_table_get_text(load->table));
    struct str namespace = str_cut(&text, ':');
    struct hbase_reply reply;

    name.namespace_ = hbase_bytes_make(text.data ? namespace : str_from("default"));
    name.qualifier = hbase_bytes_make(text.data ? text : namespace);
    request.table_name = &name;
    request.region = &load->specifier;
    if (!call(load, "PrepareBulkLoad", &request.base, &hb__prepare_bulk_load_response__descriptor,
              &reply, ret_fault))
        return false;
    load->token = arena_copy_str(
        load->arena, str_from(((const Hb__PrepareBulkLoadResponse *)reply.message)->bulk_token));
    hbase_reply_free(&reply);
    return true;
}

/* Has the server remove its folder; if it cannot, an empty folder is all that stays. */
static void clean_up(struct load *load)
{
    Hb__CleanupBulkLoadRequest request = HB__CLEANUP_BULK_LOAD_REQUEST__INIT;
    struct hbase_reply reply;
    struct hbase_fault fault;

    request.bulk_token = load->token;
    request.region = &load->specifier;
    if (call(load, "CleanupBulkLoad", &request.base, &hb__cleanup_bulk_load_response__descriptor,
             &reply, &fault))
        hbase_reply_free(&reply);
    load->token = NULL;
}

static bool send_files(struct load *load, const struct hbase_bulk_file *files, size_t nfiles,
                       bool *ret_is_loaded, struct hbase_fault *ret_fault)
{
    Hb__BulkLoadHFileRequest request = HB__BULK_LOAD_HFILE_REQUEST__INIT;
    Hb__FamilyPath *paths = arena_alloc(load->arena, nfiles * sizeof(*paths));
    struct hbase_reply reply;

    request.family_path = arena_alloc(load->arena, nfiles * sizeof(*request.family_path));
    request.n_family_path = nfiles;
    for (size_t i = 0; i < nfiles; i++) {
        paths[i] = (Hb__FamilyPath)HB__FAMILY_PATH__INIT;
        paths[i].family = hbase_bytes_make(files[i].family);
        paths[i].path = (char *)(uintptr_t)files[i].url;
        request.family_path[i] = &paths[i];
    }
    request.region = &load->specifier;
    request.has_assign_seq_num = true;
    request.assign_seq_num = true;
    request.bulk_token = load->token;
    if (!call(load, "BulkLoadHFile", &request.base, &hb__bulk_load_hfile_response__descriptor,
              &reply, ret_fault))
        return false;
    *ret_is_loaded = ((const Hb__BulkLoadHFileResponse *)reply.message)->loaded;
    hbase_reply_free(&reply);
    return true;
}

/* The server says no more than this. Perhaps it has the region no more, so that is looked up again. */
static struct hbase_fault make_refused(const struct load *load)
{
    return (struct hbase_fault){
        .action = HBASE_ACTION_RELOCATE,
        .status = status_error(
            STATUS_FAILED_PRECONDITION,
            "%s:%d does not load files into table '%s' in the name of user '%s', and its log says "
            "why: %s",
            load->region.server.host, load->region.server.port, hbase_table_get_text(load->table),
            hbase_cluster_get_user(hbase_table_get_cluster(load->table)), load->bulk->files[0].url),
    };
}

static struct hbase_fault make_split(const struct load *load)
{
    return (struct hbase_fault){
        .action = HBASE_ACTION_FAIL,
        .status = status_error(
            STATUS_UNAVAILABLE,
            "a region of table '%s' was split while files were written for it; they are made anew",
            hbase_table_get_text(load->table)),
    };
}

/* Tries once. */
static bool try_load(struct load *load, struct hbase_fault *ret_fault)
{
    const struct hbase_bulk *bulk = load->bulk;
    bool is_loaded = false;

    if (!locate(load, bulk->first_row, ret_fault))
        return false;
    if (!hbase_region_has_row(&load->region, bulk->last_row)) {
        *ret_fault = make_split(load);
        return false;
    }
    bool is_ok = prepare(load, ret_fault);
    if (is_ok) {
        is_ok = send_files(load, bulk->files, bulk->nfiles, &is_loaded, ret_fault);
        load->is_lost = !is_ok && ret_fault->action == HBASE_ACTION_RECONNECT;
        clean_up(load);
    }
    if (is_ok && !is_loaded)
        *ret_fault = make_refused(load);
    if (is_ok && is_loaded)
        return true;
    hbase_table_take_fault(load->table, &load->region, ret_fault);
    return false;
}

struct status hbase_bulk_load(struct hbase_table *table, const struct hbase_bulk *bulk)
{
    struct hbase_cluster *cluster = hbase_table_get_cluster(table);
    struct load load = {.table = table, .bulk = bulk};
    struct hbase_retry retry = hbase_cluster_begin_retry(cluster);
    struct status st = status_ok();
    struct hbase_fault fault;

    while (st.code == STATUS_OK && !try_load(&load, &fault)) {
        if (load.is_lost)
            st = fault.status;
        else if (!hbase_cluster_pause(cluster, &retry, &fault))
            st = hbase_cluster_explain(cluster, &fault);
    }
    arena_destroy(load.arena);
    return st;
}

/* ---- Whether files can be loaded */

static bool has_text(const struct hbase_fault *fault, const char *text)
{
    struct str whole = str_from(fault->status.text);

    return str_find(whole, text) < whole.len;
}

static struct status explain_check(const struct load *load, const struct hbase_bulk_file *probe,
                                   const struct hbase_fault *fault)
{
    const struct hbase_server *server = &load->region.server;

    /* Java says of a file in a folder that it may not enter that it is not found. */
    if (has_text(fault, "Permission denied") || has_text(fault, "AccessControlException"))
        return status_error(STATUS_FAILED_PRECONDITION,
                            "%s:%d may not read and write what workers do (they must run as one "
                            "user, or the folder's group be one of both): %s",
                            server->host, server->port, probe->url);
    if (has_text(fault, "FileNotFoundException"))
        return status_error(STATUS_FAILED_PRECONDITION,
                            "%s:%d does not find what workers write (the folder must be of a file "
                            "system that both share, under one path): %s",
                            server->host, server->port, probe->url);
    return hbase_cluster_explain(hbase_table_get_cluster(load->table), fault);
}

/* Tries once; *ret is what was found out, if it returns true. */
static bool try_check(struct load *load, const struct hbase_bulk_file *probe, struct status *ret,
                      struct hbase_fault *ret_fault)
{
    bool is_loaded = false;

    if (!locate(load, (struct str){"", 0}, ret_fault))
        return false;
    if (send_files(load, probe, 1, &is_loaded, ret_fault) || has_text(ret_fault, no_cells)) {
        *ret = status_ok();
        return true;
    }
    hbase_table_take_fault(load->table, &load->region, ret_fault);
    *ret = explain_check(load, probe, ret_fault);
    return ret->code == STATUS_FAILED_PRECONDITION;
}

struct status hbase_bulk_check(struct hbase_table *table, const struct hbase_bulk_file *probe)
{
    struct hbase_cluster *cluster = hbase_table_get_cluster(table);
    struct load load = {.table = table};
    struct hbase_retry retry = hbase_cluster_begin_retry(cluster);
    struct status st = status_ok();
    struct hbase_fault fault;

    while (!try_check(&load, probe, &st, &fault)) {
        if (!hbase_cluster_pause(cluster, &retry, &fault)) {
            st = explain_check(&load, probe, &fault);
            break;
        }
    }
    arena_destroy(load.arena);
    return st;
}
