/* Data of a program: fields as they are told, kept until somebody takes them. */
#include <string.h>

#include "data/given.h"

gr_status gr_data_create(gr_context *ctx, int64_t n, gr_data **out)
{
    if (gr__error_code(ctx) != GR_OK) return gr__error_code(ctx);
    if (n < 1 || n > UINT32_MAX)
        return gr__fail(ctx, GR_E_RANGE, "data of %lld samples; there may be 1 to %u", (long long)n, UINT32_MAX);
    gr__bump *memory = gr__bump_create(ctx);
    gr_data *d = memory ? gr__bump_alloc(memory, sizeof *d) : NULL;
    if (!d) return gr__bump_destroy(memory), gr__error_code(ctx);
    d->ctx = ctx;
    d->memory = memory;
    d->n = n;
    pthread_mutex_init(&d->one_at_a_time, NULL);
    *out = d;
    return GR_OK;
}

void gr_data_destroy(gr_data *d)
{
    if (!d) return;
    gr__set_free(d->ctx, &d->set);
    pthread_mutex_destroy(&d->one_at_a_time);
    gr__bump_destroy(d->memory);
}

int64_t gr_data_samples(const gr_data *d)
{
    return d->n;
}

/* ---- fields ---- */

static const char *name_of(const gr_data_field *f)
{
    return f->role == GR_DATA_WEIGHT ? "weight" : f->name ? f->name : "";
}

static gr_status check_numbers(const gr_data *d, const gr_data_field *f)
{
    bool one = f->role == GR_DATA_WEIGHT || f->role == GR_DATA_LENGTH;
    if (!f->values == !f->read)
        return gr__fail(d->ctx, GR_E_USAGE,
                        "field \"%s\": its numbers are given as values, or by a function, one of the two", name_of(f));
    if (f->read && f->role != GR_DATA_INPUT)
        return gr__fail(d->ctx, GR_E_USAGE, "field \"%s\": only inputs are given by a function; all else as values",
                        name_of(f));
    if (f->shape.rank < 0 || f->shape.rank >= GR_MAX_RANK || gr_shape_count(f->shape) < 1)
        return gr__fail(d->ctx, GR_E_SHAPE, "field \"%s\": samples of a shape that is none", name_of(f));
    if (one && gr_shape_count(f->shape) != 1)
        return gr__fail(d->ctx, GR_E_SHAPE, "field \"%s\": a sample has one weight, or length", name_of(f));
    return GR_OK;
}

static gr_status check_names(const gr_data *d, const gr_data_field *f)
{
    if ((f->class_names != NULL) != (f->n_classes > 0) || f->n_classes < 0)
        return gr__fail(d->ctx, GR_E_USAGE, "field \"%s\": names of classes, and how many, go together", name_of(f));
    if (f->class_names && f->role != GR_DATA_TARGET)
        return gr__fail(d->ctx, GR_E_USAGE, "field \"%s\": classes are targets", name_of(f));
    for (int k = 0; k < f->n_classes; k++)
        if (!f->class_names[k])
            return gr__fail(d->ctx, GR_E_USAGE, "field \"%s\": class %d of %d has no name", name_of(f), k,
                            f->n_classes);
    for (int i = 0; i < d->n_fields; i++)
        if (d->field[i].is.role == f->role && strcmp(d->field[i].is.name, name_of(f)) == 0)
            return gr__fail(d->ctx, GR_E_EXISTS, "the data has a field \"%s\" of this role already", name_of(f));
    return GR_OK;
}

static gr_status check_field(const gr_data *d, const gr_data_field *f)
{
    if (gr__error_code(d->ctx) != GR_OK) return gr__error_code(d->ctx);
    if (d->read) return gr__fail(d->ctx, GR_E_USAGE, "a file that was opened for a model takes no fields");
    if (!f || f->version != GR_DATA_FIELD_VERSION)
        return gr__fail(d->ctx, GR_E_UNSUPPORTED, "a field of version %u; this library knows %d", f ? f->version : 0,
                        GR_DATA_FIELD_VERSION);
    if ((unsigned)f->role > GR_DATA_LENGTH || (unsigned)f->type > GR_DATA_F64)
        return gr__fail(d->ctx, GR_E_RANGE, "field \"%s\": role %d, type %d: there are no such ones", name_of(f),
                        (int)f->role, (int)f->type);
    gr_status st = check_numbers(d, f);
    return st == GR_OK ? check_names(d, f) : st;
}

gr_status gr_data_add(gr_data *d, const gr_data_field *field)
{
    gr_status st = check_field(d, field);
    if (st != GR_OK) return st;
    if (d->n_fields == GR_MAX_FIELDS) return gr__fail(d->ctx, GR_E_RANGE, "more than %d fields", (int)GR_MAX_FIELDS);
    gr_given_field *f = &d->field[d->n_fields];
    const char **names = NULL;
    *f = (gr_given_field){.is = *field, .of = d};
    if (!(f->is.name = gr__bump_strdup(d->memory, name_of(field)))) return gr__error_code(d->ctx);
    if (field->n_classes && !(names = gr__bump_alloc(d->memory, sizeof *names * (size_t)field->n_classes)))
        return gr__error_code(d->ctx);
    for (int k = 0; k < field->n_classes; k++)
        if (!(names[k] = gr__bump_strdup(d->memory, field->class_names[k]))) return gr__error_code(d->ctx);
    f->is.class_names = names;
    d->n_fields++;
    return GR_OK;
}
