#include "worker/import_done.h"

#include <assert.h>
#include <inttypes.h>

#include "base/mem.h"
#include "base/number.h"

void import_done_init(struct import_done *done, size_t nsplits)
{
    *done = (struct import_done){
        .is_done = mem_alloc_array(nsplits, sizeof(*done->is_done)),
        .nsplits = nsplits,
    };
}

void import_done_deinit(struct import_done *done)
{
    mem_free(done->is_done);
}

struct status import_done_add(struct import_done *done, const struct unit *unit)
{
    if (unit->number >= done->nsplits)
        return status_error(STATUS_FAILED_PRECONDITION,
                            "unit %u is done, but the files have %zu splits", unit->number,
                            done->nsplits);
    assert(!done->is_done[unit->number]);
    done->is_done[unit->number] = true;
    done->sum.rows_read += unit->rows_read;
    done->sum.rows_written += unit->rows_written;
    done->sum.bad_rows += unit->bad_rows;
    done->sum.bytes_read += unit->bytes_read;
    return status_ok();
}

void import_done_write(const struct import_done *done, struct buf *out)
{
    const char *separator = " ";

    buf_printf(out, "%" PRId64 " %" PRId64 " %" PRId64 " %" PRIu64, done->sum.rows_read,
               done->sum.rows_written, done->sum.bad_rows, done->sum.bytes_read);
    for (size_t first = 0; first < done->nsplits; first++) {
        size_t last = first;

        if (!done->is_done[first])
            continue;
        while (last + 1 < done->nsplits && done->is_done[last + 1])
            last++;
        buf_printf(out, "%s%zu-%zu", separator, first, last);
        separator = ",";
        first = last;
    }
}

static struct status take_count(struct str *rest, int64_t *ret)
{
    return number_read("checkpoint", str_cut(rest, ' '), 0, INT64_MAX, ret);
}

static struct status read_range(struct import_done *done, struct str text)
{
    struct str rest = text;
    struct str number = str_cut(&rest, '-');
    int64_t first, last, max = (int64_t)done->nsplits - 1;
    struct status st = number_read("checkpoint", number, 0, max, &first);

    if (st.code == STATUS_OK)
        st = number_read("checkpoint", rest, first, max, &last);
    if (st.code != STATUS_OK)
        return st;
    for (int64_t i = first; i <= last; i++)
        done->is_done[i] = true;
    return st;
}

static struct status read_all(struct import_done *done, struct str text)
{
    int64_t bytes_read = 0;
    struct status st = take_count(&text, &done->sum.rows_read);

    if (st.code == STATUS_OK)
        st = take_count(&text, &done->sum.rows_written);
    if (st.code == STATUS_OK)
        st = take_count(&text, &done->sum.bad_rows);
    if (st.code == STATUS_OK)
        st = take_count(&text, &bytes_read);
    done->sum.bytes_read = (uint64_t)bytes_read;
    while (st.code == STATUS_OK && text.len > 0)
        st = read_range(done, str_cut(&text, ','));
    return st;
}

struct status import_done_read(struct import_done *done, struct str text)
{
    struct status st = read_all(done, text);

    if (st.code != STATUS_OK)
        return status_error(
            STATUS_FAILED_PRECONDITION,
            "the job's checkpoint cannot be read (%.100s): retry the import from the "
            "start",
            st.text);
    return st;
}
