/*
 * tests/unit/hbase/scan_answer.h - an answer of a Scan call, made of results that are texts (cell_text.h).
 */
#ifndef TESTS_UNIT_HBASE_SCAN_ANSWER_H
#define TESTS_UNIT_HBASE_SCAN_ANSWER_H

#include "base/buf.h"
#include "hbase/hbase.pb-c.h"

enum { SCAN_ANSWER_MAX_RESULTS = 64 };

/* What is known of a result besides its cells. */
enum scan_result { SCAN_ROW, SCAN_PART };

struct scan_answer {
    Hb__ScanResponse message;
    struct buf block;
    uint32_t counts[SCAN_ANSWER_MAX_RESULTS];
    protobuf_c_boolean parts[SCAN_ANSWER_MAX_RESULTS];
};

/* An answer without results from scanner 7, that has more. It must not be moved. */
void scan_answer_init(struct scan_answer *ret);
void scan_answer_deinit(struct scan_answer *answer);

void scan_answer_add(struct scan_answer *answer, enum scan_result kind, const char *cells);

/* The region has no more. */
void scan_answer_end(struct scan_answer *answer);

#endif
