#include "base/core_dumps.h"

#include <sys/prctl.h>
#include <sys/resource.h>

void core_dumps_forbid(void)
{
    const struct rlimit none = {0};

    /* The limit alone does not hold for a core_pattern that is a pipe (core(5)). Neither call can be refused. */
    (void)prctl(PR_SET_DUMPABLE, 0, 0, 0, 0);
    (void)setrlimit(RLIMIT_CORE, &none);
}
