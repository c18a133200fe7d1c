#include "hbase/input.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>

#include "base/mem.h"

enum { INPUT_BYTES = 64 * 1024 };

void hbase_input_init(struct hbase_input *input, int fd)
{
    *input = (struct hbase_input){.fd = fd, .data = mem_alloc(INPUT_BYTES)};
}

void hbase_input_deinit(struct hbase_input *input)
{
    mem_free(input->data);
}

static struct status receive(int fd, void *ret, size_t max, size_t *ret_n)
{
    ssize_t n;

    do {
        n = recv(fd, ret, max, 0);
    } while (n < 0 && errno == EINTR);
    if (n == 0)
        return status_error(STATUS_UNAVAILABLE, "the server closed the connection");
    if (n < 0) {
        struct status st = status_from_errno(errno, "the connection is lost");
        st.code = STATUS_UNAVAILABLE;
        return st;
    }
    *ret_n = (size_t)n;
    return status_ok();
}

struct status hbase_input_take(struct hbase_input *input, void *ret, size_t n)
{
    char *at = ret;

    while (n > 0) {
        struct status st = status_ok();
        size_t len = input->end - input->begin;

        if (len > 0) {
            len = len < n ? len : n;
            memcpy(at, input->data + input->begin, len);
            input->begin += len;
        } else if (n >= INPUT_BYTES) {
            st = receive(input->fd, at, n, &len); /* past the buffer: no need of a copy */
        } else {
            input->begin = input->end = 0;
            st = receive(input->fd, input->data, INPUT_BYTES, &input->end);
        }
        if (st.code != STATUS_OK)
            return st;
        at += len;
        n -= len;
    }
    return status_ok();
}
