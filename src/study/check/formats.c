/* Debugging step 1: which number format has every tensor? Small formats are ruled out first. [mission X1] */
#include <math.h>

#include "study/check/rule.h"

static const char *real_name(const gr_backend *b)
{
    return gr_backend_real_bytes(b) == 8 ? "float64" : "float32";
}

/* How inputs, targets and weights come. */
static gr_status add_fields(const gr_task *t, gr__bump *memory, gr_format_row *all, size_t *n)
{
    static const char *const kinds[] = {[GR_FIELD_INPUT] = "input",
                                        [GR_FIELD_TARGET] = "target",
                                        [GR_FIELD_WEIGHT] = "weight",
                                        [GR_FIELD_LENGTH] = "length"};
    const gr_set *s = t->lead;
    char feed[GR_FEED_TEXT];
    for (int i = 0; i < gr__set_fields(s); i++) {
        const gr_field *f = &s->field[i];
        const char *name = gr__bump_strdup(memory, gr__feed_of(f->role, f->name, feed));
        gr_element as = i < s->n_inputs                                            ? t->delivery[i].as
                        : f->kind == GR_TARGET_CLASS || f->role == GR_FIELD_LENGTH ? GR_EL_I32
                                                                                   : gr__task_real(t);
        if (!name) return GR_E_MEMORY;
        all[(*n)++] = (gr_format_row){name, kinds[f->role], gr__element_name(as), 0};
    }
    return GR_OK;
}

gr_status gr__check_formats(gr_context *ctx, const gr_recipe *r, gr__bump *memory, gr_format_row **rows, size_t *n,
                            gr_finding *out)
{
    gr_task task = {0};
    gr_engine engine = {0};
    gr_status st = GR_OK;
    size_t parameters = 0, slots = 0;
    GR_TRY(gr__task_estimate(ctx, r, &task));
    GR_TRY(gr__engine_make(&task, true, 0, &engine));
    const char *real = real_name(task.backend);
    const gr_format_row others[] = {
        {"activations", "activation", real, 0},
        {"gradients", "gradient", real, 0},
        {"rates, norms and costs", "scalar", "float64", 0},
    };
    int entries = gr_store_count(engine.store);
    gr_format_row *all = gr__bump_alloc(memory, sizeof *all * ((size_t)entries + GR_MAX_FIELDS + GR_COUNT(others)));
    if (!all) GR_TRY(GR_E_MEMORY);
    for (int i = 0; i < entries; i++) {
        const gr_entry_spec *e = &gr_store_entry(engine.store, i)->spec;
        const char *name = gr__bump_strdup(memory, e->name);
        if (!name) GR_TRY(GR_E_MEMORY);
        all[i] = (gr_format_row){name, e->slot ? "slot" : "parameter", e->shape.rank ? real : "float64",
                                 gr_shape_count(e->shape)};
        if (e->slot)
            slots++;
        else
            parameters++;
    }
    *n = (size_t)entries;
    GR_TRY(add_fields(&task, memory, all, n));
    for (size_t i = 0; i < GR_COUNT(others); i++) all[(*n)++] = others[i];
    *rows = all;
    gr__finding_set(out, GR_VERDICT_OK, (double)gr_backend_real_bytes(task.backend) * 8, 32,
                    "%zu parameters, %zu slots, activations and gradients are %s, single numbers float64, inputs %s: "
                    "no small formats",
                    parameters, slots, real, gr__element_name(task.delivery[0].as));
done:
    gr__engine_close(&engine);
    gr__task_close(&task);
    return st;
}

static gr_status judge_formats(gr_check *c, gr_finding *out)
{
    return gr__check_formats(c->ctx, c->recipe, c->memory, &c->out->formats, &c->out->n_formats, out);
}

GR_RULE(number_formats) = {
    .head = {.family = "rule",
             .name = "number_formats",
             .title = "The number format of every tensor",
             .cite = "the chapter, 4.5.3 step 1",
             .equations = "parameters, slots, activations, gradients and what is fed, each by its own format"},
    .as = {{"X1", "formats"}},
    .reads = GR_READS_RECIPE,
    .limit = "32 and more",
    .unit = "bits",
    .judge = judge_formats,
};
