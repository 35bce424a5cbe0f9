/* Runs read again from their folders. */
#include "study/report/runs.h"

#include <math.h>
#include <string.h>
#include <sys/stat.h>

#include "base/file.h"
#include "base/json.h"

/* ---- labels ---- */

static const char *last_part(gr__bump *b, const char *path)
{
    size_t n = strlen(path);
    while (n > 1 && path[n - 1] == '/') n--;
    const char *text = gr__bump_format(b, "%.*s", (int)n, path);
    const char *slash = text ? strrchr(text, '/') : NULL;
    return slash && slash[1] ? slash + 1 : text;
}

gr_status gr__runs_label(gr_context *ctx, gr__bump *b, const char *const *folders, int n, const char **label)
{
    for (int i = 0; i < n; i++)
        if (!(label[i] = last_part(b, folders[i]))) return gr__error_code(ctx);
    for (int i = 0; i < n; i++)
        for (int j = 0; j < n; j++)
            if (j != i && strcmp(last_part(b, folders[j]), label[i]) == 0) label[i] = folders[i];
    for (int i = 0; i < n; i++) {
        char text[4200];
        label[i] = gr__bump_strdup(b, gr__shown(text, sizeof text, label[i], strlen(label[i])));
        if (!label[i]) return gr__error_code(ctx);
    }
    return GR_OK;
}

/* ---- what is in a folder ---- */

gr_status gr__runs_history(gr_context *ctx, const char *folder, gr_history *out)
{
    gr_status st = gr__history_read(ctx, folder, out);
    if (st == GR_OK && out->cut)
        gr__log(ctx, GR_LOG_WARNING, "%s: the last line of metrics.jsonl is not whole and is left out", folder);
    if (st == GR_OK && out->n == 0) gr__log(ctx, GR_LOG_WARNING, "%s: nothing is recorded yet", folder);
    return st;
}

const char *gr__report_why(gr_context *ctx, gr__bump *b)
{
    const gr_error *e = gr_context_error(ctx);
    if (e->code == GR_E_MEMORY) return NULL;
    char place[32] = "";
    if (e->line > 0) snprintf(place, sizeof place, ":%d:%d", e->line, e->column);
    const char *why = gr__bump_format(b, "%s%s%s%s%s%s%s%s", e->file, e->file[0] ? place : "", e->file[0] ? ": " : "",
                                      e->key ? e->key : "", e->key && e->key[0] ? ": " : "", e->message,
                                      e->hint && e->hint[0] ? "; " : "", e->hint ? e->hint : "");
    gr_context_clear_error(ctx);
    return why;
}

static char *read_text(gr_context *ctx, const char *folder, const char *name, size_t *n)
{
    char *path = gr__path_join(ctx, folder, name), *text = NULL;
    if (path && gr__file_exists(path)) gr__file_read(ctx, path, 64 << 20, &text, n);
    gr__strfree(ctx, path);
    return text;
}

json_t *gr__run_json(gr_context *ctx, gr__bump *b, const char *folder, const char *name, const char **why)
{
    size_t n = 0;
    json_error_t error;
    char *text = read_text(ctx, folder, name, &n);
    json_t *o = text ? json_loadb(text, n, 0, &error) : NULL;
    *why = NULL;
    if (gr__error_code(ctx) != GR_OK) *why = gr__report_why(ctx, b);
    if (text && !json_is_object(o)) {
        char shown[200];
        *why = gr__bump_format(b, "%s is not JSON as gradus writes it: %s", name,
                               o ? "it is no object" : gr__shown(shown, sizeof shown, error.text, strlen(error.text)));
        json_decref(o);
        o = NULL;
    }
    if (text) gr__free(ctx, text, n + 1);
    return o;
}

static gr_status read_recipe(gr_context *ctx, gr__bump *b, gr_read_run *r)
{
    char *path = gr__path_join(ctx, r->folder, "recipe.yaml");
    if (!path) return gr__error_code(ctx);
    r->recipe_text = read_text(ctx, r->folder, "recipe.yaml", &r->recipe_bytes);
    if (!r->recipe_text && gr__error_code(ctx) == GR_OK)
        r->no_recipe = "recipe.yaml is not there";
    else if (!r->recipe_text || gr__recipe_open(ctx, path, NULL, 0, &r->recipe) != GR_OK)
        r->no_recipe = gr__report_why(ctx, b);
    gr__strfree(ctx, path);
    return r->recipe || r->no_recipe ? GR_OK : gr__error_code(ctx);
}

static gr_status read_best(gr_context *ctx, gr__bump *b, gr_read_run *r)
{
    char *path = gr__path_join(ctx, r->folder, "best.safetensors");
    const char *kept = path ? gr__bump_strdup(b, path) : NULL;
    gr__strfree(ctx, path);
    if (!kept) return gr__error_code(ctx);
    if (!gr__file_exists(kept)) {
        r->no_best = "best.safetensors is not there";
    } else if (gr__model_open(ctx, kept, &r->best) != GR_OK) {
        r->best = (gr_model){0};
        r->no_best = gr__report_why(ctx, b);
        if (!r->no_best) return gr__error_code(ctx);
    }
    return GR_OK;
}

gr_status gr__run_read(gr_context *ctx, gr__bump *b, const char *folder, const char *label, gr_read_run *out)
{
    struct stat about;
    *out = (gr_read_run){.folder = folder, .label = label};
    if (stat(folder, &about) == 0 && !S_ISDIR(about.st_mode)) {
        gr__fail(ctx, GR_E_FILE,
                 "it is a file, and no study of gradus tune; a report is of a run's folder or of such a study");
        gr__error_place(ctx, folder, 0, 0, NULL);
        return gr__mistaken_run(ctx, folder, GR_E_FILE);
    }
    gr_status st = gr__runs_history(ctx, folder, &out->history);
    if (st != GR_OK) return st;
    out->result = gr__run_json(ctx, b, folder, "result.json", &out->no_result);
    if (!out->result && !out->no_result)
        out->no_result = "there is no result.json: the run was killed, or is still going on";
    st = gr__error_code(ctx);
    if (st == GR_OK) st = read_recipe(ctx, b, out);
    if (st == GR_OK) st = read_best(ctx, b, out);
    return st;
}

void gr__run_forget(gr_context *ctx, gr_read_run *r)
{
    gr__history_free(&r->history);
    json_decref(r->result);
    if (r->recipe) gr__recipe_close(ctx, r->recipe);
    if (r->recipe_text) gr__free(ctx, r->recipe_text, r->recipe_bytes + 1);
    gr__model_close(&r->best);
    *r = (gr_read_run){0};
}

/* ---- result.json ---- */

const json_t *gr__run_at(const gr_read_run *r, const char *path)
{
    const json_t *o = r->result;
    while (o && *path) {
        char key[64];
        size_t n = strcspn(path, "/");
        snprintf(key, sizeof key, "%.*s", (int)n, path);
        o = json_object_get(o, key);
        path += n + (path[n] == '/');
    }
    return o;
}

double gr__run_number(const gr_read_run *r, const char *path)
{
    const json_t *o = gr__run_at(r, path);
    return json_is_number(o) ? json_number_value(o) : (double)NAN;
}

const char *gr__run_text(const gr_read_run *r, const char *path)
{
    return json_string_value(gr__run_at(r, path));
}
