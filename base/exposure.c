#include "base/exposure.h"

#include <assert.h>

#include "base/cidr.h"
#include "base/host_port.h"
#include "base/str.h"

bool exposure_is_local(const char *listen)
{
    struct str host;
    struct str port;
    struct cidr_address address;

    if (str_has_prefix(str_from(listen), "unix:"))
        return true;
    if (!host_port_cut(listen, &host, &port))
        return false;
    if (str_is_ignoring_case(host, "localhost"))
        return true;
    return cidr_read_address(host, &address) && cidr_is_loopback(&address);
}

void exposure_validate(const struct exposure_settings *settings, struct buf *errors)
{
    struct cidr_list allowed;
    struct status st = cidr_list_read("allow", settings->allow, &allowed);

    if (st.code != STATUS_OK)
        buf_printf(errors, "%s\n", st.text);
}

void exposure_check(const struct exposure_settings *settings, const char *option,
                    const char *listen, bool is_guarded, const char *ways, struct buf *errors)
{
    if (!listen || is_guarded || settings->allow || settings->is_insecure ||
        exposure_is_local(listen))
        return;
    buf_printf(
        errors,
        "%s: other machines could reach %.80s, and nothing is asked of them: give --allow%s, "
        "or --insecure if a firewall or a proxy sees to it\n",
        option, listen, ways);
}

struct cidr_list exposure_get_allowed(const struct exposure_settings *settings)
{
    struct cidr_list allowed;
    struct status st = cidr_list_read("allow", settings->allow, &allowed);

    assert(st.code == STATUS_OK); /* it was validated */
    return allowed;
}
