#include "tests/unit/hbase/fake_table.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "hbase/hbase.pb-c.h"
#include "tests/unit/hbase/scan_answer.h"

#define HBASE "org.apache.hadoop.hbase."

enum { MAX_ACTIONS = CELL_TEXT_MAX_CELLS, MAX_LISTS = 64 };

static const char not_serving[] = HBASE "NotServingRegionException";

/* ---- Regions ---- */

/* Finds a region by its name. */
static bool find_region(struct fake_table *f, ProtobufCBinaryData name, struct fake_region *ret)
{
    struct fake_meta *meta = &f->base.meta;
    char text[600];
    bool is_found = false;

    (void)pthread_mutex_lock(&meta->mutex);
    for (size_t i = 0; i < meta->nregions && !is_found; i++) {
        fake_region_write_name(&meta->regions[i], text);
        is_found = str_is(str_from_bytes(name.data, name.len), text);
        *ret = meta->regions[i];
    }
    (void)pthread_mutex_unlock(&meta->mutex);
    return is_found;
}

static bool has_row(const struct fake_region *region, struct str row)
{
    struct str end = str_from(region->end);

    return hbase_bytes_compare(row, str_from(region->start)) >= 0 &&
           (end.len == 0 || hbase_bytes_compare(row, end) < 0);
}

/* ---- Faults ---- */

static const char *get_text(const struct fake_table_fault *fault)
{
    return fault->text ? fault->text : "x";
}

static enum fake_retry get_retry(const struct fake_table_fault *fault)
{
    return strstr(fault->class_name, "DoNotRetry") ? FAKE_DO_NOT_RETRY : FAKE_RETRY;
}

/* The fault of the call number n. */
static const struct fake_table_fault *find_fault(const struct fake_table *f, unsigned n)
{
    for (size_t i = 0; i < f->nfaults; i++) {
        unsigned count = f->faults[i].count > 0 ? f->faults[i].count : 1;
        if (n >= f->faults[i].call && n - f->faults[i].call < count)
            return &f->faults[i];
    }
    return NULL;
}

static bool is_kind(const struct fake_table_fault *fault, enum fake_table_fault_kind kind)
{
    return fault && fault->kind == kind;
}

/* Whether the call ends here. */
static bool fail_early(struct fake_table *f, struct fake_call *call,
                       const struct fake_table_fault *fault)
{
    if (is_kind(fault, FAKE_TABLE_CHANGES)) {
        fake_meta_set(&f->base.meta, "t1", fault->regions, fault->nregions);
        f->region[0] = '\0';
    } else if (is_kind(fault, FAKE_TABLE_THROWS)) {
        fake_call_throw(call, fault->class_name, get_text(fault), get_retry(fault));
        return true;
    } else if (is_kind(fault, FAKE_TABLE_HANGS_UP)) {
        fake_call_hang_up(call);
        return true;
    }
    return false;
}

/* ---- Scan ---- */

static bool open_scanner(struct fake_table *f, struct fake_call *call,
                         const Hb__ScanRequest *request)
{
    struct fake_region region;
    struct str start = str_from_bytes(request->scan->start_row.data, request->scan->start_row.len);

    if (!find_region(f, request->region->value, &region) || !has_row(&region, start)) {
        fake_call_throw(call, not_serving, "x", FAKE_RETRY);
        return false;
    }
    fake_region_write_name(&region, f->region);
    f->stop_row = str_from_bytes(request->scan->stop_row.data, request->scan->stop_row.len);
    f->is_get = str_is_equal(start, f->stop_row) && !request->scan->has_include_stop_row;
    f->scanner_id++;
    f->next_call_seq = 0;
    for (f->next_cell = 0; f->next_cell < f->ncells; f->next_cell++)
        if (hbase_bytes_compare(f->cells[f->next_cell].row, start) >= 0)
            break;
    return true;
}

static bool find_scanner(struct fake_table *f, struct fake_call *call,
                         const Hb__ScanRequest *request)
{
    if (f->region[0] == '\0' || request->scanner_id != f->scanner_id) {
        fake_call_throw(call, HBASE "UnknownScannerException", "x", FAKE_DO_NOT_RETRY);
        return false;
    }
    if (request->close_scanner) {
        f->region[0] = '\0';
        return false;
    }
    if (request->next_call_seq != f->next_call_seq) {
        fake_call_throw(call, HBASE "exceptions.OutOfOrderScannerNextException", "x",
                        FAKE_DO_NOT_RETRY);
        return false;
    }
    f->next_call_seq++;
    return true;
}

/* Adds the cells of one row, or as many as the page has room for; false when it is full. */
static bool add_row(struct fake_table *f, struct scan_answer *answer, size_t *ncells)
{
    const struct hbase_cell *first = &f->cells[f->next_cell];
    enum scan_result kind = SCAN_ROW;
    struct buf text = {0};
    size_t n = 0;

    for (; f->next_cell < f->ncells && str_is_equal(f->cells[f->next_cell].row, first->row); n++) {
        if (f->page_cells > 0 && *ncells == f->page_cells) {
            kind = SCAN_PART;
            break;
        }
        ++*ncells;
        f->next_cell++;
    }
    if (n > 0)
        scan_answer_add(answer, kind, cell_text_show(first, n, &text));
    buf_deinit(&text);
    return n > 0 && kind == SCAN_ROW;
}

static bool is_heartbeat(const struct fake_table *f)
{
    return f->sends_heartbeats && f->ncalls % 2 == 0;
}

static void fill_answer(struct fake_table *f, const struct fake_region *region,
                        struct scan_answer *answer)
{
    size_t ncells = 0;

    answer->message.scanner_id = f->scanner_id;
    answer->message.has_heartbeat_message = is_heartbeat(f);
    answer->message.heartbeat_message = is_heartbeat(f);
    for (;;) {
        struct str row = f->next_cell < f->ncells ? f->cells[f->next_cell].row : (struct str){0};
        if (f->next_cell == f->ncells || !has_row(region, row) ||
            (f->stop_row.len > 0 && hbase_bytes_compare(row, f->stop_row) >= (f->is_get ? 1 : 0))) {
            scan_answer_end(answer);
            f->region[0] = '\0';
            return;
        }
        if (is_heartbeat(f) || !add_row(f, answer, &ncells))
            return;
    }
}

static void answer_scan(struct fake_table *f, struct fake_call *call,
                        const struct fake_table_fault *fault)
{
    const Hb__ScanRequest *request =
        (const Hb__ScanRequest *)fake_call_read(call, &hb__scan_request__descriptor);
    struct scan_answer answer;
    struct fake_region region;

    if (!(request->scan ? open_scanner(f, call, request) : find_scanner(f, call, request)))
        return;
    if (!find_region(f, (ProtobufCBinaryData){strlen(f->region), (uint8_t *)f->region}, &region))
        abort(); /* scanners end when regions change */
    scan_answer_init(&answer);
    fill_answer(f, &region, &answer);
    if (is_kind(fault, FAKE_TABLE_HANGS_UP_LATE))
        fake_call_hang_up(call);
    else
        fake_call_reply(call, &answer.message.base, buf_get(&answer.block));
    scan_answer_deinit(&answer);
}

/* ---- Multi ---- */

/* The answer to a list of actions, or to all of them. */
struct list_answer {
    Hb__RegionActionResult message;
    Hb__ResultOrException items[MAX_ACTIONS];
    Hb__ResultOrException *item_list[MAX_ACTIONS];
    Hb__NameBytesPair exceptions[MAX_ACTIONS];
};

static Hb__NameBytesPair *make_exception(const char *class_name, const char *text,
                                         Hb__NameBytesPair *ret)
{
    *ret = (Hb__NameBytesPair)HB__NAME_BYTES_PAIR__INIT;
    ret->name = (char *)(uintptr_t)class_name;
    ret->has_value = true;
    ret->value = (ProtobufCBinaryData){strlen(text), (uint8_t *)(uintptr_t)text};
    return ret;
}

/* Takes the action's cells off the block. False: one is larger than it may be. */
static bool take_cells(const struct fake_table *f, const Hb__Action *action, struct str *block)
{
    bool fits = true;
    struct hbase_cell cell;

    assert(action->mutation->associated_cell_count > 0);
    for (int32_t i = 0; i < action->mutation->associated_cell_count; i++) {
        struct status st = hbase_cell_take(block, &cell);
        assert(st.code == STATUS_OK);
        assert((action->mutation->mutate_type == HB__MUTATION_PROTO__MUTATION_TYPE__DELETE) ==
               (cell.type != HBASE_PUT));
        assert(str_is_equal(cell.row,
                            str_from_bytes(action->mutation->row.data, action->mutation->row.len)));
        fits &= f->max_cell_bytes == 0 || hbase_cell_get_size_bytes(&cell) <= f->max_cell_bytes;
    }
    return fits;
}

/* Answers from the last action to the first: servers do it in the order of rows. */
static Hb__ResultOrException *get_item(const Hb__RegionAction *list, size_t i,
                                       struct list_answer *ret)
{
    size_t place = list->n_action - 1 - i;
    Hb__ResultOrException *item = &ret->items[place];

    *item = (Hb__ResultOrException)HB__RESULT_OR_EXCEPTION__INIT;
    item->has_index = true;
    item->index = list->action[i]->index;
    ret->item_list[place] = item;
    return item;
}

static void write_list(struct fake_table *f, const Hb__RegionAction *list,
                       const struct fake_region *region, struct str *block, struct list_answer *ret)
{
    bool fits = true;
    struct str cells[MAX_ACTIONS];

    for (size_t i = 0; i < list->n_action; i++) {
        struct str before = *block;
        fits &= take_cells(f, list->action[i], block);
        cells[i] = str_from_bytes(before.data, before.len - block->len);
    }
    for (size_t i = 0; i < list->n_action; i++) {
        ProtobufCBinaryData row = list->action[i]->mutation->row;
        Hb__ResultOrException *item = get_item(list, i, ret);

        if (!fits) /* nothing is done for any of them */
            item->exception =
                make_exception(HBASE "DoNotRetryIOException",
                               "Cell with size 9 exceeds limit of 8 bytes", &ret->exceptions[i]);
        else if (!has_row(region, str_from_bytes(row.data, row.len)))
            item->exception = make_exception(HBASE "exceptions.FailedSanityCheckException",
                                             "Requested row out of range", &ret->exceptions[i]);
        else
            buf_append_str(&f->written, cells[i]);
    }
    ret->message.n_result_or_exception = list->n_action;
}

static void skip_list(const struct fake_table *f, const Hb__RegionAction *list, struct str *block)
{
    for (size_t i = 0; i < list->n_action; i++)
        (void)take_cells(f, list->action[i], block);
}

static void answer_list(struct fake_table *f, const Hb__RegionAction *list, struct str *block,
                        const struct fake_table_fault *fault, struct list_answer *ret)
{
    struct fake_region region;

    ret->message = (Hb__RegionActionResult)HB__REGION_ACTION_RESULT__INIT;
    ret->message.result_or_exception = ret->item_list;
    assert(list->n_action > 0 && list->n_action <= MAX_ACTIONS);
    if (is_kind(fault, FAKE_TABLE_REGION_FAILS)) {
        skip_list(f, list, block);
        ret->message.exception =
            make_exception(fault->class_name, get_text(fault), &ret->exceptions[0]);
    } else if (!find_region(f, list->region->value, &region)) {
        skip_list(f, list, block);
        ret->message.exception = make_exception(not_serving, "x", &ret->exceptions[0]);
    } else if (is_kind(fault, FAKE_TABLE_ROW_FAILS) || is_kind(fault, FAKE_TABLE_SAYS_LESS)) {
        Hb__RegionAction rest = *list;
        (void)take_cells(f, list->action[0], block);
        rest.action++;
        rest.n_action--;
        write_list(f, &rest, &region, block, ret);
        if (is_kind(fault, FAKE_TABLE_ROW_FAILS)) {
            Hb__RegionAction first = {.n_action = list->n_action, .action = list->action};
            get_item(&first, 0, ret)->exception = make_exception(fault->class_name, get_text(fault),
                                                                 &ret->exceptions[MAX_ACTIONS - 1]);
            ret->message.n_result_or_exception = list->n_action;
        }
    } else {
        write_list(f, list, &region, block, ret);
    }
}

static void answer_multi(struct fake_table *f, struct fake_call *call,
                         const struct fake_table_fault *fault)
{
    const Hb__MultiRequest *request =
        (const Hb__MultiRequest *)fake_call_read(call, &hb__multi_request__descriptor);
    Hb__MultiResponse response = HB__MULTI_RESPONSE__INIT;
    struct list_answer answers[MAX_LISTS];
    Hb__RegionActionResult *list[MAX_LISTS];
    struct str block = call->block;

    assert(request->n_region_action > 0 && request->n_region_action <= MAX_LISTS);
    response.n_region_action_result = request->n_region_action;
    response.region_action_result = list;
    f->nlists += (unsigned)request->n_region_action;
    for (size_t i = 0; i < request->n_region_action; i++) {
        answer_list(f, request->region_action[i], &block, i == 0 ? fault : NULL, &answers[i]);
        list[i] = &answers[i].message;
    }
    assert(block.len == 0);
    if (is_kind(fault, FAKE_TABLE_HANGS_UP_LATE))
        fake_call_hang_up(call);
    else
        fake_call_reply(call, &response.base, (struct str){0});
}

/* Answers the Multi calls that wait, when there are enough. The mutex is held. */
static void answer_kept(struct fake_table *f)
{
    if (f->nwaiting < f->nkept)
        return;
    for (unsigned i = f->nwaiting; i > 0; i--) /* the last one first */
        answer_multi(f, f->kept[i - 1], NULL);
    f->nwaiting = 0;
}

void fake_table_keep(struct fake_table *f, unsigned nkept)
{
    (void)pthread_mutex_lock(&f->mutex);
    f->nkept = nkept;
    answer_kept(f);
    (void)pthread_mutex_unlock(&f->mutex);
}

static void answer(void *self, struct fake_call *call)
{
    struct fake_table *f = self;

    (void)pthread_mutex_lock(&f->mutex);
    const struct fake_table_fault *fault = find_fault(f, f->ncalls++);
    if (fail_early(f, call, fault))
        ;
    else if (strcmp(call->method, "Scan") == 0)
        answer_scan(f, call, fault);
    else if (f->nkept > 0) {
        f->kept[f->nwaiting++] = call;
        answer_kept(f);
    } else
        answer_multi(f, call, fault);
    (void)pthread_mutex_unlock(&f->mutex);
}

/* ---- The fixture ---- */

void fake_table_open(struct fake_table *f, const struct fake_region *regions, size_t nregions,
                     const char *cells)
{
    static const struct hbase_table_name name = {"default", "t1"};

    *f = (struct fake_table){.base = {.on_call = answer, .self = f}};
    (void)pthread_mutex_init(&f->mutex, NULL);
    f->ncells = cell_text_read(cells, f->cells);
    cluster_fixture_open(&f->base);
    fake_meta_set(&f->base.meta, "t1", regions, nregions);
    f->table = hbase_table_create(f->base.cluster, &name);
}

void fake_table_close(struct fake_table *f)
{
    hbase_table_destroy(f->table);
    cluster_fixture_close(&f->base);
    buf_deinit(&f->written);
    (void)pthread_mutex_destroy(&f->mutex);
}

static int compare(const void *left, const void *right)
{
    return hbase_cell_compare(left, right);
}

const char *fake_table_show_written(struct fake_table *f, struct buf *ret)
{
    struct hbase_cell *cells = NULL;
    size_t n = 0, nkept = 0;

    (void)pthread_mutex_lock(&f->mutex);
    struct str block = buf_get(&f->written);
    cells = calloc(block.len / 16 + 1, sizeof(*cells));
    while (block.len > 0 && hbase_cell_take(&block, &cells[n]).code == STATUS_OK)
        n++;
    qsort(cells, n, sizeof(*cells), compare);
    for (size_t i = 0; i < n; i++)
        if (nkept == 0 || hbase_cell_compare(&cells[nkept - 1], &cells[i]) != 0)
            cells[nkept++] = cells[i];
    (void)cell_text_show(cells, nkept, ret);
    free(cells);
    (void)pthread_mutex_unlock(&f->mutex);
    return buf_get_text(ret);
}
