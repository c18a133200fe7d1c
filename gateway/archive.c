#include "gateway/archive.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/json_out.h"
#include "rpc/message_json.h"

void archive_write_task(const Pb__Task *task, struct buf *lines)
{
    struct json_out out = json_out_make(lines);

    json_out_begin_object(&out);
    json_out_key(&out, "task");
    message_json_write(&task->base, &out);
    json_out_end_object(&out);
    buf_append_char(lines, '\n');
}

void archive_write_event(const char *task_id, const Pb__TaskEvent *event, struct buf *lines)
{
    struct json_out out = json_out_make(lines);

    json_out_begin_object(&out);
    json_out_key(&out, "taskId");
    json_out_text(&out, task_id);
    json_out_key(&out, "event");
    message_json_write(&event->base, &out);
    json_out_end_object(&out);
    buf_append_char(lines, '\n');
}

static int write_all(int file, struct str text)
{
    while (text.len > 0) {
        ssize_t n = write(file, text.data, text.len);

        if (n < 0 && errno != EINTR)
            return -1;
        if (n > 0)
            text = str_from_bytes(text.data + n, text.len - (size_t)n);
    }
    return 0;
}

/* Ends a line that has no end. */
static int end_last_line(int file, off_t size)
{
    char last = '\n';

    if (size > 0 && pread(file, &last, 1, size - 1) != 1)
        return -1;
    return last == '\n' ? 0 : write_all(file, str_from("\n"));
}

/* The file is locked, for others may be about to take back what they could not write. */
static int append(int file, struct str lines)
{
    struct stat before;

    if (flock(file, LOCK_EX) != 0 || fstat(file, &before) != 0)
        return -1;
    if (end_last_line(file, before.st_size) == 0 && write_all(file, lines) == 0 && fsync(file) == 0)
        return 0;
    int error = errno;
    int undone = ftruncate(file, before.st_size);
    (void)undone; /* a line without an end is dealt with later */
    errno = error;
    return -1;
}

/* That there is such a file has to be on the disk, too. */
static int sync_folder(const char *folder)
{
    int file = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

    if (file < 0)
        return -1;
    int failed = fsync(file);
    int error = errno;
    (void)close(file);
    errno = error;
    return failed;
}

struct status archive_append(const char *folder, const char *date, struct str lines)
{
    struct buf path = {0};
    struct status st = status_ok();

    buf_printf(&path, "%s/sluice-archive-%s.jsonl", folder, date);
    int file =
        open(buf_get_text(&path), O_RDWR | O_APPEND | O_CREAT | O_CLOEXEC, S_IRUSR | S_IWUSR);
    if (file < 0 || append(file, lines) != 0 || sync_folder(folder) != 0)
        st = status_from_errno(errno, "the archive '%s' cannot be written", buf_get_text(&path));
    if (file >= 0)
        (void)close(file);
    buf_deinit(&path);
    return st;
}
