/* Baselines that were kept in a run's folder. */
#include <math.h>
#include <string.h>

#include "base/file.h"
#include "base/json.h"
#include "study/baseline/baseline.h"

/* The resolved data section but for what only says how training takes its batches, and where its samples are kept. */
const char *gr__baselines_data(gr_context *ctx, gr__bump *b, const gr_recipe *r)
{
    static const char *const of_training[] = {"batch",   "shuffle", "drop_last", "augment", "augment_mode",
                                              "balance", "hold",    "workers",   "buckets"};
    gr__text text;
    gr_tree *data = gr__tree_copy(b, gr__tree_get(r->resolved, "data"));
    for (size_t i = 0; i < GR_COUNT(of_training) && data; i++)
        if (gr__tree_get(data, of_training[i]) && !gr__tree_put_text(b, data, of_training[i], "none")) data = NULL;
    if (!data) return NULL;
    gr__text_init(&text, ctx);
    gr__tree_write(data, &text, 0);
    const char *out = text.failed ? NULL : gr__bump_strdup(b, text.s);
    gr__text_free(&text);
    return out;
}

static gr_status take(gr_context *ctx, gr__bump *b, const json_t *list, const gr_baseline_kept **out, size_t *n)
{
    gr_baseline_kept *all = gr__bump_alloc(b, sizeof *all * GR_MAX(json_array_size(list), 1));
    size_t i;
    json_t *one;
    if (!all) return gr__error_code(ctx);
    json_array_foreach((json_t *)list, i, one)
    {
        const char *name = json_string_value(json_object_get(one, "name"));
        const json_t *error = json_object_get(one, "validation_error"), *seconds = json_object_get(one, "seconds");
        if (!name || !json_is_number(error)) continue;
        all[(*n)++] = (gr_baseline_kept){gr__bump_strdup(b, name), json_number_value(error),
                                         json_is_number(seconds) ? json_number_value(seconds) : (double)NAN};
        if (!all[*n - 1].name) return gr__error_code(ctx);
    }
    *out = all;
    return GR_OK;
}

gr_status gr__baselines_read(gr_context *ctx, gr__bump *b, const char *folder, const gr_recipe *r,
                             const gr_baseline_kept **out, size_t *n)
{
    const char *path = gr__bump_format(b, "%s/%s", folder, GR_BASELINES_FILE), *data = NULL;
    gr_status st = path ? GR_OK : gr__error_code(ctx);
    *out = NULL;
    *n = 0;
    if (st != GR_OK || !gr__file_exists(path)) return st;
    json_t *o = json_load_file(path, 0, NULL);
    const char *of = json_string_value(json_object_get(o, "data"));
    if (!(data = gr__baselines_data(ctx, b, r))) st = gr__error_code(ctx);
    if (st == GR_OK && of && strcmp(of, data) == 0) st = take(ctx, b, json_object_get(o, "baselines"), out, n);
    if (st == GR_OK && *n == 0)
        gr__log(ctx, GR_LOG_INFO, "%s is of other data, or cannot be read: it is not shown", path);
    json_decref(o);
    return st;
}
