/*
 * cli/secret_rotate.c - sluice secret rotate: brings the secrets of all data sources under the first key of a file.
 *
 * What cannot be opened stays as it is, and is told in the end: so one data source whose key is lost holds up no other.
 */
#include "cli/secret_rotate.h"

#include <inttypes.h>
#include <stdio.h>

#include "base/buf.h"
#include "base/json_out.h"
#include "base/mem.h"
#include "base/secret_keys.h"
#include "cli/database.h"
#include "cli/session.h"
#include "spec/data_source_seal.h"
#include "store/data_source_rewrite.h"

struct rotation {
    const struct secret_keys *keys;
    struct buf *notes;
    uint64_t nsources;
    uint64_t nnew;
    uint64_t nfailed;
};

static struct status reseal(struct rotation *rotation, const struct data_source_row *row,
                            bool *ret_is_new, struct buf *ret)
{
    Pb__DataSource source = PB__DATA_SOURCE__INIT;
    int type = 0;
    struct status st =
        session_find_value(&pb__data_source_type__descriptor, "type", row->type, &type);

    source.name = (char *)row->name;
    source.type = (Pb__DataSourceType)type;
    source.parameters_json = (char *)row->parameters_json;
    return st.code == STATUS_OK ? data_source_reseal(&source, rotation->keys, ret_is_new, ret) : st;
}

static struct status rotate_row(void *arg, const struct data_source_row *row, bool *ret_is_new,
                                struct buf *ret)
{
    struct rotation *rotation = arg;
    bool is_new = false;
    struct status st = reseal(rotation, row, &is_new, ret);

    rotation->nsources++;
    rotation->nnew += is_new;
    if (st.code != STATUS_OK) {
        rotation->nfailed++;
        buf_printf(rotation->notes, "  %s\n", st.text);
    }
    *ret_is_new = is_new;
    return status_ok();
}

static void print(const struct rotation *rotation, bool wants_json)
{
    const char *key = secret_keys_get_id(rotation->keys, 0);
    struct buf text = {0};
    struct json_out out = json_out_make(&text);

    if (!wants_json) {
        (void)printf("%" PRIu64 " data sources; %" PRIu64 " sealed anew under key %s, %" PRIu64
                     " left as they are for an error\n",
                     rotation->nsources, rotation->nnew, key, rotation->nfailed);
        return;
    }
    json_out_begin_object(&out);
    json_out_key(&out, "key");
    json_out_text(&out, key);
    json_out_key(&out, "dataSources");
    json_out_uint(&out, rotation->nsources);
    json_out_key(&out, "sealedAnew");
    json_out_uint(&out, rotation->nnew);
    json_out_key(&out, "failed");
    json_out_uint(&out, rotation->nfailed);
    json_out_end_object(&out);
    (void)printf("%s\n", buf_get_text(&text));
    buf_deinit(&text);
}

struct status secret_rotate(const struct cli_settings *settings, const char *const *operands,
                            int *ret_exit)
{
    struct rotation rotation = {.notes = settings->notes};
    struct secret_keys *keys = NULL;
    char *url = NULL;
    struct status st = database_make_url(settings, &url);

    (void)operands;
    (void)ret_exit;
    if (st.code == STATUS_OK && !settings->secret_key_file)
        st = status_error(STATUS_INVALID_ARGUMENT,
                          "--secret-key-file or SLUICE_SECRET_KEY_FILE must be given");
    if (st.code == STATUS_OK)
        st = secret_keys_read_file(settings->secret_key_file, &keys);
    rotation.keys = keys;
    if (st.code == STATUS_OK)
        st = data_source_rewrite_all(url, rotate_row, &rotation);
    if (st.code == STATUS_OK)
        print(&rotation, strcmp(settings->output, "json") == 0);
    if (st.code == STATUS_OK && rotation.nfailed > 0)
        st = status_error(STATUS_FAILED_PRECONDITION,
                          "%" PRIu64 " data sources are not under the first key", rotation.nfailed);
    secret_keys_unref(keys);
    mem_free_secret(url);
    return st;
}
