#include "tests/unit/hbase/scan_answer.h"

#include <assert.h>

#include "tests/unit/hbase/cell_text.h"

void scan_answer_init(struct scan_answer *ret)
{
    *ret = (struct scan_answer){.message = HB__SCAN_RESPONSE__INIT};
    ret->message.has_scanner_id = true;
    ret->message.scanner_id = 7;
    ret->message.has_more_results = true;
    ret->message.more_results = true;
    ret->message.has_more_results_in_region = true;
    ret->message.more_results_in_region = true;
    ret->message.cells_per_result = ret->counts;
    ret->message.partial_flag_per_result = ret->parts;
}

void scan_answer_deinit(struct scan_answer *answer)
{
    buf_deinit(&answer->block);
}

void scan_answer_add(struct scan_answer *answer, enum scan_result kind, const char *cells)
{
    size_t i = answer->message.n_cells_per_result++;

    assert(i < SCAN_ANSWER_MAX_RESULTS);
    answer->message.n_partial_flag_per_result++;
    answer->counts[i] = (uint32_t)cell_text_write(&answer->block, cells);
    answer->parts[i] = kind == SCAN_PART;
}

void scan_answer_end(struct scan_answer *answer)
{
    answer->message.more_results_in_region = false;
}
