/* Options: found, checked, stored where their rows say. */
#include <math.h>
#include <string.h>

#include "cli/cli.h"

/* What every command takes; stored in the cli itself. */
static const cli_option common[] = {
    CLI_OPTION(
        cli, sets, PAIR, "set", "KEY=VALUE",
        "sets one key of the recipe, as in --set optimizer.lr=0.01 or --set model.layers[0].units=64; may be repeated"),
    CLI_OPTION(cli, sets, KEY, "threads", "N", "worker threads; never changes a bit of the result"),
    CLI_OPTION(cli, sets, KEY, "seed", "N", "the recipe's seed"),
    CLI_OPTION(cli, json, SWITCH, "json", NULL,
               "machine-readable output on standard output, everything human on standard error"),
    CLI_OPTION(cli, quiet, SWITCH, "quiet", NULL, "errors only"),
    CLI_OPTION(cli, help, SWITCH, "help", NULL, "this text", .letter = 'h'),
};

static void print_rows(FILE *to, const cli_option *o, int n)
{
    for (int i = 0; i < n; i++) {
        char left[64];
        snprintf(left, sizeof left, "%s--%s%s%s", o[i].letter ? (char[]){'-', o[i].letter, ',', ' ', 0} : "", o[i].name,
                 o[i].argument ? " " : "", o[i].argument ? o[i].argument : "");
        fprintf(to, "  %-24s %s\n", left, o[i].help);
    }
}

void cli_print_options(FILE *to, const cli_command *c)
{
    if (c->n_options) fprintf(to, "\nFlags\n");
    print_rows(to, c->options, c->n_options);
    fprintf(to, "\nFlags of every command\n");
    print_rows(to, common, (int)GR_COUNT(common));
}

/* ---- finding ---- */

static bool is_named(const cli_option *o, const char *name, size_t n)
{
    return (strlen(o->name) == n && strncmp(o->name, name, n) == 0) || (n == 1 && o->letter == *name);
}

static const cli_option *find(const cli *c, const char *name, size_t n)
{
    for (size_t i = 0; i < GR_COUNT(common); i++)
        if (is_named(&common[i], name, n)) return &common[i];
    for (int i = 0; i < c->command->n_options; i++)
        if (is_named(&c->command->options[i], name, n)) return &c->command->options[i];
    return NULL;
}

bool cli_given(const cli *c, const char *name)
{
    const cli_option *o = find(c, name, strlen(name));
    return o && c->given >> (o - c->command->options) & 1;
}

static gr_status unknown(cli *c, const char *name, size_t n)
{
    const char *names[64 + GR_COUNT(common)]; /* `given` has a bit an option */
    size_t k = 0;
    char given[64];
    for (size_t i = 0; i < GR_COUNT(common); i++) names[k++] = common[i].name;
    for (int i = 0; i < c->command->n_options; i++) names[k++] = c->command->options[i].name;
    snprintf(given, sizeof given, "%.*s", (int)GR_MIN(n, sizeof given - 1), name);
    const char *near = gr__nearest(given, names, k);
    gr__fail(c->ctx, GR_E_USAGE, "%s: unknown flag %s%s", c->command->name, n == 1 ? "-" : "--", given);
    const char *key = n > 1 ? gr__key_home(given, NULL) : NULL;
    if (near)
        gr__error_hint(c->ctx, "did you mean --%s?", near);
    else if (key)
        gr__error_hint(c->ctx, "it is a key of the recipe: --set %s=VALUE", key);
    else
        gr__error_hint(c->ctx, "gradus %s --help lists its flags", c->command->name);
    return GR_E_USAGE;
}

/* ---- values ---- */

static gr_status store_number(cli *c, const cli_option *o, const char *value, void *at)
{
    double x;
    bool number = gr__parse_number(value, &x) && x >= o->low;
    if (o->type == CLI_WHOLE && !(number && x <= o->high && x == floor(x)))
        return gr__fail(c->ctx, GR_E_RANGE, "--%s: %s is not a whole number from %.0f to %.0f", o->name, value, o->low,
                        o->high);
    if (o->type == CLI_REAL && !(number && x < o->high))
        return gr__fail(c->ctx, GR_E_RANGE, "--%s: %s is not in [%g, %g)", o->name, value, o->low, o->high);
    if (o->type == CLI_WHOLE)
        *(int64_t *)at = (int64_t)x;
    else
        *(double *)at = x;
    return GR_OK;
}

static gr_status store_word(cli *c, const cli_option *o, const char *value, int *at)
{
    char all[256] = "";
    size_t n = 0;
    for (; o->words[n]; n++) {
        if (strcmp(value, o->words[n]) == 0) return *at = (int)n, GR_OK;
        size_t used = strlen(all);
        snprintf(all + used, sizeof all - used, "%s%s", n ? ", " : "", o->words[n]);
    }
    const char *near = gr__nearest(value, o->words, n);
    gr__fail(c->ctx, GR_E_NAME, "--%s: %s is not one of %s", o->name, value, all);
    if (near)
        gr__error_hint(c->ctx, "did you mean --%s %s?", o->name, near);
    else
        gr__error_hint(c->ctx, "--%s %s: %s", o->name, o->argument, o->help);
    return GR_E_NAME;
}

static gr_status store_pair(cli *c, const cli_option *o, const char *value, cli_pairs *at)
{
    if (o->type == CLI_KEY && !(value = gr__bump_format(c->memory, "%s=%s", o->name, value))) return GR_E_MEMORY;
    if (o->type != CLI_LIST && !strchr(value, '='))
        return gr__fail(c->ctx, GR_E_USAGE, "--%s %s: it wants %s", o->name, value, o->argument);
    if (at->n == CLI_MAX_GIVEN) return gr__fail(c->ctx, GR_E_USAGE, "more than %d --%s", CLI_MAX_GIVEN, o->name);
    at->at[at->n++] = value;
    return GR_OK;
}

static gr_status store(cli *c, const cli_option *o, const char *value)
{
    bool own = c->command->n_options && o >= c->command->options && o < c->command->options + c->command->n_options;
    void *at = (own ? c->room : (unsigned char *)c) + o->at;
    if (own) c->given |= UINT64_C(1) << (o - c->command->options);
    switch (o->type) {
    case CLI_SWITCH:
        return *(bool *)at = true, GR_OK;
    case CLI_TEXT:
        return *(const char **)at = value, GR_OK;
    case CLI_SIZE:
        return gr__parse_size(value, at) && *(uint64_t *)at
                   ? GR_OK
                   : gr__fail(c->ctx, GR_E_RANGE, "--%s: %s is not a size such as 256M or 2G", o->name, value);
    case CLI_WORD:
        return store_word(c, o, value, at);
    case CLI_PAIR:
    case CLI_LIST:
    case CLI_KEY:
        return store_pair(c, o, value, at);
    default:
        return store_number(c, o, value, at);
    }
}

/* What holds where nothing is given. */
static gr_status make_options(cli *c)
{
    const cli_command *k = c->command;
    if (k->options_size > sizeof c->room || k->n_options > 64)
        return gr__fail(c->ctx, GR_E_INTERNAL, "%s has too many options", k->name);
    c->options = c->room;
    for (int i = 0; i < k->n_options; i++) {
        void *at = c->room + k->options[i].at;
        if (k->options[i].type == CLI_WHOLE) *(int64_t *)at = (int64_t)k->options[i].usual;
        if (k->options[i].type == CLI_REAL) *(double *)at = k->options[i].usual;
        if (k->options[i].type == CLI_WORD) *(int *)at = (int)k->options[i].usual;
    }
    return GR_OK;
}

/* ---- the command line ---- */

static gr_status parse_option(cli *c, int argc, char **argv, int *i)
{
    const char *a = argv[*i], *name = a[1] == '-' ? a + 2 : a + 1;
    size_t n = strcspn(name, "=");
    const cli_option *o = find(c, name, n);
    if (!o) return unknown(c, name, n);
    const char *value = name[n] == '=' ? name + n + 1 : NULL;
    if (!o->argument && value) return gr__fail(c->ctx, GR_E_USAGE, "--%s takes no value", o->name);
    if (o->argument && !value) {
        if (*i + 1 >= argc) return gr__fail(c->ctx, GR_E_USAGE, "--%s wants %s", o->name, o->argument);
        value = argv[++*i];
        if (strncmp(value, "--", 2) == 0) {
            gr__fail(c->ctx, GR_E_USAGE, "--%s wants %s, and what follows is the flag %s", o->name, o->argument, value);
            gr__error_hint(c->ctx, "--%s=%s, if that is meant", o->name, value);
            return GR_E_USAGE;
        }
    }
    return store(c, o, value);
}

gr_status cli_parse(cli *c, int argc, char **argv)
{
    bool options = true;
    gr_status st = make_options(c);
    for (int i = 2; i < argc && st == GR_OK; i++) {
        if (options && strcmp(argv[i], "--") == 0)
            options = false;
        else if (options && argv[i][0] == '-' && argv[i][1])
            st = parse_option(c, argc, argv, &i);
        else if (c->n_arguments == CLI_MAX_GIVEN)
            st = gr__fail(c->ctx, GR_E_USAGE, "more than %d arguments", CLI_MAX_GIVEN);
        else
            c->argument[c->n_arguments++] = argv[i];
    }
    if (st != GR_OK || c->help) return st;
    if (c->n_arguments < c->command->min_arguments || c->n_arguments > c->command->max_arguments) {
        st = gr__fail(c->ctx, GR_E_USAGE,
                      c->n_arguments < c->command->min_arguments ? "%s: an argument is missing"
                                                                 : "%s: too many arguments",
                      c->command->name);
        gr__error_hint(c->ctx, "usage: gradus %s %s", c->command->name, c->command->usage);
    }
    return st;
}
