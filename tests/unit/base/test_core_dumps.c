/*
 * tests/unit/base/test_core_dumps.c - nobody reads the memory of a process that forbids it.
 */
#include "base/core_dumps.h"

#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/harness/test.h"

/* In a child, since it is for good. */
test(a_process_that_forbids_core_dumps_is_not_dumpable)
{
    int status = -1;
    pid_t child = fork();

    if (child == 0) {
        struct rlimit limit = {1, 1};
        bool was_dumpable = prctl(PR_GET_DUMPABLE, 0, 0, 0, 0) == 1;
        core_dumps_forbid();
        bool is_right = was_dumpable && prctl(PR_GET_DUMPABLE, 0, 0, 0, 0) == 0 &&
                        getrlimit(RLIMIT_CORE, &limit) == 0 && limit.rlim_cur == 0 &&
                        limit.rlim_max == 0;
        _exit(is_right ? 0 : 1);
    }
    check(child > 0 && waitpid(child, &status, 0) == child);
    check_int(status, 0);
}
