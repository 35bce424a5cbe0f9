/* What data a run is made of: counts and checksums, as its checkpoints carry them.
 *
 * Sums are of what was loaded, so a file that was copied, touched or packed anew is the same, and one with another
 * number in it is not. Names count too: they are what outputs and columns mean. */
#include <assert.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/file.h"
#include "data/sample.h"
#include "train/loop.h"

static uint32_t sum_of_names(uint32_t crc, const char *const *name, int64_t n)
{
    for (int64_t i = 0; name && i < n; i++) crc = gr__crc32(crc, name[i], strlen(name[i]) + 1);
    return crc;
}

/* The bytes of its samples, or what stands for them. */
static gr_status add_field(gr_context *ctx, const gr_field *f, int64_t samples, uint32_t *crc)
{
    gr__samples from = {0};
    size_t bytes = gr__sample_bytes(f);
    if (f->sum) {
        *crc = gr__crc32(*crc, &f->sum, sizeof f->sum);
        return GR_OK;
    }
    if (f->data) {
        *crc = gr__crc32(*crc, f->data, (size_t)samples * bytes);
        return GR_OK;
    }
    if (!f->reader) return GR_OK;
    gr_status st = gr__samples_open(ctx, f, &from);
    for (int64_t i = 0; i < samples && st == GR_OK; i++) {
        const void *sample = gr__samples_at(ctx, &from, i);
        if (sample)
            *crc = gr__crc32(*crc, sample, bytes);
        else
            st = gr__error_code(ctx);
    }
    gr__samples_close(&from);
    return st;
}

/* A lone field's bytes, or those of several after each other. */
static gr_status sum_fields(gr_context *ctx, const gr_set *s, gr_field_role role, uint32_t *crc)
{
    gr_status st = GR_OK;
    *crc = 0;
    for (int i = 0; i < gr__set_fields(s) && st == GR_OK; i++) {
        bool target = s->field[i].role != GR_FIELD_INPUT; /* weights say how targets count */
        if (target == (role != GR_FIELD_INPUT)) st = add_field(ctx, &s->field[i], s->n, crc);
    }
    return st;
}

static gr_status sum_set(gr_context *ctx, const gr_set *s, gr_data_sum *out)
{
    uint32_t names = 0;
    for (int h = 0; h < s->n_targets; h++)
        names = sum_of_names(names, gr__set_target(s, h)->class_names, gr__set_target(s, h)->classes);
    *out = (gr_data_sum){.samples = s->n,
                         .names = s->schema ? sum_of_names(names, s->schema->name, s->schema->n_inputs) : names};
    gr_status st = sum_fields(ctx, s, GR_FIELD_INPUT, &out->inputs);
    return st == GR_OK ? sum_fields(ctx, s, GR_FIELD_TARGET, &out->targets) : st;
}

gr_status gr__data_sums(const gr_task *t, gr_data_sum out[GR_PARTS])
{
    gr_status st = GR_OK;
    for (int p = 0; p < GR_PARTS && st == GR_OK; p++)
        if (t->set[p].n) st = sum_set(t->ctx, &t->set[p], &out[p]);
    return st;
}

const char *gr__balanced_text(const gr_task *t, char text[GR_DATA_TEXT])
{
    const gr_set *s = &t->set[GR_PART_TRAIN];
    uint32_t crc = gr__crc32(0, t->trained.row, (size_t)gr__rows_bytes(t->trained.n));
    for (int i = 0; i < s->n_inputs && s->made; i++)
        crc = gr__crc32(crc, s->made->input[i].data, (size_t)s->made->input[i].bytes);
    snprintf(text, GR_DATA_TEXT, "%" PRId64 " samples, %08" PRIx32, t->trained.n, crc);
    return text;
}

const char *gr__data_key(gr_part p)
{
    static const char *const keys[GR_PARTS] = {"data/train", "data/validation", "data/test"};
    return keys[p];
}

static const char form[] = "%" PRId64 " samples, inputs %08" PRIx32 ", targets %08" PRIx32 ", names %08" PRIx32;

const char *gr__data_sum_text(const gr_data_sum *s, char text[GR_DATA_TEXT])
{
    int n = snprintf(text, GR_DATA_TEXT, form, s->samples, s->inputs, s->targets, s->names);
    assert(n > 0 && n < GR_DATA_TEXT);
    (void)n;
    return text;
}

gr_status gr__task_data_text(const gr_task *t, gr_part p, char text[GR_DATA_TEXT])
{
    gr_data_sum s;
    gr_status st = sum_set(t->ctx, t->set_of[p], &s);
    if (st == GR_OK) gr__data_sum_text(&s, text);
    return st;
}

const char *gr__exclude_text(const gr_task *t, char text[GR_DATA_TEXT])
{
    const gr_exclude *e = &t->exclude;
    snprintf(text, GR_DATA_TEXT, "%" PRId64 " rows, %08" PRIx32, e->n[0] + e->n[1] + e->n[2], e->sum);
    return text;
}

gr_status gr__exclude_check(const gr_loop *l, const char *text)
{
    char now[GR_DATA_TEXT];
    if (!l->task->exclude.path || !text || strcmp(gr__exclude_text(l->task, now), text) == 0) return GR_OK;
    return gr__tree_fail(l->ctx, l->recipe->data.exclude, GR_E_DATA,
                         "a run goes on with the data it began with: restore it, or --overwrite starts over",
                         "\"%s\" has changed: it leaves out other rows than this run began without",
                         l->task->exclude.path);
}

static bool parse(const char *text, gr_data_sum *s)
{
    char again[GR_DATA_TEXT];
    *s = (gr_data_sum){0};
    return sscanf(text, "%" SCNd64 " samples, inputs %" SCNx32 ", targets %" SCNx32 ", names %" SCNx32, &s->samples,
                  &s->inputs, &s->targets, &s->names) == 4 &&
           strcmp(gr__data_sum_text(s, again), text) == 0;
}

/* The key of the source that names the file at fault: of two files, the first holds the inputs, the last the targets.
 * The source itself where it names none. */
static const gr_tree *place_of(const gr_context *ctx, const gr_tree *source, bool targets)
{
    const gr_source *s = (const gr_source *)gr__family_peek(ctx, &gr__family_source, source);
    const gr_tree *found = NULL;
    for (int k = 0; s && k < s->head.n_rows && (targets || !found); k++)
        if (gr__source_has_files(s, &s->head.rows[k]) && gr__tree_get(source, s->head.rows[k].name))
            found = gr__tree_get(source, s->head.rows[k].name);
    return found ? found : source;
}

gr_status gr__data_sum_check(const gr_loop *l, gr_part p, const char *text)
{
    static const char hint[] = "a run goes on with the data it began with: restore it; or --overwrite starts over, and "
                               "--from a model of this run with another --out trains on with new data";
    const gr_data_sum *now = &l->data[p];
    gr_data_sum then;
    if (!parse(text, &then)) return gr__fail(l->ctx, GR_E_FORMAT, "%s is \"%.60s\"", gr__data_key(p), text);
    bool count = now->samples != then.samples, inputs = now->inputs != then.inputs,
         targets = now->targets != then.targets, names = now->names != then.names;
    if (!count && !inputs && !targets && !names) return GR_OK;
    const gr_recipe *r = l->recipe;
    const gr_tree *const sources[GR_PARTS] = {r->data.train, r->data.validation, r->data.test};
    const gr_tree *at = place_of(l->task->ctx, sources[p], !count && !inputs);
    const char *file = at != sources[p] && at->text ? at->text : l->task->set[p].file;
    if (count)
        return gr__tree_fail(l->ctx, at, GR_E_DATA, hint,
                             "\"%s\" has changed: it holds %" PRId64 " samples, this run began with %" PRId64, file,
                             now->samples, then.samples);
    return gr__tree_fail(l->ctx, at, GR_E_DATA, hint,
                         "\"%s\" has changed: its %s are not those that this run began with", file,
                         inputs    ? "inputs"
                         : targets ? "targets"
                                   : "names of classes or columns");
}
