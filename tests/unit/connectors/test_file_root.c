/* tests/unit/connectors/test_file_root.c - nothing outside of a root can be named, opened or listed. */
#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/compiler.h"
#include "connectors/file/file_root.h"
#include "connectors/plan.h"
#include "tests/harness/test.h"

/*
 * A folder with the root "in" and a folder "out" beside it. The rest of a test's tree is made of lines: "d PATH", "f PATH", "l
 * PATH -> TARGET" and "p PATH" (a FIFO).
 */
struct tree {
    char folder[40];
    int fd;
    struct file_root *root;
};

static void make_entry(int fd, const char *line)
{
    char kind = 0, path[200], target[200];
    int n = sscanf(line, "%c %199s -> %199s", &kind, path, target);
    int failed = -1;

    if (kind == 'd') {
        failed = mkdirat(fd, path, 0700);
    } else if (kind == 'l' && n == 3) {
        failed = symlinkat(target, fd, path);
    } else if (kind == 'p') {
        failed = mkfifoat(fd, path, 0600);
    } else if (kind == 'f') {
        int file = openat(fd, path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
        failed = file < 0 || write(file, path, strlen(path)) < 0 || close(file) != 0;
    }
    if (failed != 0)
        abort();
}

static void tree_open(struct tree *tree, const char *const *lines, size_t nlines)
{
    char path[60];

    snprintf(tree->folder, sizeof(tree->folder), "/tmp/sluice-root-XXXXXX");
    if (!mkdtemp(tree->folder))
        abort();
    tree->fd = open(tree->folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    make_entry(tree->fd, "d in");
    make_entry(tree->fd, "d out");
    make_entry(tree->fd, "f out/secret");
    for (size_t i = 0; i < nlines; i++)
        make_entry(tree->fd, lines[i]);
    snprintf(path, sizeof(path), "%s/in", tree->folder);
    check_status(file_root_open(path, &tree->root), STATUS_OK);
}

static void remove_all(int parent, const char *name)
{
    DIR *folder = fdopendir(openat(parent, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC));
    const struct dirent *entry;

    while (folder && (entry = readdir(folder))) {
        if (strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0)
            continue;
        if (entry->d_type == DT_DIR)
            remove_all(dirfd(folder), entry->d_name);
        else
            (void)unlinkat(dirfd(folder), entry->d_name, 0);
    }
    (void)closedir(folder);
    (void)unlinkat(parent, name, AT_REMOVEDIR);
}

static void tree_close(struct tree *tree)
{
    file_root_close(tree->root);
    (void)close(tree->fd);
    remove_all(AT_FDCWD, tree->folder);
}

/* What a path leads to. */
struct path_case {
    const char *path;
    enum status_code code;
    const char *text; /* of the status, or of the file */
};

static void check_open(const struct tree *tree, const struct path_case *c)
{
    char content[100] = "";
    int fd = -1;
    struct status st = file_root_open_file(tree->root, c->path, &fd);

    check_int(st.code, c->code);
    if (st.code != STATUS_OK) {
        check_str(st.text, c->text);
        check_int(fd, -1);
        return;
    }
    check(read(fd, content, sizeof(content) - 1) >= 0);
    check_str(content, c->text);
    (void)close(fd);
}

test(file_root_opens_files_that_are_inside)
{
    static const char *const lines[] = {
        "f in/a", "d in/d", "f in/d/b", "l in/link -> d/b", "l in/d/up -> ../a", "l in/dlink -> d",
    };
    static const struct path_case cases[] = {
        {"a", STATUS_OK, "in/a"},         {"./a", STATUS_OK, "in/a"},
        {"d/b", STATUS_OK, "in/d/b"},     {"d//./b", STATUS_OK, "in/d/b"},
        {"link", STATUS_OK, "in/d/b"},    {"d/up", STATUS_OK, "in/a"},
        {"dlink/b", STATUS_OK, "in/d/b"},
    };
    struct tree tree;

    tree_open(&tree, lines, ARRAY_LEN(lines));
    for (size_t i = 0; i < ARRAY_LEN(cases); i++)
        check_open(&tree, &cases[i]);
    tree_close(&tree);
}

test(file_root_refuses_what_leads_outside)
{
    static const char *const lines[] = {
        "d in/d",
        "l in/out -> ../out",
        "l in/secret -> ../out/secret",
        "l in/passwd -> /etc/passwd",
        "l in/self -> /proc/self/cwd",
        "l in/circle -> circle",
        "l in/d/out -> ../../out/secret",
        "l in/gone -> nothing",
    };
    static const struct path_case cases[] = {
        {"../out/secret", STATUS_INVALID_ARGUMENT, "path '../out/secret' has '..' in it"},
        {"d/..", STATUS_INVALID_ARGUMENT, "path 'd/..' has '..' in it"},
        {"d/../../out/secret", STATUS_INVALID_ARGUMENT, "path 'd/../../out/secret' has '..' in it"},
        {"/etc/passwd", STATUS_INVALID_ARGUMENT,
         "path '/etc/passwd' is absolute, not relative to the data source's folder"},
        {"out/secret", STATUS_INVALID_ARGUMENT,
         "path 'out/secret' leads outside of the data source's folder"},
        {"secret", STATUS_INVALID_ARGUMENT,
         "path 'secret' leads outside of the data source's folder"},
        {"passwd", STATUS_INVALID_ARGUMENT,
         "path 'passwd' leads outside of the data source's folder"},
        {"self/x", STATUS_INVALID_ARGUMENT,
         "path 'self/x' leads outside of the data source's folder"},
        {"d/out", STATUS_INVALID_ARGUMENT,
         "path 'd/out' leads outside of the data source's folder"},
        {"circle", STATUS_INVALID_ARGUMENT, "path 'circle' has symbolic links in a circle"},
        {"gone", STATUS_NOT_FOUND, "there is no file or folder 'gone'"},
    };
    struct tree tree;

    tree_open(&tree, lines, ARRAY_LEN(lines));
    for (size_t i = 0; i < ARRAY_LEN(cases); i++)
        check_open(&tree, &cases[i]);
    tree_close(&tree);
}

test(file_root_opens_regular_files_only)
{
    static const char *const lines[] = {"d in/d", "p in/fifo", "f in/a"};
    static const struct path_case cases[] = {
        {"d", STATUS_INVALID_ARGUMENT, "'d' is not a regular file"},
        {"", STATUS_INVALID_ARGUMENT, "'' is not a regular file"},
        {"fifo", STATUS_INVALID_ARGUMENT, "'fifo' is not a regular file"},
        {"none", STATUS_NOT_FOUND, "there is no file or folder 'none'"},
        {"a/b", STATUS_NOT_FOUND, "there is no file or folder 'a/b'"},
    };
    struct tree tree;

    tree_open(&tree, lines, ARRAY_LEN(lines));
    for (size_t i = 0; i < ARRAY_LEN(cases); i++)
        check_open(&tree, &cases[i]);
    tree_close(&tree);
}

/* The root is what was opened, whatever its path names later. */
test(file_root_is_not_fooled_by_a_folder_that_is_exchanged)
{
    static const char *const lines[] = {"d in/d", "f in/d/secret"};
    static const struct path_case before = {"d/secret", STATUS_OK, "in/d/secret"};
    static const struct path_case after = {
        "d/secret", STATUS_INVALID_ARGUMENT,
        "path 'd/secret' leads outside of the data source's folder"};
    struct tree tree;

    tree_open(&tree, lines, ARRAY_LEN(lines));
    check_open(&tree, &before);
    check_int(renameat(tree.fd, "in/d", tree.fd, "in/old"), 0);
    make_entry(tree.fd, "l in/d -> ../out");
    check_open(&tree, &after);
    check_int(renameat(tree.fd, "in", tree.fd, "in2"), 0);
    make_entry(tree.fd, "l in -> out");
    check_open(&tree, &(struct path_case){"old/secret", STATUS_OK, "in/d/secret"});
    check_open(&tree, &(struct path_case){"secret", STATUS_NOT_FOUND,
                                          "there is no file or folder 'secret'"});
    check_int(unlinkat(tree.fd, "in", 0), 0);
    tree_close(&tree);
}

/* What a path lists: the files' paths with a blank behind each. */
static void check_list(const struct tree *tree, const struct path_case *c)
{
    struct plan plan = {0};
    struct buf got = {0};
    struct status st = file_root_list(tree->root, c->path, &plan);

    check_int(st.code, c->code);
    for (size_t i = 0; i < plan.nfiles; i++)
        buf_printf(&got, "%s ", plan.files[i].path);
    check_str(st.code == STATUS_OK ? buf_get_text(&got) : st.text, c->text);
    buf_deinit(&got);
    plan_deinit(&plan);
}

test(file_root_lists_files_in_the_order_of_their_paths)
{
    static const char *const lines[] = {
        "d in/t",
        "f in/t/b.csv",
        "d in/t/a",
        "f in/t/a/z",
        "f in/t/a.csv",
        "f in/t/B",
        "d in/t/e",
        "f in/t/_SUCCESS",
        "f in/t/.hidden",
        "d in/t/_temporary",
        "f in/t/_temporary/x",
        "p in/t/fifo",
        "l in/t/c -> ../x",
        "f in/x",
        "l in/t/folder -> ../t",
        "d in/empty",
        "d in/_named",
        "f in/_named/y",
        "d in/n",
        "l in/n/d -> d",
    };
    static const struct path_case cases[] = {
        {"t", STATUS_OK, "t/B t/a.csv t/a/z t/b.csv t/c "},
        {"./t//", STATUS_OK, "t/B t/a.csv t/a/z t/b.csv t/c "},
        {"t/a", STATUS_OK, "t/a/z "},
        {"x", STATUS_OK, "x "},
        {"x/", STATUS_OK, "x "},
        {"t/c", STATUS_OK, "t/c "},
        {"t/folder/a", STATUS_OK, "t/folder/a/z "},
        {"_named", STATUS_OK, "_named/y "},
        {"empty", STATUS_FAILED_PRECONDITION, "there is no file in folder 'empty'"},
        {"none", STATUS_NOT_FOUND, "there is no file or folder 'none'"},
        {"n", STATUS_INVALID_ARGUMENT, "path 'n/d' has symbolic links in a circle"},
        {"t/fifo", STATUS_INVALID_ARGUMENT, "'t/fifo' is no regular file and no folder"},
        {"../out", STATUS_INVALID_ARGUMENT, "path '../out' has '..' in it"},
    };
    struct tree tree;

    tree_open(&tree, lines, ARRAY_LEN(lines));
    for (size_t i = 0; i < ARRAY_LEN(cases); i++)
        check_list(&tree, &cases[i]);
    tree_close(&tree);
}

test(file_root_lists_nothing_of_a_folder_with_a_link_that_leads_out)
{
    static const char *const lines[] = {"f in/a", "l in/out -> ../out"};
    static const struct path_case c = {"", STATUS_INVALID_ARGUMENT,
                                       "path 'out' leads outside of the data source's folder"};
    struct tree tree;

    tree_open(&tree, lines, ARRAY_LEN(lines));
    check_list(&tree, &c);
    tree_close(&tree);
}

test(file_root_refuses_names_that_are_not_utf8)
{
    static const char *const lines[] = {"f in/a", "f in/b\xff"};
    static const struct path_case c = {"", STATUS_FAILED_PRECONDITION,
                                       "the name of file 'b?' is not UTF-8"};
    struct tree tree;

    tree_open(&tree, lines, ARRAY_LEN(lines));
    check_list(&tree, &c);
    tree_close(&tree);
}

test(file_root_tells_sizes_and_times)
{
    static const char *const lines[] = {"f in/a"};
    struct timespec times[2] = {{.tv_sec = 5}, {.tv_sec = 1000, .tv_nsec = 7}};
    struct plan plan = {0};
    struct tree tree;
    int fd = -1;

    tree_open(&tree, lines, ARRAY_LEN(lines));
    check_int(utimensat(tree.fd, "in/a", times, 0), 0);
    check_status(file_root_list(tree.root, "a", &plan), STATUS_OK);
    check_int(plan.nfiles, 1);
    check_int(plan.files[0].size_bytes, 4);
    check_int(plan.files[0].modified_ns, 1000000000007);
    check_status(plan_open_file(tree.root, &plan.files[0], &fd), STATUS_OK);
    (void)close(fd);
    plan.files[0].size_bytes++;
    check_status(plan_open_file(tree.root, &plan.files[0], &fd), STATUS_FAILED_PRECONDITION);
    plan_deinit(&plan);
    tree_close(&tree);
}

/* A chain of nfolders folders with a file in the last one. */
static void make_chain(const struct tree *tree, int nfolders)
{
    struct buf path = {0};

    buf_append_text(&path, "d in/deep");
    for (int i = 0; i < nfolders; i++) {
        buf_append_text(&path, "/d");
        if (i == 0)
            make_entry(tree->fd, "d in/deep");
        make_entry(tree->fd, buf_get_text(&path));
    }
    buf_append_text(&path, "/f");
    path.data[0] = 'f';
    make_entry(tree->fd, buf_get_text(&path));
    buf_deinit(&path);
}

test(file_root_limits_the_depth_of_folders)
{
    for (int more = 0; more < 2; more++) {
        struct plan plan = {0};
        struct tree tree;
        tree_open(&tree, NULL, 0);
        make_chain(&tree, FILE_ROOT_MAX_DEPTH + more);
        struct status st = file_root_list(tree.root, "deep", &plan);
        check_int(st.code, more ? STATUS_FAILED_PRECONDITION : STATUS_OK);
        check_int(plan.nfiles, more ? 0 : 1);
        plan_deinit(&plan);
        tree_close(&tree);
    }
}

test(file_root_limits_the_number_of_files)
{
    struct plan plan = {0};
    struct tree tree;
    char line[40];

    tree_open(&tree, NULL, 0);
    for (int i = 0; i < FILE_ROOT_MAX_FILES; i++) {
        snprintf(line, sizeof(line), "f in/%d", i);
        make_entry(tree.fd, line);
    }
    check_status(file_root_list(tree.root, "", &plan), STATUS_OK);
    check_int(plan.nfiles, FILE_ROOT_MAX_FILES);
    plan_deinit(&plan);
    make_entry(tree.fd, "f in/one-more");
    struct status st = file_root_list(tree.root, "", &plan);
    check_status(st, STATUS_FAILED_PRECONDITION);
    check_str(st.text, "there are more than 10000 files to read");
    check_int(plan.nfiles, 0);
    tree_close(&tree);
}

test(file_root_is_an_absolute_path_of_a_folder)
{
    static const struct path_case cases[] = {
        {"relative", STATUS_INVALID_ARGUMENT, "'relative' is not an absolute path"},
        {"/etc/passwd", STATUS_INVALID_ARGUMENT, "'/etc/passwd' is not a folder"},
        {"/nonexistent/x", STATUS_NOT_FOUND,
         "cannot open folder '/nonexistent/x': No such file or directory"},
    };
    struct file_root *root = NULL;

    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct status st = file_root_open(cases[i].path, &root);
        check_int(st.code, cases[i].code);
        check_str(st.text, cases[i].text);
        check(!root);
    }
    file_root_close(NULL);
}
