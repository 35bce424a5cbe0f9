/* procedure.jsonl. */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/file.h"
#include "base/json.h"
#include "study/procedure/procedure.h"

static double number_of(const json_t *o, const char *key)
{
    const json_t *x = json_object_get(o, key);
    return json_is_number(x) ? json_number_value(x) : (double)NAN;
}

static bool text_of(const json_t *o, const char *key, char *to, size_t room)
{
    const char *s = json_string_value(json_object_get(o, key));
    return s && (size_t)snprintf(to, room, "%s", s) < room;
}

static bool read_line(const json_t *o, gr_phase_line *l)
{
    const json_t *figures = json_object_get(o, "figures"), *since = json_object_get(figures, "since_best");
    l->step = json_integer_value(json_object_get(o, "step"));
    l->lr = number_of(o, "lr");
    l->batch = json_integer_value(json_object_get(o, "batch"));
    l->train_error = number_of(figures, "train_error");
    l->validation_error = number_of(figures, "validation_error");
    l->noise_scale = number_of(figures, "noise_scale");
    l->target = number_of(figures, "target");
    l->l2 = number_of(figures, "l2");
    l->since_best = since ? json_integer_value(since) : -1;
    l->epochs = json_integer_value(json_object_get(figures, "epochs"));
    l->updates = json_integer_value(json_object_get(figures, "updates"));
    return text_of(o, "procedure", l->procedure, sizeof l->procedure) &&
           text_of(o, "phase", l->phase, sizeof l->phase) && text_of(o, "trigger", l->trigger, sizeof l->trigger) &&
           text_of(o, "schedule", l->schedule, sizeof l->schedule) && l->step >= 0 && l->lr > 0 && l->batch >= 0 &&
           l->updates >= 0;
}

gr_status gr__phases_read(gr_context *ctx, const char *folder, gr_phases *out)
{
    char path[4096], *text = NULL;
    size_t n = 0;
    out->n = 0;
    snprintf(path, sizeof path, "%s/" GR_PROCEDURE_FILE, folder);
    if (!gr__file_exists(path)) return GR_OK;
    gr_status st = gr__file_read(ctx, path, 1 << 20, &text, &n);
    if (st != GR_OK) return st;
    for (char *s = text; *s && st == GR_OK;) {
        size_t length = strcspn(s, "\n");
        json_t *o = json_loadb(s, length, 0, NULL);
        if (out->n == GR_MOST_PHASES || !o || !read_line(o, &out->line[out->n])) {
            st = gr__fail(ctx, GR_E_FORMAT, "not a line of a phase");
            gr__error_place(ctx, path, out->n + 1, 1, NULL);
        }
        json_decref(o);
        out->n++;
        s += length + (s[length] == '\n');
    }
    gr__free(ctx, text, n + 1);
    return st;
}

static void put_some(json_t *o, const char *key, double x)
{
    if (!isnan(x)) json_object_set_new(o, key, gr__json_real(x));
}

static json_t *line_of(const gr_phase_line *l)
{
    json_t *o = json_object(), *figures = json_object();
    json_object_set_new(o, "procedure", json_string(l->procedure));
    json_object_set_new(o, "phase", json_string(l->phase));
    json_object_set_new(o, "step", json_integer((json_int_t)l->step));
    json_object_set_new(o, "trigger", gr__json_string(l->trigger));
    json_object_set_new(o, "lr", gr__json_real(l->lr));
    json_object_set_new(o, "schedule", json_string(l->schedule));
    json_object_set_new(o, "batch", json_integer((json_int_t)l->batch));
    json_object_set_new(figures, "train_error", gr__json_real(l->train_error));
    json_object_set_new(figures, "validation_error", gr__json_real(l->validation_error));
    if (strcmp(l->phase, "warmup") == 0) json_object_set_new(figures, "noise_scale", gr__json_real(l->noise_scale));
    put_some(figures, "target", l->target);
    put_some(figures, "l2", l->l2);
    if (l->updates) json_object_set_new(figures, "updates", json_integer((json_int_t)l->updates));
    if (l->since_best >= 0) {
        json_object_set_new(figures, "since_best", json_integer((json_int_t)l->since_best));
        json_object_set_new(figures, "epochs", json_integer((json_int_t)l->epochs));
    }
    json_object_set_new(o, "figures", figures);
    return o;
}

gr_status gr__phases_write(gr_context *ctx, const char *folder, const gr_phases *p)
{
    char path[4096];
    gr__text text;
    gr__text_init(&text, ctx);
    snprintf(path, sizeof path, "%s/" GR_PROCEDURE_FILE, folder);
    for (int i = 0; i < p->n; i++) {
        json_t *o = line_of(&p->line[i]);
        gr__json_write(&text, o, 0);
        gr__text_put(&text, "\n", 1);
        json_decref(o);
    }
    gr_status st = text.failed ? GR_E_MEMORY : gr__file_write(ctx, path, text.s, text.n);
    gr__text_free(&text);
    return st;
}
