/*
 * connectors/postgres/copy.c - see copy.h.
 *
 * A server that refuses a row says so at once and then throws away what still comes, but
 * libpq shows the error only after the end of the stream. Notices are off, so when the
 * server sends anything during a stream it is an error: the stream is ended there and then,
 * and the error read.
 */
#include "connectors/postgres/copy.h"

#include <assert.h>
#include <poll.h>

#include <libpq-fe.h>

#include "base/mem.h"
#include "base/metrics.h"
#include "connectors/postgres/link.h"

enum { SEND_BYTES = 256 * 1024 };

void pg_copy_deinit(struct pg_copy *copy)
{
    buf_deinit(&copy->out);
    mem_free(copy->runs);
    *copy = (struct pg_copy){.bytes_sent = copy->bytes_sent};
}

/*
 * Waits for the server to be ready for rows; what it says before that are the results of
 * earlier statements.
 */
static struct status wait_for_start(struct pg_link *link)
{
    for (;;) {
        PGresult *result = NULL;
        struct status st = pg_link_next_result(link, &result);

        if (st.code != STATUS_OK)
            return st;
        if (!result)
            return status_error(STATUS_INTERNAL, "PostgreSQL did not start to copy");
        ExecStatusType status = PQresultStatus(result);
        if (status == PGRES_FATAL_ERROR)
            st = pg_link_fail(link, result);
        PQclear(result);
        if (status == PGRES_COPY_IN)
            return st;
        if (st.code != STATUS_OK) {
            struct status rest = pg_link_drain(link);
            (void)rest; /* the first error says it all */
            return st;
        }
    }
}

struct status pg_copy_start(struct pg_copy *copy, struct pg_link *link, const char *sql,
                            const struct pg_row_format *format)
{
    struct status st = pg_link_send(link, sql);

    copy->format = *format;
    copy->nlines = 0;
    copy->nruns = 0;
    buf_clear(&copy->out);
    pg_encode_header(&copy->out);
    if (st.code == STATUS_OK)
        st = wait_for_start(link);
    return st;
}

/*
 * Ends the stream for the server's sake or, with a reason, for ours. Then reads what it
 * says.
 */
static struct status end_stream(struct pg_link *link, const char *reason)
{
    PGconn *conn = pg_link_get_conn(link);
    bool is_readable = false;
    int is_put = PQputCopyEnd(conn, reason);

    while (is_put == 0) {
        struct status st = pg_link_flush(link, &is_readable);
        if (st.code != STATUS_OK)
            return st;
        is_put = PQputCopyEnd(conn, reason);
    }
    if (is_put < 0)
        return pg_link_fail(link, NULL);
    struct status st = pg_link_flush(link, &is_readable);
    if (st.code == STATUS_OK)
        st = pg_link_drain(link);
    return st;
}

static struct status send_rows(struct pg_copy *copy, struct pg_link *link)
{
    PGconn *conn = pg_link_get_conn(link);
    bool is_readable = pg_link_is_readable(link);

    while (copy->out.len > 0 && !is_readable) {
        int is_put = PQputCopyData(conn, copy->out.data, (int)copy->out.len);
        if (is_put < 0)
            return pg_link_fail(link, NULL);
        if (is_put > 0) {
            metric_add(copy->bytes_sent, (int64_t)copy->out.len);
            buf_clear(&copy->out);
        }
        struct status st = pg_link_flush(link, &is_readable);
        if (st.code != STATUS_OK)
            return st;
    }
    if (!is_readable)
        return status_ok();

    struct status st = end_stream(link, "the server said something");
    if (st.code == STATUS_OK)
        st = status_error(STATUS_INTERNAL, "PostgreSQL ended the copy early");
    return st;
}

/* Notes that the next line is row. */
static void add_run(struct pg_copy *copy, int64_t row)
{
    if (copy->nruns > 0) {
        const struct pg_copy_run *last = &copy->runs[copy->nruns - 1];
        if (row - last->row == copy->nlines - (last->line - 1))
            return;
    }
    if (copy->nruns == copy->nruns_allocated) {
        copy->nruns_allocated = copy->nruns_allocated ? 2 * copy->nruns_allocated : 16;
        copy->runs = mem_realloc_array(copy->runs, copy->nruns_allocated, sizeof(*copy->runs));
    }
    copy->runs[copy->nruns++] = (struct pg_copy_run){.line = copy->nlines + 1, .row = row};
}

struct status pg_copy_add(struct pg_copy *copy, struct pg_link *link, const struct batch *batch,
                          struct pg_copy_value *ret_value)
{
    for (size_t row = 0; row < batch->nrows; row++) {
        if (!pg_encode_row(&copy->format, batch, row, &copy->out, &ret_value->column)) {
            ret_value->row = row;
            return status_error(STATUS_INVALID_ARGUMENT, "a value is out of range");
        }
        add_run(copy, batch->row_numbers[row]);
        copy->nlines++;
        if (copy->out.len < SEND_BYTES)
            continue;
        struct status st = send_rows(copy, link);
        if (st.code != STATUS_OK)
            return st;
    }
    return status_ok();
}

struct status pg_copy_end(struct pg_copy *copy, struct pg_link *link)
{
    pg_encode_trailer(&copy->out);
    struct status st = send_rows(copy, link);
    if (st.code == STATUS_OK)
        st = end_stream(link, NULL);
    return st;
}

int64_t pg_copy_get_row(const struct pg_copy *copy, int64_t line)
{
    size_t low = 0;
    size_t high = copy->nruns;

    if (line < 1 || line > copy->nlines)
        return 0;
    while (high - low > 1) {
        size_t middle = low + (high - low) / 2;
        if (copy->runs[middle].line <= line)
            low = middle;
        else
            high = middle;
    }
    return copy->runs[low].row + (line - copy->runs[low].line);
}
