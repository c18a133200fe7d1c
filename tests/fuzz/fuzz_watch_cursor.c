/*
 * tests/fuzz/fuzz_watch_cursor.c - any text, as a cursor and as a snapshot of PostgreSQL's.
 *
 * The input is taken as a cursor, as the bytes inside one, whose digest is put right, and as a snapshot. What is read
 * must write a text that reads as the same.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/base64.h"
#include "base/sha256.h"
#include "gateway/watch_cursor.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void require(bool is_true)
{
    if (!is_true)
        abort();
}

static void require_same(const struct watch_snapshot *a, const struct watch_snapshot *b)
{
    require(a->start == b->start && a->end == b->end && a->nopen == b->nopen);
    require(memcmp(a->open, b->open, a->nopen * sizeof(a->open[0])) == 0);
}

static void check_snapshot(const struct watch_snapshot *snapshot)
{
    struct buf text = {0};
    struct watch_snapshot again;

    require(snapshot->start >= 1 && snapshot->start <= snapshot->end);
    require(snapshot->nopen <= TASK_WATCH_MAX_OPEN);
    for (unsigned i = 0; i < snapshot->nopen; i++) {
        require(snapshot->open[i] >= snapshot->start && snapshot->open[i] < snapshot->end);
        require(i == 0 || snapshot->open[i] > snapshot->open[i - 1]);
    }
    watch_snapshot_write(snapshot, &text);
    require(watch_snapshot_read(buf_get(&text), &again).code == STATUS_OK);
    require_same(snapshot, &again);
    buf_deinit(&text);
}

static void try_cursor(const char *text)
{
    struct watch_point point, again;
    struct buf written = {0};

    if (watch_cursor_read(text, &point).code != STATUS_OK)
        return;
    check_snapshot(&point.told);
    if (point.is_between)
        check_snapshot(&point.next);
    watch_cursor_write(&point, &written);
    require(written.len <= WATCH_CURSOR_MAX_BYTES);
    require(watch_cursor_read(buf_get_text(&written), &again).code == STATUS_OK);
    require(again.origin == point.origin && again.time_us == point.time_us);
    require(again.is_between == point.is_between && again.seq == point.seq);
    require_same(&point.told, &again.told);
    if (point.is_between)
        require_same(&point.next, &again.next);
    buf_deinit(&written);
}

/* As a cursor whose digest is right. */
static void try_bytes(struct str bytes)
{
    uint8_t digest[SHA256_BYTES];
    struct buf sealed = {0}, text = {0};

    sha256_make(bytes, digest);
    buf_append_str(&sealed, bytes);
    buf_append(&sealed, digest, 4);
    base64_write(&text, BASE64_URL, buf_get(&sealed));
    try_cursor(buf_get_text(&text));
    buf_deinit(&sealed);
    buf_deinit(&text);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct str input = str_from_bytes(data, size);
    struct watch_snapshot snapshot;
    struct buf text = {0};

    buf_append_str(&text, input);
    try_cursor(buf_get_text(&text));
    try_bytes(input);
    if (watch_snapshot_read(input, &snapshot).code == STATUS_OK)
        check_snapshot(&snapshot);
    buf_deinit(&text);
    return 0;
}
