/*
 * base/list.h - a doubly linked list whose links are embedded in the elements.
 */
#ifndef BASE_LIST_H
#define BASE_LIST_H

#include <stdbool.h>

/* A list's head, or an element's place in one. A link that is in no list is {NULL, NULL}. */
struct list {
    struct list *next;
    struct list *prev;
};

static inline void list_init(struct list *head)
{
    head->next = head;
    head->prev = head;
}

static inline bool list_is_empty(const struct list *head)
{
    return head->next == head;
}

static inline void list_add_last(struct list *head, struct list *link)
{
    link->prev = head->prev;
    link->next = head;
    head->prev->next = link;
    head->prev = link;
}

static inline void list_add_first(struct list *head, struct list *link)
{
    list_add_last(head->next, link);
}

/* Takes link out of its list; nothing happens if it is in none. */
static inline void list_remove(struct list *link)
{
    if (!link->next)
        return;
    link->prev->next = link->next;
    link->next->prev = link->prev;
    link->next = (struct list *)0;
    link->prev = (struct list *)0;
}

/* The first link, taken out, or NULL if the list is empty. */
static inline struct list *list_take_first(struct list *head)
{
    struct list *link = head->next;

    if (link == head)
        return (struct list *)0;
    list_remove(link);
    return link;
}

/* Moves all that is in from to the end of head. */
static inline void list_move_all(struct list *head, struct list *from)
{
    struct list *link;

    while ((link = list_take_first(from)) != (struct list *)0)
        list_add_last(head, link);
}

/* link steps through the list; the list must not change meanwhile. */
#define list_for_each(link, head) \
    for ((link) = (head)->next; (link) != (head); (link) = (link)->next)

#endif
