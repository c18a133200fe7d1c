#include "hbase/window.h"

void hbase_window_note(struct hbase_window *window, bool is_overloaded)
{
    if (is_overloaded) {
        window->size = window->size > 1 ? window->size / 2 : 1;
        window->ncalm = 0;
        return;
    }
    window->ncalm++;
    if (window->size < window->max && window->ncalm >= HBASE_WINDOW_CALM * window->size) {
        window->size++;
        window->ncalm = 0;
    }
}
