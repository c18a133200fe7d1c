#include "rpc/core_locks.h"

#include <dlfcn.h>
#include <string.h>

/* absl::SetMutexDeadlockDetectionMode(absl::OnDeadlockCycle), whose name has the version; with another one all stays as it is. */
static const char name[] = "_ZN4absl7debian329SetMutexDeadlockDetectionModeENS0_15OnDeadlockCycleE";

enum { IGNORE = 0 };

void rpc_core_locks_set(void)
{
    void *address = dlsym(RTLD_DEFAULT, name);
    void (*set_mode)(int mode) = NULL;

    memcpy(&set_mode, &address, sizeof(address)); /* as POSIX has it */
    if (set_mode)
        set_mode(IGNORE);
}
