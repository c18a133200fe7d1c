#include "base/host_port.h"

#include <string.h>

bool host_port_cut(const char *address, struct str *ret_host, struct str *ret_port)
{
    const char *colon = strrchr(address, ':');
    struct str host = str_from_bytes(address, colon ? (size_t)(colon - address) : 0);

    if (host.len >= 2 && host.data[0] == '[' && host.data[host.len - 1] == ']')
        host = str_from_bytes(host.data + 1, host.len - 2);
    else if (str_find_byte(host, ':') < host.len)
        return false;
    if (host.len == 0)
        return false;
    *ret_host = host;
    *ret_port = str_from(colon + 1);
    return true;
}
