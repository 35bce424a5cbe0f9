/* A model and the data that a command looks at with it. */
#include <string.h>

#include "cli/source.h"
#include "train/looks.h"

const char *const cli_part_words[] = {
    [GR_PART_TRAIN] = "train", [GR_PART_VALIDATION] = "validation", [GR_PART_TEST] = "test", NULL};

/* The model's recipe with the data of another recipe, or of a source written as YAML. Batches stay the model's: the
 * same bits as in training. */
static gr_status use_data(cli *c, const char *data, gr_part part, gr_recipe *r, gr_recipe **other)
{
    gr_status st;
    if (!data) return GR_OK;
    if (data[0] == '{') {
        gr_tree *source;
        st = gr__yaml_parse(c->ctx, c->memory, "--data", data, strlen(data), &source);
        if (st != GR_OK) return st;
        r->data.train = r->data.validation = r->data.test = NULL;
        r->data.split_validation = r->data.split_test = 0;
        r->data.folds = 0;
        r->data.group = r->data.order = r->data.exclude = NULL;
        r->folder = ".";
        *(part == GR_PART_TRAIN        ? &r->data.train
          : part == GR_PART_VALIDATION ? &r->data.validation
                                       : &r->data.test) = source;
        return GR_OK;
    }
    st = gr__recipe_open(c->ctx, data, c->sets.at, c->sets.n, other);
    if (st != GR_OK) return st;
    gr__recipe_take_data(r, *other);
    return GR_OK;
}

gr_status cli_has_part(cli *c, const gr_recipe *r, gr_part p, const char *how)
{
    const bool has[GR_PARTS] = {r->data.train != NULL, r->data.validation || r->data.split_validation > 0,
                                r->data.test || r->data.split_test > 0};
    if (has[p]) return GR_OK;
    gr__fail(c->ctx, GR_E_USAGE, "there is no %s data", gr__part_name(p));
    gr__error_hint(c->ctx, "the recipe has:%s%s%s; %s", has[0] ? " train" : "", has[1] ? " validation" : "",
                   has[2] ? " test" : "", how);
    return GR_E_USAGE;
}

/* A model's recipe is what it was trained by: only the number of threads is the command's. */
gr_status cli_model_threads(cli *c, gr_recipe *r)
{
    double threads;
    for (int i = 0; i < c->sets.n; i++) {
        if (strncmp(c->sets.at[i], "threads=", 8) != 0 || !gr__parse_number(c->sets.at[i] + 8, &threads) || threads < 1)
            return gr__fail(c->ctx, GR_E_USAGE, "--set %s: without --data only --threads can be set", c->sets.at[i]);
        r->threads = (int)threads;
    }
    return GR_OK;
}

/* ---- looks at the test part ---- */

static gr_look look_of(const cli *c, const cli_source_options *o, const char *file, const char *data)
{
    return (gr_look){
        .command = c->command->name, .file = file, .data = data, .once = o->once && !o->again, .again = o->again};
}

static gr_status judge(cli *c, const cli_source_options *o, const char *file)
{
    const gr_look look = look_of(c, o, file, NULL);
    gr_looks before;
    gr_status st = gr__looks_read(c->ctx, file, &before);
    return st == GR_OK ? gr__looks_judge(c->ctx, &look, &before) : st;
}

gr_status cli_source_seen(cli *c, const cli_source_options *o, const cli_source *s, const char *data)
{
    const gr_look look = look_of(c, o, s->model.path, data);
    gr_looks before;
    return s->part == GR_PART_TEST ? gr__looks_add(c->ctx, &look, &before) : GR_OK;
}

gr_status cli_test_seen(cli *c, const char *file, const char *data)
{
    const cli_source_options o = {.split = GR_PART_TEST};
    const gr_look look = look_of(c, &o, file, data);
    gr_looks before;
    gr_status st = judge(c, &o, file);
    return st == GR_OK ? gr__looks_add(c->ctx, &look, &before) : st;
}

/* ---- opening ---- */

gr_status cli_source_open(cli *c, const cli_source_options *o, cli_source *s)
{
    gr_status st = GR_OK;
    *s = (cli_source){.part = (gr_part)o->split};
    GR_TRY(gr__model_open(c->ctx, c->argument[0], &s->model));
    s->recipe = *s->model.recipe;
    if (o->split == CLI_ANY_PART)
        s->part = s->recipe.data.validation || s->recipe.data.split_validation > 0 ? GR_PART_VALIDATION : GR_PART_TRAIN;
    GR_TRY(use_data(c, o->data, s->part, &s->recipe, &s->other));
    if (s->other)
        s->recipe.threads = s->other->threads;
    else
        GR_TRY(cli_model_threads(c, &s->recipe));
    GR_TRY(cli_resources(c, &s->recipe));
    GR_TRY(cli_has_part(c, &s->recipe, s->part, "--split chooses, --data names a recipe or a source"));
    if (s->part == GR_PART_TEST) GR_TRY(judge(c, o, s->model.path));
done:
    if (st != GR_OK) cli_source_close(c, s);
    return st;
}

void cli_source_close(cli *c, cli_source *s)
{
    if (s->other) gr__recipe_close(c->ctx, s->other);
    gr__model_close(&s->model);
    *s = (cli_source){0};
}

const char *cli_class_name(const gr_model *m, int head, int64_t k, char *number, size_t n)
{
    const gr_meaning *of = &m->meaning;
    if (of->class_names[head] && k < of->classes[head]) return of->class_names[head][k];
    snprintf(number, n, "%lld", (long long)k);
    return number;
}
