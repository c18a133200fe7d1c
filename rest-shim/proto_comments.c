#include "rest-shim/proto_comments.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "base/arena.h"
#include "base/buf.h"
#include "google/protobuf/descriptor.pb-c.h"
#include "rpc/message_wire.h"

/* Of the embedded file; see the CMake function sluice_embed. */
extern const char sluice_documented_descriptor_set_start[], sluice_documented_descriptor_set_end[];

/* Of google/protobuf/descriptor.proto: the fields that a location's path names, each followed by an index. */
enum {
    IN_FILE_MESSAGE = 4,
    IN_FILE_ENUM = 5,
    IN_FILE_SERVICE = 6,
    IN_ANY_PART = 2, /* a message's field, an enum's value, a service's method */
};

struct row {
    const char *name;
    const char *text;
};

struct proto_comments {
    struct row *rows; /* sorted by name */
    size_t nrows;
};

/* The name of a part of a message, an enum or a service; NULL: it is something else. */
static const char *find_part(const Google__Protobuf__FileDescriptorProto *file, const int32_t *path)
{
    size_t outer = (size_t)path[1];
    size_t inner = (size_t)path[3];

    if (path[2] != IN_ANY_PART)
        return NULL;
    switch (path[0]) {
    case IN_FILE_MESSAGE:
        return file->message_type[outer]->field[inner]->name;
    case IN_FILE_ENUM:
        return file->enum_type[outer]->value[inner]->name;
    case IN_FILE_SERVICE:
        return file->service[outer]->method[inner]->name;
    default:
        return NULL;
    }
}

static const char *find_whole(const Google__Protobuf__FileDescriptorProto *file,
                              const int32_t *path)
{
    switch (path[0]) {
    case IN_FILE_MESSAGE:
        return file->message_type[path[1]]->name;
    case IN_FILE_ENUM:
        return file->enum_type[path[1]]->name;
    case IN_FILE_SERVICE:
        return file->service[path[1]]->name;
    default:
        return NULL;
    }
}

/* The full name of what a location is about, or NULL if it is none of those that we tell about. */
static const char *find_name(const Google__Protobuf__FileDescriptorProto *file,
                             const Google__Protobuf__SourceCodeInfo__Location *place,
                             struct arena *arena)
{
    const char *whole = place->n_path >= 2 ? find_whole(file, place->path) : NULL;

    if (whole && place->n_path == 2)
        return arena_printf(arena, "%s.%s", file->package, whole);
    const char *part = whole && place->n_path == 4 ? find_part(file, place->path) : NULL;
    return part ? arena_printf(arena, "%s.%s.%s", file->package, whole, part) : NULL;
}

/* The comment with its lines joined. */
static const char *join_lines(const char *comment, struct arena *arena)
{
    struct str rest = str_from(comment);
    struct buf joined = {0};

    while (rest.len > 0) {
        struct str line = str_trim(str_cut(&rest, '\n'));
        if (joined.len > 0 && line.len > 0)
            buf_append_char(&joined, ' ');
        buf_append_str(&joined, line);
    }
    const char *text = arena_copy_str(arena, buf_get(&joined));
    buf_deinit(&joined);
    return text;
}

static int compare(const void *a, const void *b)
{
    return strcmp(((const struct row *)a)->name, ((const struct row *)b)->name);
}

static void add_file(struct proto_comments *comments,
                     const Google__Protobuf__FileDescriptorProto *file, struct arena *arena)
{
    for (size_t i = 0; i < file->source_code_info->n_location; i++) {
        const Google__Protobuf__SourceCodeInfo__Location *place =
            file->source_code_info->location[i];
        const char *name = place->leading_comments ? find_name(file, place, arena) : NULL;
        if (name)
            comments->rows[comments->nrows++] =
                (struct row){name, join_lines(place->leading_comments, arena)};
    }
}

struct proto_comments *proto_comments_create(struct arena *arena)
{
    struct str bytes = str_from_bytes(
        sluice_documented_descriptor_set_start,
        (size_t)(sluice_documented_descriptor_set_end - sluice_documented_descriptor_set_start));
    struct proto_comments *comments = arena_alloc(arena, sizeof(*comments));
    ProtobufCMessage *message = NULL;
    size_t nlocations = 0;
    struct status st = message_wire_read(bytes, &google__protobuf__file_descriptor_set__descriptor,
                                         arena, NULL, &message);

    assert(st.code == STATUS_OK); /* the build made it */
    const Google__Protobuf__FileDescriptorSet *set =
        (const Google__Protobuf__FileDescriptorSet *)message;
    for (size_t i = 0; i < set->n_file; i++)
        nlocations += set->file[i]->source_code_info->n_location;
    comments->rows = arena_alloc(arena, nlocations * sizeof(*comments->rows));
    for (size_t i = 0; i < set->n_file; i++)
        add_file(comments, set->file[i], arena);
    qsort(comments->rows, comments->nrows, sizeof(*comments->rows), compare);
    return comments;
}

const char *proto_comments_get(const struct proto_comments *comments, const char *name)
{
    struct row key = {.name = name};
    const struct row *found = bsearch(&key, comments->rows, comments->nrows, sizeof(key), compare);

    return found ? found->text : "";
}
