/*
 * tests/fuzz/fuzz_http_framing.c - heads of requests: what is sound is so however much follows it, and with CR LF alone.
 */
#include <assert.h>
#include <stdint.h>

#include "base/buf.h"
#include "http/framing.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct str head = str_from_bytes(data, size);
    struct buf longer = {0};

    if (!http_framing_is_sound(head))
        return 0;
    struct str rest = head;
    size_t end = str_find(head, "\r\n\r\n");
    assert(end < head.len);
    assert(str_find(head, "\n ") > end && str_find(head, "\n\t") > end);
    rest.len = end + 4;
    assert(http_framing_is_sound(rest));
    rest.len--;
    assert(!http_framing_is_sound(rest));
    buf_append_str(&longer, head);
    buf_append_text(&longer, "GET / HTTP/1.1\nX");
    assert(http_framing_is_sound(buf_get(&longer)));
    buf_deinit(&longer);
    return 0;
}
