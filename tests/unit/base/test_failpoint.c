/*
 * tests/unit/base/test_failpoint.c - what a program is told to do at its places, and that it does.
 */
#include "base/failpoint.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/compiler.h"
#include "tests/harness/test.h"

test(rules_are_read_with_their_actions_and_hits)
{
    struct failpoint_rules rules;

    check_status(failpoint_read(str_from("store.after-commit=crash,worker.before-finish=hang:500@2,"
                                         "worker.after-lease=wait:/tmp/x@3,postgres.in-copy=error"),
                                &rules),
                 STATUS_OK);
    check_int(failpoint_find(&rules, "store.after-commit")->action, FAILPOINT_CRASH);
    check_int(failpoint_find(&rules, "store.after-commit")->at_hit, 1);
    check_int(failpoint_find(&rules, "worker.before-finish")->action, FAILPOINT_HANG);
    check_int(failpoint_find(&rules, "worker.before-finish")->hang_ms, 500);
    check_int(failpoint_find(&rules, "worker.before-finish")->at_hit, 2);
    check_int(failpoint_find(&rules, "worker.after-lease")->action, FAILPOINT_WAIT);
    check_str(failpoint_find(&rules, "worker.after-lease")->path, "/tmp/x");
    check_int(failpoint_find(&rules, "postgres.in-copy")->action, FAILPOINT_ERROR);
    check_int(failpoint_find(&rules, "store.before-commit")->action, FAILPOINT_NONE);
}

test(what_is_not_understood_is_refused)
{
    static const char *const texts[] = {
        "store.after-lunch=crash",
        "store.after-commit",
        "store.after-commit=",
        "store.after-commit=crash:1",
        "store.after-commit=hang",
        "store.after-commit=hang:x",
        "store.after-commit=hang:600001",
        "store.after-commit=wait:",
        "store.after-commit=error@0",
        "store.after-commit=error@x",
        "store.after-commit=error,,",
        "=crash",
    };

    for (size_t i = 0; i < ARRAY_LEN(texts); i++) {
        struct failpoint_rules rules = {0};
        check_status(failpoint_read(str_from(texts[i]), &rules), STATUS_INVALID_ARGUMENT);
        check_int(failpoint_find(&rules, "store.after-commit")->action, FAILPOINT_NONE);
    }
}

/* How a process ends that is told text and then comes to a place three times; its exit status are the failures. */
static int run_child(const char *text)
{
    int status = 0;
    pid_t pid = fork();

    if (pid == 0) {
        int nfailures = 0;
        (void)setenv("SLUICE_FAILPOINTS", text, 1);
        for (int i = 0; i < 3; i++)
            nfailures = 2 * nfailures + FAILPOINT("store.after-commit");
        _exit(nfailures);
    }
    check(waitpid(pid, &status, 0) == pid);
    return status;
}

test(an_error_comes_once_at_its_hit)
{
    check_int(WEXITSTATUS(run_child("")), 0);
    check_int(WEXITSTATUS(run_child("store.after-commit=error")), 4);
    check_int(WEXITSTATUS(run_child("store.after-commit=error@2")), 2);
    check_int(WEXITSTATUS(run_child("store.after-commit=error@9")), 0);
    check_int(WEXITSTATUS(run_child("store.before-commit=error")), 0);
}

test(a_crash_is_a_kill)
{
    int status = run_child("store.after-commit=crash@3");

    check(WIFSIGNALED(status));
    check_int(WTERMSIG(status), SIGKILL);
}

test(a_program_that_is_told_nonsense_aborts)
{
    int status = run_child("store.after-commit=explode");

    check(WIFSIGNALED(status));
    check_int(WTERMSIG(status), SIGABRT);
}

test(a_hang_takes_its_time_and_fails_nothing)
{
    int64_t began_ms = clock_get_monotonic_ms();
    int status = run_child("store.after-commit=hang:30");

    check_int(WEXITSTATUS(status), 0);
    check(clock_get_monotonic_ms() - began_ms >= 30);
}

test(a_wait_ends_when_the_file_is_there)
{
    char path[64];
    char text[128];

    (void)snprintf(path, sizeof(path), "/tmp/sluice-failpoint-%d", (int)getpid());
    (void)snprintf(text, sizeof(text), "store.after-commit=wait:%s", path);
    FILE *file = fopen(path, "w");
    check(file != NULL);
    if (file)
        (void)fclose(file);
    check_int(WEXITSTATUS(run_child(text)), 0);
    (void)unlink(path);
}
