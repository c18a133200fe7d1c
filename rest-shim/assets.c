#include "rest-shim/assets.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <unistd.h>

#include "base/arena.h"
#include "base/buf.h"
#include "base/compiler.h"
#include "base/hex.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/sha256.h"
#include "rest-shim/openapi.h"

enum { TAG_BYTES = 2 * 16 + 3 }; /* of half a digest, in quotes */

struct asset_row {
    const char *path;
    const char *content_type;
    const char *file; /* in the folder of the page; NULL: the document */
};

static const struct asset_row rows[] = {
    {"/openapi.json", "application/json", NULL},
    {"/docs", "text/html; charset=utf-8", "index.html"},
    {"/docs/init.js", "text/javascript; charset=utf-8", "init.js"},
    {"/docs/swagger-ui-bundle.js", "text/javascript; charset=utf-8", "swagger-ui-bundle.js"},
    {"/docs/swagger-ui.css", "text/css; charset=utf-8", "swagger-ui.css"},
};

enum { NASSETS = ARRAY_LEN(rows) };

struct asset {
    struct buf content; /* empty: it is not there */
    char tag[TAG_BYTES];
};

struct assets {
    struct asset items[NASSETS]; /* as in rows */
};

/* Only what is served here runs or is shown, and no other site may put the page into a frame of its own. */
static const struct http_header guards[] = {
    {"X-Content-Type-Options", "nosniff"},
    {"Referrer-Policy", "no-referrer"},
    {"Content-Security-Policy",
     "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; "
     "connect-src 'self'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'"},
};

/* Reading. */

static void make_tag(struct asset *asset)
{
    uint8_t digest[SHA256_BYTES];
    char *end = asset->tag;

    sha256_make(buf_get(&asset->content), digest);
    *end++ = '"';
    end = hex_encode(digest, SHA256_BYTES / 2, end);
    *end++ = '"';
    *end = '\0';
}

static struct status read_file(const char *folder, const char *name, struct buf *ret)
{
    struct buf path = {0};
    char part[4096];
    size_t n;

    buf_printf(&path, "%s/%s", folder, name);
    FILE *file = fopen(buf_get_text(&path), "rbe");
    struct status st =
        file ? status_ok() : status_from_errno(errno, "cannot open %s", buf_get_text(&path));
    ret->max_bytes = ASSETS_MAX_BYTES;
    while (file && (n = fread(part, 1, sizeof(part), file)) > 0)
        buf_append(ret, part, n);
    if (file && ferror(file))
        st = status_error(STATUS_INTERNAL, "cannot read %s", buf_get_text(&path));
    if (buf_is_full(ret))
        st = status_error(STATUS_RESOURCE_EXHAUSTED, "%s is larger than %d bytes",
                          buf_get_text(&path), ASSETS_MAX_BYTES);
    if (file)
        (void)fclose(file);
    buf_deinit(&path);
    return st;
}

/* All files, or none. */
static struct status read_page(struct assets *assets, const char *folder)
{
    struct status st = status_ok();

    for (size_t i = 0; st.code == STATUS_OK && i < NASSETS; i++) {
        if (rows[i].file)
            st = read_file(folder, rows[i].file, &assets->items[i].content);
    }
    for (size_t i = 0; st.code != STATUS_OK && i < NASSETS; i++) {
        if (rows[i].file)
            buf_deinit(&assets->items[i].content);
    }
    return st;
}

/* Where the page is when nobody says so: in a build tree beside the program, installed beside its folder. */
static void find_folder(struct buf *ret)
{
    static const char *const places[] = {"share/sluice/docs", "../share/sluice/docs"};
    char program[PATH_MAX];
    ssize_t len = readlink("/proc/self/exe", program, sizeof(program));

    while (len > 0 && program[len - 1] != '/')
        len--;
    for (size_t i = 0; i < ARRAY_LEN(places); i++) {
        buf_clear(ret);
        buf_append(ret, program, len > 0 ? (size_t)len : 0);
        buf_append_text(ret, places[i]);
        if (access(buf_get_text(ret), R_OK) == 0)
            return;
    }
}

struct assets *assets_create(const char *docs_dir)
{
    struct assets *assets = mem_alloc(sizeof(*assets));
    struct buf folder = {0};

    openapi_write(&assets->items[0].content);
    if (docs_dir)
        buf_append_text(&folder, docs_dir);
    else
        find_folder(&folder);
    struct status st = read_page(assets, buf_get_text(&folder));
    if (st.code != STATUS_OK)
        log_warn("no page at /docs", log_str("error", st.text));
    buf_deinit(&folder);
    for (size_t i = 0; i < NASSETS; i++)
        make_tag(&assets->items[i]);
    return assets;
}

void assets_destroy(struct assets *assets)
{
    if (!assets)
        return;
    for (size_t i = 0; i < NASSETS; i++)
        buf_deinit(&assets->items[i].content);
    mem_free(assets);
}

/* Replying. */

static void make_reply(const struct asset_row *row, const struct asset *asset, struct str has,
                       struct arena *arena, struct http_reply *ret)
{
    struct http_header *headers = arena_alloc(arena, (ARRAY_LEN(guards) + 1) * sizeof(*headers));
    bool has_it = str_find(has, asset->tag) < has.len || str_is(str_trim(has), "*");

    *ret = (struct http_reply){
        .status = has_it ? 304 : 200,
        .content_type = row->content_type,
        .cache_control = "no-cache", /* kept, but asked about by its tag each time */
        .headers = headers,
    };
    headers[ret->nheaders++] =
        (struct http_header){"ETag", arena_copy_str(arena, str_from(asset->tag))};
    for (size_t i = 0; i < ARRAY_LEN(guards); i++)
        headers[ret->nheaders++] = guards[i];
    if (!has_it)
        buf_append_str(&ret->body, buf_get(&asset->content));
}

bool assets_find(const struct assets *assets, struct str path, struct str has, struct arena *arena,
                 struct http_reply *ret)
{
    for (size_t i = 0; i < NASSETS; i++) {
        const struct asset *asset = &assets->items[i];
        if (!str_is(path, rows[i].path) || asset->content.len == 0)
            continue;
        make_reply(&rows[i], asset, has, arena, ret);
        return true;
    }
    return false;
}
