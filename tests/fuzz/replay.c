/*
 * tests/fuzz/replay.c - runs a fuzz target over files instead of over libFuzzer's inputs.
 *
 * Each argument is a file or a folder of files; a folder that is missing holds none. Every
 * input also runs cut to half, which finds readers that trust a length.
 */
#include <dirent.h>
#include <errno.h>
#include <limits.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { MAX_INPUT_BYTES = 16 * 1024 * 1024 };

/* Copies the input to memory of its exact size, so that a sanitizer sees each byte beyond it. */
static void run_exact(const uint8_t *data, size_t size_bytes)
{
    uint8_t *copy = malloc(size_bytes ? size_bytes : 1);

    if (!copy)
        abort();
    memcpy(copy, data, size_bytes);
    LLVMFuzzerTestOneInput(copy, size_bytes);
    free(copy);
}

static unsigned run_file(const char *path)
{
    FILE *file = fopen(path, "rb");
    uint8_t *data = malloc(MAX_INPUT_BYTES);

    if (!file || !data) {
        perror(path);
        exit(1);
    }
    size_t size_bytes = fread(data, 1, MAX_INPUT_BYTES, file);
    fclose(file);
    printf("%s: %zu bytes\n", path, size_bytes);
    run_exact(data, size_bytes);
    run_exact(data, size_bytes / 2);
    free(data);
    return 1;
}

static unsigned run_folder(const char *path)
{
    struct dirent **names;
    unsigned nfiles = 0;
    int n = scandir(path, &names, NULL, alphasort);

    if (n < 0) {
        perror(path);
        exit(1);
    }
    for (int i = 0; i < n; i++) {
        char child[PATH_MAX]; /* a longer one cannot be opened */

        if (names[i]->d_name[0] != '.') {
            snprintf(child, sizeof(child), "%s/%s", path, names[i]->d_name);
            nfiles += run_file(child);
        }
        free(names[i]);
    }
    free(names);
    return nfiles;
}

int main(int argc, char **argv)
{
    unsigned nfiles = 0;

    setvbuf(stdout, NULL, _IOLBF, 0); /* a crash must not swallow the name of its input */
    for (int i = 1; i < argc; i++) {
        struct stat info;

        if (stat(argv[i], &info) != 0) {
            if (errno == ENOENT)
                continue;
            perror(argv[i]);
            return 1;
        }
        nfiles += S_ISDIR(info.st_mode) ? run_folder(argv[i]) : run_file(argv[i]);
    }
    printf("%u passed, 0 failed\n", nfiles);
    return nfiles == 0; /* a target without seeds tests nothing */
}
