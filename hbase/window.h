/*
 * hbase/window.h - how many batches may be on their way at once: fewer while a server has too much to do.
 */
#ifndef HBASE_WINDOW_H
#define HBASE_WINDOW_H

#include <stdbool.h>

enum { HBASE_WINDOW_CALM = 4 }; /* so many windows without overload make it larger by one */

struct hbase_window {
    unsigned max;
    unsigned size;  /* 1 to max */
    unsigned ncalm; /* batches since the last overload, or since it last grew */
};

/* A batch has come back: halves the window, or lets it grow in time. */
void hbase_window_note(struct hbase_window *window, bool is_overloaded);

#endif
