#include "rpc/descriptors.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "base/arena.h"
#include "base/mem.h"
#include "google/protobuf/descriptor.pb-c.h"
#include "grpc/reflection/v1/reflection.pb-c.h"
#include "rpc/message_wire.h"

/* Of the embedded file; see the CMake function sluice_embed. */
extern const char sluice_descriptor_set_start[], sluice_descriptor_set_end[];

enum { ARENA_BYTES = 64 << 20 }; /* the set is ours; this is only a bound */

struct symbol {
    const char *name;
    size_t file;
};

struct extension {
    const char *type; /* the message that it extends */
    int32_t number;
    size_t file;
};

struct descriptors {
    struct arena *arena; /* of all names and files */
    struct descriptor_file *files;
    size_t nfiles;
    struct symbol *symbols; /* sorted by name */
    size_t nsymbols;
    struct extension *extensions;
    size_t nextensions;
};

/* Where names are being added: the file, and what stands before them. */
struct scope {
    struct descriptors *descriptors;
    size_t file;
    const char *prefix; /* "" or "sluice.v1." */
};

/* Adds a name to the index; returns it with a dot behind, as the prefix for what is inside. */
static const char *add_symbol(const struct scope *scope, const char *name)
{
    struct descriptors *all = scope->descriptors;

    all->symbols = mem_realloc_array(all->symbols, all->nsymbols + 1, sizeof(*all->symbols));
    all->symbols[all->nsymbols++] =
        (struct symbol){arena_printf(all->arena, "%s%s", scope->prefix, name), scope->file};
    return arena_printf(all->arena, "%s%s.", scope->prefix, name);
}

static void add_extension(const struct scope *scope,
                          const Google__Protobuf__FieldDescriptorProto *field)
{
    struct descriptors *all = scope->descriptors;
    const char *type = field->extendee;

    (void)add_symbol(scope, field->name);
    if (type[0] == '.')
        type++;
    all->extensions =
        mem_realloc_array(all->extensions, all->nextensions + 1, sizeof(*all->extensions));
    all->extensions[all->nextensions++] = (struct extension){type, field->number, scope->file};
}

/* The values of an enum are its siblings, as in C++. */
static void add_enum(const struct scope *scope, const Google__Protobuf__EnumDescriptorProto *type)
{
    (void)add_symbol(scope, type->name);
    for (size_t i = 0; i < type->n_value; i++)
        (void)add_symbol(scope, type->value[i]->name);
}

static void add_service(const struct scope *scope,
                        const Google__Protobuf__ServiceDescriptorProto *service)
{
    struct scope inner = *scope;

    inner.prefix = add_symbol(scope, service->name);
    for (size_t i = 0; i < service->n_method; i++)
        (void)add_symbol(&inner, service->method[i]->name);
}

/* Recursion is bounded by the depth of the messages in our own proto files. */
static void add_message(const struct scope *scope, const Google__Protobuf__DescriptorProto *type)
{
    struct scope inner = *scope;

    inner.prefix = add_symbol(scope, type->name);
    for (size_t i = 0; i < type->n_field; i++)
        (void)add_symbol(&inner, type->field[i]->name);
    for (size_t i = 0; i < type->n_oneof_decl; i++)
        (void)add_symbol(&inner, type->oneof_decl[i]->name);
    for (size_t i = 0; i < type->n_enum_type; i++)
        add_enum(&inner, type->enum_type[i]);
    for (size_t i = 0; i < type->n_extension; i++)
        add_extension(&inner, type->extension[i]);
    for (size_t i = 0; i < type->n_nested_type; i++)
        add_message(&inner, type->nested_type[i]);
}

static void add_file(struct descriptors *all, size_t index,
                     const Google__Protobuf__FileDescriptorProto *proto)
{
    struct descriptor_file *file = &all->files[index];
    struct scope scope = {all, index, ""};

    if (proto->package && proto->package[0] != '\0')
        scope.prefix = arena_printf(all->arena, "%s.", proto->package);
    for (size_t i = 0; i < proto->n_message_type; i++)
        add_message(&scope, proto->message_type[i]);
    for (size_t i = 0; i < proto->n_enum_type; i++)
        add_enum(&scope, proto->enum_type[i]);
    for (size_t i = 0; i < proto->n_service; i++)
        add_service(&scope, proto->service[i]);
    for (size_t i = 0; i < proto->n_extension; i++)
        add_extension(&scope, proto->extension[i]);

    /* protoc writes a file after those that it imports, so they are known. */
    file->name = proto->name;
    file->ndependencies = proto->n_dependency;
    file->dependencies = arena_alloc(all->arena, proto->n_dependency * sizeof(size_t));
    for (size_t i = 0; i < proto->n_dependency; i++)
        file->dependencies[i] = descriptors_find_file(all, proto->dependency[i]);
}

static int compare_symbols(const void *a, const void *b)
{
    return strcmp(((const struct symbol *)a)->name, ((const struct symbol *)b)->name);
}

static void *must_read(struct str bytes, const ProtobufCMessageDescriptor *type,
                       struct arena *arena)
{
    ProtobufCMessage *message = NULL;
    struct status st = message_wire_read(bytes, type, arena, NULL, &message);

    assert(st.code == STATUS_OK); /* the build has made it */
    return message;
}

struct descriptors *descriptors_create(void)
{
    struct descriptors *all = mem_alloc(sizeof(*all));
    struct str set =
        str_from_bytes(sluice_descriptor_set_start,
                       (size_t)(sluice_descriptor_set_end - sluice_descriptor_set_start));

    /* FileDescriptorSet has the same form, but would not leave the files as they are. */
    all->arena = arena_create(ARENA_BYTES);
    const Grpc__Reflection__V1__FileDescriptorResponse *raw =
        must_read(set, &grpc__reflection__v1__file_descriptor_response__descriptor, all->arena);
    all->nfiles = raw->n_file_descriptor_proto;
    all->files = arena_alloc(all->arena, all->nfiles * sizeof(*all->files));
    for (size_t i = 0; i < all->nfiles; i++) {
        all->files[i].bytes = raw->file_descriptor_proto[i];
        add_file(all, i,
                 must_read(str_from_bytes(all->files[i].bytes.data, all->files[i].bytes.len),
                           &google__protobuf__file_descriptor_proto__descriptor, all->arena));
    }
    qsort(all->symbols, all->nsymbols, sizeof(*all->symbols), compare_symbols);
    return all;
}

void descriptors_destroy(struct descriptors *descriptors)
{
    if (!descriptors)
        return;
    mem_free(descriptors->symbols);
    mem_free(descriptors->extensions);
    arena_destroy(descriptors->arena);
    mem_free(descriptors);
}

size_t descriptors_get_count(const struct descriptors *descriptors)
{
    return descriptors->nfiles;
}

const struct descriptor_file *descriptors_get_file(const struct descriptors *descriptors,
                                                   size_t index)
{
    assert(index < descriptors->nfiles);
    return &descriptors->files[index];
}

size_t descriptors_find_file(const struct descriptors *descriptors, const char *name)
{
    size_t i = 0;

    while (i < descriptors->nfiles &&
           (!descriptors->files[i].name || strcmp(descriptors->files[i].name, name) != 0))
        i++;
    return i;
}

size_t descriptors_find_symbol(const struct descriptors *descriptors, const char *name)
{
    struct symbol key = {name, 0};
    const struct symbol *found =
        bsearch(&key, descriptors->symbols, descriptors->nsymbols, sizeof(key), compare_symbols);

    return found ? found->file : descriptors->nfiles;
}

size_t descriptors_find_extension(const struct descriptors *descriptors, const char *type,
                                  int32_t number)
{
    for (size_t i = 0; i < descriptors->nextensions; i++) {
        const struct extension *row = &descriptors->extensions[i];
        if (row->number == number && strcmp(row->type, type) == 0)
            return row->file;
    }
    return descriptors->nfiles;
}

size_t descriptors_list_extensions(const struct descriptors *descriptors, const char *type,
                                   int32_t *ret, size_t max)
{
    size_t count = 0;

    for (size_t i = 0; i < descriptors->nextensions; i++) {
        const struct extension *row = &descriptors->extensions[i];
        if (strcmp(row->type, type) != 0)
            continue;
        if (count < max)
            ret[count] = row->number;
        count++;
    }
    return count;
}
