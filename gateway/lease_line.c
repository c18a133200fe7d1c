#include "gateway/lease_line.h"

#include <string.h>

#include "base/compiler.h"
#include "base/mem.h"
#include "gateway/capability_set.h"
#include "gateway/lease_desk.h"

static struct lease_line *line_of(struct list *link)
{
    return container_of(link, struct lease_line, link);
}

static bool is_in_use(const struct lease_line *line)
{
    return line->queue.nwaiters > 0 || line->queue.is_asking || line->is_releasing;
}

static void free_line(struct lease_lines *lines, struct lease_line *line)
{
    list_remove(&line->link);
    lines->n--;
    buf_deinit(&line->workers);
    mem_free(line->jobs);
    mem_free(line->checks);
    mem_free(line);
}

/* Frees the oldest of the lines that are not in use; false: there is none. */
static bool make_room(struct lease_lines *lines)
{
    struct list *link;

    list_for_each (link, &lines->all) {
        if (!is_in_use(line_of(link))) {
            free_line(lines, line_of(link));
            return true;
        }
    }
    return false;
}

void lease_lines_init(struct lease_lines *lines)
{
    *lines = (struct lease_lines){0};
    list_init(&lines->all);
}

struct lease_line *lease_lines_get(struct lease_lines *lines, struct lease_desk *desk,
                                   const struct capability_set *capabilities)
{
    struct list *link;

    list_for_each (link, &lines->all) {
        struct lease_line *line = line_of(link);

        if (strcmp(line->jobs, capabilities->jobs) == 0 &&
            strcmp(line->checks, capabilities->checks) == 0)
            return line;
    }
    if (lines->n == LEASE_MAX_SETS && !make_room(lines))
        return NULL;
    struct lease_line *line = mem_alloc(sizeof(*line));
    line->desk = desk;
    line->jobs = mem_copy_str(str_from(capabilities->jobs));
    line->checks = mem_copy_str(str_from(capabilities->checks));
    lease_queue_init(&line->queue);
    list_add_last(&lines->all, &line->link);
    lines->n++;
    return line;
}

bool lease_lines_are_in_use(const struct lease_lines *lines)
{
    struct list *link;

    list_for_each (link, &lines->all) {
        if (is_in_use(line_of(link)))
            return true;
    }
    return false;
}

void lease_lines_deinit(struct lease_lines *lines)
{
    while (!list_is_empty(&lines->all))
        free_line(lines, line_of(lines->all.next));
}
