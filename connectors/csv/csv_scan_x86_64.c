/*
 * connectors/csv/csv_scan_x86_64.c - 64 bytes at a time, by SSE2, which every x86-64 processor has.
 *
 * A block of 64 bytes becomes words of 64 bits, in which bit i says something of byte i: it is a quote, a line feed.
 * XOR of all lower bits turns the quotes' word into "byte i is inside quotes".
 */
#include <emmintrin.h>
#include <string.h>

#include "connectors/csv/csv_scan.h"

enum { VECTORS = 4, VECTOR_BYTES = 16, BLOCK_BYTES = VECTORS * VECTOR_BYTES };

struct block {
    __m128i vectors[VECTORS];
};

static inline struct block load(const char *p)
{
    struct block block;

    for (size_t i = 0; i < VECTORS; i++)
        block.vectors[i] = _mm_loadu_si128((const __m128i *)(const void *)(p + i * VECTOR_BYTES));
    return block;
}

/* The highest bits of the bytes of four vectors. */
static inline uint64_t gather(__m128i a, __m128i b, __m128i c, __m128i d)
{
    return (uint64_t)(unsigned)_mm_movemask_epi8(a) |
           (uint64_t)(unsigned)_mm_movemask_epi8(b) << 16 |
           (uint64_t)(unsigned)_mm_movemask_epi8(c) << 32 |
           (uint64_t)(unsigned)_mm_movemask_epi8(d) << 48;
}

/* The bytes that are c. */
static inline uint64_t find(const struct block *block, char c)
{
    const __m128i *v = block->vectors;
    __m128i wanted = _mm_set1_epi8(c);

    return gather(_mm_cmpeq_epi8(v[0], wanted), _mm_cmpeq_epi8(v[1], wanted),
                  _mm_cmpeq_epi8(v[2], wanted), _mm_cmpeq_epi8(v[3], wanted));
}

/* Whether a byte is 0x00 or beyond ASCII. */
static inline bool has_special(const struct block *block)
{
    const __m128i *v = block->vectors;
    __m128i least = _mm_min_epu8(_mm_min_epu8(v[0], v[1]), _mm_min_epu8(v[2], v[3]));
    __m128i high = _mm_or_si128(_mm_or_si128(v[0], v[1]), _mm_or_si128(v[2], v[3]));

    return _mm_movemask_epi8(_mm_or_si128(_mm_cmpeq_epi8(least, _mm_setzero_si128()), high)) != 0;
}

/* The bytes that are inside quotes, opening ones included; *inside is all ones if the block begins inside, else 0. */
static inline uint64_t spread(uint64_t quotes, uint64_t *inside)
{
    for (unsigned shift = 1; shift < 64; shift *= 2)
        quotes ^= quotes << shift;
    quotes ^= *inside;
    *inside = 0 - (quotes >> 63);
    return quotes;
}

static inline uint32_t *write_places(uint64_t bits, size_t base, uint32_t *places)
{
    for (; bits != 0; bits &= bits - 1)
        *places++ = (uint32_t)(base + (size_t)__builtin_ctzll(bits));
    return places;
}

static size_t index_blocks(struct str text, char delimiter, struct csv_state *state,
                           uint32_t *ret_places)
{
    uint64_t inside = state->is_quoted ? UINT64_MAX : 0;
    uint64_t all_quotes = 0;
    bool has_specials = false;
    uint32_t *places = ret_places;
    size_t i = 0;

    for (; text.len - i >= BLOCK_BYTES; i += BLOCK_BYTES) {
        struct block block = load(text.data + i);
        uint64_t quotes = find(&block, '"');
        uint64_t quoted = quotes == 0 ? inside : spread(quotes, &inside);
        uint64_t ends = find(&block, delimiter) | find(&block, '\n');
        all_quotes |= quotes;
        has_specials |= has_special(&block);
        places = write_places(ends & ~quoted, i, places);
    }
    state->is_quoted = inside != 0;
    state->has_quotes |= all_quotes != 0;
    state->has_specials |= has_specials;

    size_t n = (size_t)(places - ret_places);
    size_t nrest = csv_scanner_portable.index(str_skip(text, i), delimiter, state, places);
    for (size_t k = n; k < n + nrest; k++)
        ret_places[k] += (uint32_t)i;
    return n + nrest;
}

static struct csv_ends count_blocks(struct str text, struct csv_state *state)
{
    uint64_t inside = state->is_quoted ? UINT64_MAX : 0;
    struct csv_ends ends = {0};
    size_t i = 0;

    for (; text.len - i >= BLOCK_BYTES; i += BLOCK_BYTES) {
        struct block block = load(text.data + i);
        uint64_t quotes = find(&block, '"');
        uint64_t quoted = quotes == 0 ? inside : spread(quotes, &inside);
        uint64_t found = find(&block, '\n') & ~quoted;
        if (found == 0)
            continue;
        ends.count += (size_t)__builtin_popcountll(found);
        ends.last = i + 63 - (size_t)__builtin_clzll(found);
    }
    state->is_quoted = inside != 0;

    struct csv_ends rest = csv_scanner_portable.count(str_skip(text, i), state);
    if (rest.count > 0) {
        ends.count += rest.count;
        ends.last = i + rest.last;
    }
    return ends;
}

const struct csv_scanner csv_scanner_native = {index_blocks, count_blocks};
