/* Writes files and has them loaded by a fake server, which checks what a real one does: that the region is there and has their rows. */
#include "hbase/bulk_writer.h"

#include <dirent.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/compiler.h"
#include "hbase/hbase.pb-c.h"
#include "hbase/staging.h"
#include "tests/harness/test.h"
#include "tests/unit/hbase/cell_text.h"
#include "tests/unit/hbase/cluster_fixture.h"

#define HBASE "org.apache.hadoop.hbase."

static const struct fake_region one[] = {{.table = "t1", .number = 1}};

static const struct fake_region two[] = {
    {.table = "t1", .end = "m", .number = 2},
    {.table = "t1", .start = "m", .number = 3},
};

static const struct hbase_table_name name = {"default", "t1"};

enum { SHORT_MS = 300 };

/* What the server does with a load. */
enum answer {
    LOADS,
    SAYS_NO,
    HANGS_UP, /* after it is done */
    SPLITS,   /* is not the region's server any more, for there are two now */
    THROWS,
};

struct fixture {
    struct cluster_fixture base;
    char folder[32];
    struct hbase_table *table;
    struct hbase_staging *staging;
    struct hbase_bulk_writer *writer;
    enum answer answers[8]; /* of the loads, one after another */
    const char *exception;  /* of THROWS */
    const char *text;
    atomic_uint nloads; /* a call that hangs up says so to nobody who could wait for it */
    atomic_uint ncleanups;
    struct buf loaded; /* "region family family, region ..." */
};

static void note_load(struct fixture *f, const Hb__BulkLoadHFileRequest *request)
{
    buf_append_text(&f->loaded, f->loaded.len > 0 ? ", " : "");
    buf_append(&f->loaded, request->region->value.data, request->region->value.len);
    for (size_t i = 0; i < request->n_family_path; i++) {
        const char *path = request->family_path[i]->path;

        check(str_has_prefix(str_from(path), "file:///tmp/"));
        check_int(access(path + strlen("file://"), R_OK), 0);
        buf_append_char(&f->loaded, ' ');
        buf_append(&f->loaded, request->family_path[i]->family.data,
                   request->family_path[i]->family.len);
    }
}

static void answer_load(struct fixture *f, struct fake_call *call)
{
    const Hb__BulkLoadHFileRequest *request = (const Hb__BulkLoadHFileRequest *)fake_call_read(
        call, &hb__bulk_load_hfile_request__descriptor);
    Hb__BulkLoadHFileResponse response = HB__BULK_LOAD_HFILE_RESPONSE__INIT;
    enum answer answer = f->answers[f->nloads++ % ARRAY_LEN(f->answers)];

    check(request->assign_seq_num);
    if (answer == THROWS) {
        fake_call_throw(call, f->exception, f->text, FAKE_RETRY);
    } else if (answer == SPLITS) {
        fake_meta_set(&f->base.meta, "t1", two, ARRAY_LEN(two));
        fake_call_throw(call, HBASE "NotServingRegionException", "x", FAKE_RETRY);
    } else {
        if (answer != SAYS_NO)
            note_load(f, request);
        response.loaded = answer == LOADS;
        if (answer == HANGS_UP)
            fake_call_hang_up(call);
        else
            fake_call_reply(call, &response.base, (struct str){0});
    }
}

/* The fake server has one connection, so one thread is here at a time. */
static void on_call(void *self, struct fake_call *call)
{
    struct fixture *f = self;

    if (strcmp(call->method, "PrepareBulkLoad") == 0) {
        Hb__PrepareBulkLoadResponse response = HB__PREPARE_BULK_LOAD_RESPONSE__INIT;

        response.bulk_token = (char *)(uintptr_t)"/hbase/staging/x";
        fake_call_reply(call, &response.base, (struct str){0});
    } else if (strcmp(call->method, "CleanupBulkLoad") == 0) {
        Hb__CleanupBulkLoadResponse response = HB__CLEANUP_BULK_LOAD_RESPONSE__INIT;

        f->ncleanups++;
        fake_call_reply(call, &response.base, (struct str){0});
    } else {
        answer_load(f, call);
    }
}

static void fixture_open(struct fixture *f, const struct fake_region *regions, size_t nregions)
{
    *f = (struct fixture){.folder = "/tmp/sluice-test-XXXXXX"};
    f->base.on_call = on_call;
    f->base.self = f;
    cluster_fixture_open(&f->base);
    fake_meta_set(&f->base.meta, "t1", regions, nregions);
    check(mkdtemp(f->folder) != NULL);
    f->table = hbase_table_create(f->base.cluster, &name);
    check_status(hbase_staging_open(f->folder, "fulldata-1", 1, &f->staging), STATUS_OK);
    f->writer = hbase_bulk_writer_create(f->table, f->staging);
}

/* How many files are below a folder, and no more than two levels. */
static size_t count_files(const char *folder)
{
    DIR *entries = opendir(folder);
    size_t n = 0;

    for (struct dirent *entry; (entry = readdir(entries)) != NULL;) {
        char path[512];

        if (entry->d_name[0] == '.')
            continue;
        (void)snprintf(path, sizeof(path), "%s/%s", folder, entry->d_name);
        n += entry->d_type == DT_DIR ? count_files(path) : 1;
    }
    (void)closedir(entries);
    return n;
}

static void fixture_close(struct fixture *f)
{
    hbase_bulk_writer_destroy(f->writer);
    check_int(count_files(f->folder), 0); /* loaded or not, nothing stays */
    hbase_staging_close(f->staging);
    check_int(rmdir(f->folder), 0);
    hbase_table_destroy(f->table);
    cluster_fixture_close(&f->base);
    buf_deinit(&f->loaded);
}

static struct status write_text(struct fixture *f, const char *text)
{
    struct hbase_cell cells[CELL_TEXT_MAX_CELLS];
    size_t n = cell_text_read(text, cells);
    struct status st = hbase_bulk_writer_put(f->writer, cells, n);

    return st.code == STATUS_OK ? hbase_bulk_writer_flush(f->writer) : st;
}

test(each_region_gets_one_file_a_family)
{
    struct fixture f;

    fixture_open(&f, two, ARRAY_LEN(two));
    check_status(write_text(&f, "a/f:x@1 a/g:x@1 b/f:x@1 n/g:x@1 o/g:x@1"), STATUS_OK);
    check_str(buf_get_text(&f.loaded), "t1,,2. f g, t1,m,3. g");
    check_int(hbase_staging_get_loaded(f.staging), 3);
    check_int(f.ncleanups, 2);

    check_status(write_text(&f, "p/f:x@1"), STATUS_OK); /* it goes on behind a flush */
    check_status(hbase_bulk_writer_flush(f.writer), STATUS_OK);
    check_int(f.nloads, 3);
    fixture_close(&f);
}

test(what_passes_is_tried_again)
{
    struct fixture f;

    fixture_open(&f, one, ARRAY_LEN(one));
    f.answers[0] = THROWS;
    f.exception = HBASE "RegionTooBusyException";
    f.text = "x";
    f.answers[1] = SAYS_NO;
    check_status(write_text(&f, "a/f:x@1"), STATUS_OK);
    check_int(f.nloads, 3);
    check_int(f.ncleanups, 3);
    check_str(buf_get_text(&f.loaded), "t1,,1. f");
    fixture_close(&f);
}

test(a_region_that_was_split_takes_files_only_if_they_are_made_anew)
{
    struct fixture f;

    fixture_open(&f, one, ARRAY_LEN(one));
    f.answers[0] = SPLITS;
    struct status st = write_text(&f, "a/f:x@1 n/f:x@1");
    check_status(st, STATUS_UNAVAILABLE);
    check_str(st.text, "a region of table 't1' was split while files were written for it; they are"
                       " made anew");
    check_status(write_text(&f, "o/f:x@1"), STATUS_UNAVAILABLE); /* it stays so */

    hbase_bulk_writer_destroy(f.writer);
    f.writer = hbase_bulk_writer_create(f.table, f.staging);
    check_status(write_text(&f, "a/f:x@1 n/f:x@1"), STATUS_OK);
    check_str(buf_get_text(&f.loaded), "t1,,2. f, t1,m,3. f");
    fixture_close(&f);
}

test(files_whose_fate_is_not_known_are_not_sent_again)
{
    struct fixture f;

    fixture_open(&f, one, ARRAY_LEN(one));
    f.answers[0] = HANGS_UP;
    check_status(write_text(&f, "a/f:x@1"), STATUS_UNAVAILABLE);
    check_int(f.nloads, 1);
    fixture_close(&f);
}

test(a_server_that_does_not_load_is_told_of)
{
    struct fixture f;

    fixture_open(&f, one, ARRAY_LEN(one));
    hbase_cluster_set_patience(f.base.cluster, SHORT_MS);
    for (size_t i = 0; i < ARRAY_LEN(f.answers); i++)
        f.answers[i] = SAYS_NO;
    struct status st = write_text(&f, "a/f:x@1");
    check_status(st, STATUS_FAILED_PRECONDITION);
    check(strstr(st.text, " does not load files into table 't1' in the name of user ") != NULL);
    check(strstr(st.text, "and its log says why: file:///tmp/sluice-test-") != NULL);
    fixture_close(&f);
}

test(what_a_server_says_of_a_probe_is_understood)
{
    static const struct {
        const char *exception;
        const char *said;
        enum status_code code;
        const char *text;
    } cases[] = {
        {"java.io.IOException", "java.lang.IllegalStateException: First key can not be null",
         STATUS_OK, ""},
        {"java.io.FileNotFoundException", "x", STATUS_FAILED_PRECONDITION,
         " does not find what workers write "},
        {"org.apache.hadoop.security.AccessControlException", "x", STATUS_FAILED_PRECONDITION,
         " may not read and write what workers do "},
        {HBASE "security.AccessDeniedException", "x", STATUS_PERMISSION_DENIED, "AccessDenied"},
    };

    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct fixture f;

        fixture_open(&f, two, ARRAY_LEN(two));
        f.answers[0] = THROWS;
        f.exception = cases[i].exception;
        f.text = cases[i].said;
        struct status st = hbase_bulk_writer_check(f.table, f.staging, str_from("f"));
        check_status(st, cases[i].code);
        check(strstr(st.text, cases[i].text) != NULL);
        check_int(f.nloads, 1);
        fixture_close(&f);
    }
}

test(a_staging_folder_begins_and_ends_empty)
{
    struct fixture f;
    struct hbase_staging *next = NULL;
    struct hbase_staged_file file;

    fixture_open(&f, one, ARRAY_LEN(one));
    check_status(hbase_staging_create_file(f.staging, &file), STATUS_OK);
    (void)close(file.fd);
    check_int(count_files(f.folder), 1); /* as if the worker was killed here */
    check_status(hbase_staging_open(f.folder, "fulldata-1", 2, &next), STATUS_OK);
    check_int(count_files(f.folder), 0);
    check_status(hbase_staging_create_file(next, &file), STATUS_OK);
    (void)close(file.fd);
    hbase_staging_close(next);
    check_int(count_files(f.folder), 0);
    fixture_close(&f);
}

test(who_lost_the_lease_leaves_the_files_of_who_has_it)
{
    struct fixture f;
    struct hbase_staging *newer = NULL, *late = NULL;
    struct hbase_staged_file file;

    fixture_open(&f, one, ARRAY_LEN(one));
    check_status(hbase_staging_open(f.folder, "fulldata-1", 10, &newer), STATUS_OK);
    check_status(hbase_staging_create_file(newer, &file), STATUS_OK);
    (void)close(file.fd);
    check_status(hbase_staging_open(f.folder, "fulldata-1", 9, &late), STATUS_OK);
    hbase_staging_close(late);
    hbase_staging_close(f.staging);
    f.staging = NULL;
    check_int(count_files(f.folder), 1);
    hbase_staging_close(newer);
    fixture_close(&f);
}

test(a_folder_that_cannot_be_used_is_told_of)
{
    struct hbase_staging *staging = NULL;
    struct status st = hbase_staging_open("/proc/self/nothing", "fulldata-1", 1, &staging);

    check_status(st, STATUS_NOT_FOUND);
    check_str(
        st.text,
        "no files can be put into file:///proc/self/nothing: it cannot be opened: No such file"
        " or directory; the worker must be able to write to it, and the destination's region"
        " servers must have it under the same path");
    check(staging == NULL);
}
