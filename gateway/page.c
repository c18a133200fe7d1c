#include "gateway/page.h"

#include <assert.h>

#include "base/arena.h"
#include "base/base64.h"
#include "base/json_in.h"
#include "base/json_out.h"
#include "rpc/message_json.h"
#include "store/row.h"

unsigned page_size_get(int32_t wanted, struct violations *violations)
{
    if (wanted < 0)
        violations_add(violations, "page_size", "page_size is %d, and must not be negative",
                       (int)wanted);
    if (wanted <= 0)
        return PAGE_DEFAULT_SIZE;
    return wanted < PAGE_MAX_SIZE ? (unsigned)wanted : PAGE_MAX_SIZE;
}

struct status page_read(const struct pg_result *rows, const ProtobufCMessageDescriptor *type,
                        unsigned max_items, struct arena *arena, struct page *ret)
{
    size_t nrows = rows_get_count(rows);
    size_t max = nrows < max_items ? nrows : max_items;
    struct page page = {.items = arena_alloc(arena, (max + 1) * sizeof(*page.items))};
    size_t nbytes = 0;

    while (page.nitems < max) {
        ProtobufCMessage *item = message_create(type, arena);
        struct status st = row_read(rows, page.nitems, "", arena, item);
        if (st.code != STATUS_OK)
            return st;
        nbytes += protobuf_c_message_get_packed_size(item);
        if (nbytes > PAGE_MAX_BYTES && page.nitems > 0)
            break;
        page.items[page.nitems++] = item;
    }
    page.has_more = page.nitems < nrows;
    *ret = page;
    return status_ok();
}

bool page_goes_on(const struct page *page, const struct pg_result *rows)
{
    return page->has_more ||
           (page->nitems > 0 && row_get_int(rows, page->nitems - 1, "note/is_last") == 0);
}

const char *page_token_write(const char *scope, const struct str *keys, size_t nkeys,
                             struct arena *arena)
{
    struct buf json = {0}, token = {0};
    struct json_out out = json_out_make(&json);

    assert(nkeys <= PAGE_MAX_KEYS);
    json_out_begin_array(&out);
    json_out_text(&out, scope);
    for (size_t i = 0; i < nkeys; i++)
        json_out_string(&out, keys[i]);
    json_out_end_array(&out);
    base64_write(&token, BASE64_URL, buf_get(&json));

    const char *made = arena_copy_str(arena, buf_get(&token));
    buf_deinit(&json);
    buf_deinit(&token);
    return made;
}

/*
 * Whether json is an array of the scope and nkeys texts, which are copied into ret_keys
 * then.
 */
static bool read_keys(const struct json *json, const char *scope, struct arena *arena,
                      struct str *ret_keys, size_t nkeys)
{
    if (json_get_kind(json) != JSON_KIND_ARRAY || json_get_count(json) != nkeys + 1)
        return false;
    for (size_t i = 0; i <= nkeys; i++)
        if (json_get_kind(json_get_element(json, i)) != JSON_KIND_STRING)
            return false;
    if (!str_is(json_get_string(json_get_element(json, 0)), scope))
        return false;
    for (size_t i = 0; i < nkeys; i++) {
        struct str key = json_get_string(json_get_element(json, i + 1));

        ret_keys[i] = str_from_bytes(arena_copy_str(arena, key), key.len);
    }
    return true;
}

struct status page_token_read(const char *token, const char *scope, struct arena *arena,
                              struct str *ret_keys, size_t nkeys)
{
    struct str text = str_from(token);
    struct buf bytes = {0};
    struct json *json = NULL;
    bool is_ours = text.len <= PAGE_TOKEN_MAX_BYTES && base64_read(text, &bytes) &&
                   json_read("page_token", buf_get(&bytes), &json).code == STATUS_OK &&
                   read_keys(json, scope, arena, ret_keys, nkeys);

    json_destroy(json);
    buf_deinit(&bytes);
    if (!is_ours)
        return status_error(STATUS_INVALID_ARGUMENT,
                            "page_token is not one that this list gave with these filters");
    return status_ok();
}
