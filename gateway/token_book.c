#include "gateway/token_book.h"

#include <assert.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>

#include "base/arena.h"
#include "base/buf.h"
#include "base/clock.h"
#include "base/compiler.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/sha256.h"
#include "base/thread.h"
#include "base/timers.h"
#include "gateway/text_array.h"
#include "store/access_token_store.h"
#include "store/query.h"
#include "store/row.h"
#include "store/store.h"
#include "store/token_scope.h"

enum {
    PERIOD_MS = 1000,
    QUERY_TIMEOUT_MS = 5000,
    START_TIMEOUT_MS = 10000,
    NOTE_PERIOD_MS = 60000, /* how often uses are noted */
    HASH_WORDS = SHA256_BYTES / sizeof(uint64_t),
};

struct entry {
    uint64_t hash[HASH_WORDS];
    char *id;
    char *name;
    unsigned scopes;
    bool is_used; /* since that was noted last */
};

struct token_book {
    struct store *store;
    struct timers *timers; /* its own */
    struct timer timer;

    /* One of them is out, or the timer is set. */
    struct query list;
    struct query note;
    struct buf used_ids; /* borrowed by note */
    int64_t note_time_ms;

    pthread_mutex_t lock; /* for what follows */
    pthread_cond_t changed;
    struct entry *entries;
    size_t nentries;
    int64_t read_time_ms; /* when they were right; 0: they never were */
    bool is_stopping;
};

static void free_entries(struct entry *entries, size_t nentries)
{
    for (size_t i = 0; i < nentries; i++) {
        mem_free(entries[i].id);
        mem_free(entries[i].name);
    }
    mem_free(entries);
}

/* All entries are looked at, and each as a whole, so that the time tells nothing of the hashes that are there. */
static size_t find(const struct entry *entries, size_t nentries, const uint64_t hash[HASH_WORDS])
{
    size_t found = nentries;

    for (size_t i = 0; i < nentries; i++) {
        uint64_t difference = 0;
        for (size_t w = 0; w < HASH_WORDS; w++)
            difference |= entries[i].hash[w] ^ hash[w];
        if (difference == 0)
            found = i;
    }
    return found;
}

/* Reading them. */

static void read_entry(const struct pg_result *rows, size_t row, struct entry *ret)
{
    struct str hash = row_get_text(rows, row, "note/hash");

    assert(hash.len == sizeof(ret->hash)); /* the table sees to it */
    memcpy(ret->hash, hash.data, sizeof(ret->hash));
    ret->id = mem_copy_str(row_get_text(rows, row, "note/id"));
    ret->name = mem_copy_str(row_get_text(rows, row, "note/name"));
    ret->scopes = token_scopes_read(row_get_text(rows, row, "note/scopes"));
}

/* Who administers tokens does it at the database, so this is where the log gets to know. */
static void log_changes(const struct entry *before, size_t nbefore, const struct entry *after,
                        size_t nafter, const char *event)
{
    for (size_t i = 0; i < nafter; i++)
        if (find(before, nbefore, after[i].hash) == nbefore)
            log_info(event, log_str("id", after[i].id), log_str("name", after[i].name));
}

/* Whether the two lists, which have the same order, are of the same tokens. */
static bool are_same(const struct entry *a, size_t na, const struct entry *b, size_t nb)
{
    bool is_same = na == nb;

    for (size_t i = 0; is_same && i < na; i++)
        is_same =
            memcmp(a[i].hash, b[i].hash, sizeof(a[i].hash)) == 0 && a[i].scopes == b[i].scopes;
    return is_same;
}

/* Only this changes the list, one answer at a time, so nobody else frees what it looks at without the lock. */
static void replace_entries(struct token_book *book, struct entry *entries, size_t nentries)
{
    bool is_first = book->read_time_ms == 0;

    pthread_mutex_lock(&book->lock);
    for (size_t i = 0; i < nentries; i++) {
        size_t old = find(book->entries, book->nentries, entries[i].hash);
        entries[i].is_used = old < book->nentries && book->entries[old].is_used;
    }
    struct entry *gone = book->entries;
    size_t ngone = book->nentries;
    book->entries = entries;
    book->nentries = nentries;
    book->read_time_ms = clock_get_monotonic_ms();
    (void)pthread_cond_broadcast(&book->changed);
    pthread_mutex_unlock(&book->lock);
    if (!is_first) {
        log_changes(gone, ngone, entries, nentries, "token counts");
        log_changes(entries, nentries, gone, ngone, "token counts no more");
    }
    free_entries(gone, ngone);
}

static void take_entries(struct token_book *book, struct entry *entries, size_t nentries)
{
    if (!are_same(book->entries, book->nentries, entries, nentries) || book->read_time_ms == 0) {
        replace_entries(book, entries, nentries);
        return;
    }
    pthread_mutex_lock(&book->lock);
    book->read_time_ms = clock_get_monotonic_ms();
    pthread_mutex_unlock(&book->lock);
    free_entries(entries, nentries);
}

static void go_round_in(struct token_book *book, int64_t delay_ms)
{
    pthread_mutex_lock(&book->lock);
    if (!book->is_stopping)
        timers_set(book->timers, &book->timer, delay_ms);
    pthread_mutex_unlock(&book->lock);
}

/* On a store thread. */
static void list_done(struct query *query, struct status st, const struct pg_result *rows)
{
    struct token_book *book = container_of(query, struct token_book, list);

    if (st.code == STATUS_OK) {
        size_t nentries = rows_get_count(rows);
        struct entry *entries = mem_alloc_array(nentries + 1, sizeof(*entries));
        for (size_t i = 0; i < nentries; i++)
            read_entry(rows, i, &entries[i]);
        take_entries(book, entries, nentries);
    }
    go_round_in(book, PERIOD_MS);
}

static void submit_list(struct token_book *book)
{
    book->list = (struct query){
        .statement = &access_token_list,
        .params = {param_int(ACCESS_TOKEN_MAX)},
        .timeout_ms = QUERY_TIMEOUT_MS,
        .on_done = list_done,
    };
    store_submit(book->store, &book->list);
}

/* Noting their use. */

/* On a store thread. That a use is not noted harms nobody. */
static void note_done(struct query *query, struct status st, const struct pg_result *rows)
{
    struct token_book *book = container_of(query, struct token_book, note);

    (void)rows;
    if (st.code != STATUS_OK)
        log_debug("the use of tokens was not noted", log_code(st), log_str("error", st.text));
    go_round_in(book, 0);
}

static void gather_used(struct token_book *book)
{
    buf_clear(&book->used_ids);
    pthread_mutex_lock(&book->lock);
    for (size_t i = 0; i < book->nentries; i++) {
        if (book->entries[i].is_used)
            text_array_add(&book->used_ids, book->entries[i].id);
        book->entries[i].is_used = false;
    }
    pthread_mutex_unlock(&book->lock);
}

/* On the timer thread. */
static void go_round(struct timer *timer)
{
    struct token_book *book = container_of(timer, struct token_book, timer);
    int64_t now_ms = clock_get_monotonic_ms();

    if (now_ms < book->note_time_ms) {
        submit_list(book);
        return;
    }
    book->note_time_ms = now_ms + NOTE_PERIOD_MS;
    gather_used(book);
    if (book->used_ids.len == 0) {
        submit_list(book);
        return;
    }
    book->note = (struct query){
        .statement = &access_token_note_use,
        .params = {param_str(buf_get(&book->used_ids))},
        .timeout_ms = QUERY_TIMEOUT_MS,
        .on_done = note_done,
    };
    store_submit(book->store, &book->note);
}

/* Looking up. */

struct status token_book_find(struct token_book *book, struct str text, struct arena *arena,
                              struct token *ret)
{
    uint64_t hash[HASH_WORDS];
    uint8_t digest[SHA256_BYTES];
    struct status st = status_ok();

    sha256_make(text, digest);
    memcpy(hash, digest, sizeof(hash));
    pthread_mutex_lock(&book->lock);
    size_t found = find(book->entries, book->nentries, hash);
    if (clock_get_monotonic_ms() - book->read_time_ms > TOKEN_BOOK_MAX_AGE_MS) {
        st = status_error(STATUS_UNAVAILABLE, "the database cannot be reached");
    } else if (found == book->nentries) {
        st = status_error(STATUS_UNAUTHENTICATED, "the token is none that is valid");
    } else {
        struct entry *entry = &book->entries[found];
        entry->is_used = true;
        *ret = (struct token){
            .name = arena_copy_str(arena, str_from(entry->name)),
            .id = arena_copy_str(arena, str_from(entry->id)),
            .scopes = entry->scopes,
        };
    }
    pthread_mutex_unlock(&book->lock);
    return st;
}

/* Life. */

static struct status wait_until_read(struct token_book *book)
{
    int64_t deadline_ms = clock_get_monotonic_ms() + START_TIMEOUT_MS;

    pthread_mutex_lock(&book->lock);
    while (book->read_time_ms == 0 && clock_get_monotonic_ms() < deadline_ms)
        thread_wait_until(&book->changed, &book->lock, deadline_ms);
    bool is_read = book->read_time_ms != 0;
    pthread_mutex_unlock(&book->lock);
    if (!is_read)
        return status_error(STATUS_UNAVAILABLE, "the tokens cannot be read from the database");
    return status_ok();
}

struct status token_book_create(struct store *store, struct token_book **ret)
{
    struct timers *timers;
    struct status st = timers_create(&timers);

    if (st.code != STATUS_OK)
        return st;
    struct token_book *book = mem_alloc(sizeof(*book));
    book->store = store;
    book->timers = timers;
    book->timer.on_fire = go_round;
    book->note_time_ms = clock_get_monotonic_ms() + NOTE_PERIOD_MS;
    (void)pthread_mutex_init(&book->lock, NULL);
    thread_init_condition(&book->changed);
    *ret = book;
    submit_list(book);
    return wait_until_read(book);
}

void token_book_stop(struct token_book *book)
{
    if (!book)
        return;
    pthread_mutex_lock(&book->lock);
    book->is_stopping = true;
    pthread_mutex_unlock(&book->lock);
    timers_destroy(book->timers);
    book->timers = NULL;
}

void token_book_destroy(struct token_book *book)
{
    if (!book)
        return;
    free_entries(book->entries, book->nentries);
    buf_deinit(&book->used_ids);
    (void)pthread_cond_destroy(&book->changed);
    (void)pthread_mutex_destroy(&book->lock);
    mem_free(book);
}
