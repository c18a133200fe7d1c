#include "rpc/otlp_pack.h"

#include "base/mem.h"
#include "base/utf8.h"

enum { STATUS_CODE_ERROR = 2 };

/* The whole characters that fit; nothing of what is no UTF-8, for no collector would take the batch. */
static char *copy_text(struct str text)
{
    struct str fit = {text.data, utf8_fit(text, OTLP_MAX_TEXT_BYTES)};

    return mem_copy_str(utf8_is_valid(fit) ? fit : (struct str){NULL, 0});
}

static void set_attribute(const struct span_attribute *attribute, Otlp__KeyValue *ret,
                          Otlp__Value *value)
{
    otlp__key_value__init(ret);
    otlp__value__init(value);
    ret->key = (char *)(uintptr_t)attribute->key;
    ret->value = value;
    if (attribute->is_number) {
        value->value_case = OTLP__VALUE__VALUE_NUMBER;
        value->number = attribute->number;
    } else {
        value->value_case = OTLP__VALUE__VALUE_TEXT;
        value->text = copy_text(attribute->text);
    }
}

static void set_ids(const struct span *span, Otlp__Span *ret)
{
    static const uint8_t none[TRACE_SPAN_ID_NBYTES];

    ret->trace_id.data = (uint8_t *)(uintptr_t)span->context.trace_id;
    ret->trace_id.len = TRACE_ID_NBYTES;
    ret->span_id.data = (uint8_t *)(uintptr_t)span->context.span_id;
    ret->span_id.len = TRACE_SPAN_ID_NBYTES;
    if (memcmp(span->parent_id, none, sizeof(none)) == 0)
        return;
    ret->parent_span_id.data = (uint8_t *)(uintptr_t)span->parent_id;
    ret->parent_span_id.len = TRACE_SPAN_ID_NBYTES;
}

ProtobufCBinaryData otlp_pack_span(const struct span *span)
{
    Otlp__Span message = OTLP__SPAN__INIT;
    Otlp__Status status = OTLP__STATUS__INIT;
    Otlp__KeyValue attributes[SPAN_MAX_ATTRIBUTES];
    Otlp__KeyValue *list[SPAN_MAX_ATTRIBUTES];
    Otlp__Value values[SPAN_MAX_ATTRIBUTES];

    set_ids(span, &message);
    message.name = (char *)(uintptr_t)span->name;
    message.kind = (int32_t)span->kind;
    message.start_time_unix_nano = (uint64_t)span->start_us * 1000;
    message.end_time_unix_nano = (uint64_t)(span->start_us + span->took_us) * 1000;
    for (size_t i = 0; i < span->nattributes; i++) {
        set_attribute(&span->attributes[i], &attributes[i], &values[i]);
        list[i] = &attributes[i];
    }
    message.attributes = list;
    message.n_attributes = span->nattributes;
    if (span->is_failed) {
        status.code = STATUS_CODE_ERROR;
        status.message = copy_text(str_from(span->error));
        message.status = &status;
    }
    ProtobufCBinaryData packed = {.len = otlp__span__get_packed_size(&message)};
    packed.data = mem_alloc(packed.len);
    (void)otlp__span__pack(&message, packed.data);
    for (size_t i = 0; i < span->nattributes; i++) {
        if (!span->attributes[i].is_number)
            mem_free(values[i].text);
    }
    if (span->is_failed)
        mem_free(status.message);
    return packed;
}

void otlp_batch_init(struct otlp_batch *ret, const char *service_name, const char *instance_id,
                     ProtobufCBinaryData *spans, size_t nspans)
{
    const char *const rows[OTLP_PACK_NATTRIBUTES][2] = {
        {"service.name", service_name},
        {"service.version", SLUICE_VERSION},
        {"service.instance.id", instance_id},
    };

    otlp__export_request__init(&ret->request);
    otlp__resource_spans__init(&ret->resource_spans);
    otlp__resource__init(&ret->resource);
    otlp__scope_spans__init(&ret->scope_spans);
    otlp__scope__init(&ret->scope);
    for (size_t i = 0; i < OTLP_PACK_NATTRIBUTES; i++) {
        otlp__key_value__init(&ret->attributes[i]);
        otlp__value__init(&ret->values[i]);
        ret->values[i].value_case = OTLP__VALUE__VALUE_TEXT;
        ret->values[i].text = (char *)(uintptr_t)rows[i][1];
        ret->attributes[i].key = (char *)(uintptr_t)rows[i][0];
        ret->attributes[i].value = &ret->values[i];
        ret->attribute_list[i] = &ret->attributes[i];
    }
    ret->resource.attributes = ret->attribute_list;
    ret->resource.n_attributes = OTLP_PACK_NATTRIBUTES;
    ret->scope.name = "sluice";
    ret->scope.version = SLUICE_VERSION;
    ret->scope_spans.scope = &ret->scope;
    ret->scope_spans.spans = spans;
    ret->scope_spans.n_spans = nspans;
    ret->scope_list[0] = &ret->scope_spans;
    ret->resource_spans.resource = &ret->resource;
    ret->resource_spans.scope_spans = ret->scope_list;
    ret->resource_spans.n_scope_spans = 1;
    ret->resource_list[0] = &ret->resource_spans;
    ret->request.resource_spans = ret->resource_list;
    ret->request.n_resource_spans = 1;
}
