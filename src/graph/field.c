/* The attributes of nodes, as the fields of their operations name them. */
#include <string.h>

#include "graph/op.h"

static const gr__field none = {.kind = GR__FIELDS_END};

const gr__field *gr__op_fields(const gr_op *op)
{
    return op->fields ? op->fields : &none;
}

const void *gr__field_bytes(const gr_attr *attr, const gr__field *f, size_t *bytes)
{
    switch (f->kind) {
    case GR__FIELD_NAME:
        *bytes = sizeof attr->name;
        return &attr->name;
    case GR__FIELD_REAL:
        *bytes = (size_t)f->count * sizeof *attr->f;
        return &attr->f[f->at];
    case GR__FIELD_BODY:
        *bytes = sizeof attr->body;
        return &attr->body;
    default:
        *bytes = (size_t)f->count * sizeof *attr->i;
        return &attr->i[f->at];
    }
}

bool gr__op_named(const gr_op *op)
{
    for (const gr__field *f = gr__op_fields(op); f->kind; f++)
        if (f->kind == GR__FIELD_NAME) return true;
    return false;
}

bool gr__attr_fits(const gr_op *op, const gr_attr *attr)
{
    static const gr_attr nothing;
    gr_attr rest = *attr;
    for (const gr__field *f = gr__op_fields(op); f->kind; f++) {
        size_t bytes;
        const char *at = gr__field_bytes(attr, f, &bytes);
        memset((char *)&rest + (at - (const char *)attr), 0, bytes);
    }
    return memcmp(&rest, &nothing, sizeof rest) == 0;
}
