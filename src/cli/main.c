/* gradus: finds the command, reads its flags, reports its error, gives the exit code. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "cli/json.h"

static const cli_command *const commands[] = {
    &cmd_train, &cmd_eval, &cmd_predict, &cmd_init, &cmd_plan, &cmd_check,   &cmd_plot,   &cmd_curvature,
    &cmd_trace, &cmd_data, &cmd_lab,     &cmd_new,  &cmd_zoo,  &cmd_explain, &cmd_advise, &cmd_version};

static const cli_flag common[] = {
    {"set", "KEY=VALUE",
     "sets one key of the recipe, as in --set optimizer.lr=0.01 or --set model.layers[0].units=64; may be repeated", 0},
    {"threads", "N", "worker threads; never changes a bit of the result", 0},
    {"seed", "N", "the recipe's seed", 0},
    {"json", NULL, "machine-readable output on standard output, everything human on standard error", 0},
    {"quiet", NULL, "errors only", 0},
    {"help", NULL, "this text", 'h'},
    {0},
};

volatile sig_atomic_t cli_stop;

static void on_signal(int number)
{
    (void)number;
    cli_stop = 1;
}

/* A terminal that closes often says so twice, by its shell and by itself: that is still one. */
static void on_hangup(int number)
{
    if (cli_stop) signal(number, SIG_DFL);
    cli_stop = 1;
}

void cli_catch_signals(void)
{
    struct sigaction a = {.sa_handler = on_signal,
                          .sa_flags = (int)SA_RESETHAND}; /* a second one ends the process at once */
    struct sigaction hangup = {.sa_handler = on_hangup}, before;
    sigaction(SIGINT, &a, NULL);
    sigaction(SIGTERM, &a, NULL);
    if (sigaction(SIGHUP, NULL, &before) == 0 && before.sa_handler != SIG_IGN) /* nohup stays nohup */
        sigaction(SIGHUP, &hangup, NULL);
}

double cli_now(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

/* ---- help ---- */

static void print_flags(FILE *to, const cli_flag *f)
{
    for (; f->name; f++) {
        char left[64];
        snprintf(left, sizeof left, "%s--%s%s%s", f->letter ? (char[]){'-', f->letter, ',', ' ', 0} : "", f->name,
                 f->argument ? " " : "", f->argument ? f->argument : "");
        fprintf(to, "  %-24s %s\n", left, f->help);
    }
}

static void print_command_help(FILE *to, const cli_command *c)
{
    fprintf(to, "gradus %s %s\n\n%s.\n", c->name, c->usage, c->summary);
    if (c->help) fprintf(to, "\n%s", c->help);
    if (c->flags && c->flags->name) {
        fprintf(to, "\nFlags\n");
        print_flags(to, c->flags);
    }
    fprintf(to, "\nFlags of every command\n");
    print_flags(to, common);
}

static void print_help(FILE *to)
{
    fprintf(to, "gradus COMMAND [ARGUMENTS] [FLAGS]\n\nTrains neural networks from recipes; every run repeatable to "
                "the bit.\n\nCommands\n");
    for (size_t i = 0; i < GR_COUNT(commands); i++) fprintf(to, "  %-9s %s\n", commands[i]->name, commands[i]->summary);
    fprintf(
        to,
        "\n  gradus COMMAND --help says more; gradus explain lists every layer, cost, optimizer and schedule.\n"
        "\nA first run\n  gradus new --from simple-cnn -o my.yaml   then edit its data, and\n  gradus train my.yaml\n"
        "\nExit codes: 0 done, 1 a check or target failed, 2 bad usage or recipe, 3 bad data or file,\n"
        "  4 over the memory budget, 5 interrupted (checkpoint written), 70 a bug of ours\n");
}

/* ---- arguments ---- */

static const cli_flag *find_flag(const cli_command *command, const char *name, size_t n)
{
    for (int own = 0; own < 2; own++)
        for (const cli_flag *f = own ? command->flags : common; f && f->name; f++)
            if ((strlen(f->name) == n && strncmp(f->name, name, n) == 0) || (n == 1 && f->letter == *name)) return f;
    return NULL;
}

static gr_status unknown_flag(cli *c, const char *name, size_t n)
{
    const char *names[CLI_MAX_FLAGS * 2];
    size_t k = 0;
    char given[64];
    for (int own = 0; own < 2; own++)
        for (const cli_flag *f = own ? c->command->flags : common; f && f->name; f++) names[k++] = f->name;
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

static gr_status add_set(cli *c, const char *text)
{
    if (c->n_sets == CLI_MAX_GIVEN) return gr__fail(c->ctx, GR_E_USAGE, "more than %d --set", CLI_MAX_GIVEN);
    c->set[c->n_sets++] = text;
    return GR_OK;
}

static gr_status add_flag(cli *c, const cli_flag *f, const char *value)
{
    if (c->n_given == CLI_MAX_GIVEN) return gr__fail(c->ctx, GR_E_USAGE, "more than %d flags", CLI_MAX_GIVEN);
    c->given[c->n_given].flag = f;
    c->given[c->n_given++].value = value;
    c->quiet |= strcmp(f->name, "quiet") == 0;
    if (strcmp(f->name, "set") == 0) {
        if (!strchr(value, '=')) return gr__fail(c->ctx, GR_E_USAGE, "--set %s: it wants KEY=VALUE", value);
        return add_set(c, value);
    }
    if (strcmp(f->name, "threads") == 0 || strcmp(f->name, "seed") == 0) {
        const char *set = gr__bump_format(c->memory, "%s=%s", f->name, value);
        return set ? add_set(c, set) : GR_E_MEMORY;
    }
    return GR_OK;
}

static gr_status parse_flag(cli *c, int argc, char **argv, int *i)
{
    const char *a = argv[*i], *name = a[1] == '-' ? a + 2 : a + 1;
    size_t n = strcspn(name, "=");
    const cli_flag *f = find_flag(c->command, name, n);
    if (!f) return unknown_flag(c, name, n);
    const char *value = name[n] == '=' ? name + n + 1 : NULL;
    if (!f->argument) {
        if (value) return gr__fail(c->ctx, GR_E_USAGE, "--%s takes no value", f->name);
        return add_flag(c, f, "");
    }
    if (!value) {
        if (*i + 1 >= argc) return gr__fail(c->ctx, GR_E_USAGE, "--%s wants %s", f->name, f->argument);
        value = argv[++*i];
        if (strncmp(value, "--", 2) == 0) {
            gr__fail(c->ctx, GR_E_USAGE, "--%s wants %s, and what follows is the flag %s", f->name, f->argument, value);
            gr__error_hint(c->ctx, "--%s=%s, if that is meant", f->name, value);
            return GR_E_USAGE;
        }
    }
    return add_flag(c, f, value);
}

static gr_status parse(cli *c, int argc, char **argv)
{
    bool flags = true;
    gr_status st = GR_OK;
    for (int i = 2; i < argc && st == GR_OK; i++) {
        if (flags && strcmp(argv[i], "--") == 0)
            flags = false;
        else if (flags && argv[i][0] == '-' && argv[i][1])
            st = parse_flag(c, argc, argv, &i);
        else if (c->n_arguments == CLI_MAX_GIVEN)
            st = gr__fail(c->ctx, GR_E_USAGE, "more than %d arguments", CLI_MAX_GIVEN);
        else
            c->argument[c->n_arguments++] = argv[i];
    }
    if (st != GR_OK || cli_value(c, "help")) return st;
    if (c->n_arguments < c->command->min_arguments || c->n_arguments > c->command->max_arguments) {
        st = gr__fail(c->ctx, GR_E_USAGE,
                      c->n_arguments < c->command->min_arguments ? "%s: an argument is missing"
                                                                 : "%s: too many arguments",
                      c->command->name);
        gr__error_hint(c->ctx, "usage: gradus %s %s", c->command->name, c->command->usage);
    }
    return st;
}

const char *cli_value(const cli *c, const char *name)
{
    for (int i = c->n_given - 1; i >= 0; i--)
        if (strcmp(c->given[i].flag->name, name) == 0) return c->given[i].value;
    return NULL;
}

gr_status cli_recipe(cli *c, const char *path, gr_recipe **out)
{
    gr_status st = gr__recipe_open(c->ctx, path, c->set, c->n_sets, out);
    return st == GR_OK ? cli_resources(c, *out) : st;
}

gr_status cli_resources(cli *c, const gr_recipe *r)
{
    return gr_context_configure(c->ctx, r->threads, r->memory);
}

/* ---- errors and log ---- */

/* A command may open the same data several times, for plan and for run, or for one check after the other. */
static bool said_before(cli *c, const char *text)
{
    uint64_t hash = UINT64_C(14695981039346656037);
    for (const char *s = text; *s; s++) hash = (hash ^ (unsigned char)*s) * UINT64_C(1099511628211);
    for (int i = 0; i < c->n_said; i++)
        if (c->said[i] == hash) return true;
    if (c->n_said < (int)GR_COUNT(c->said)) c->said[c->n_said++] = hash;
    return false;
}

static void log_line(void *user, gr_log_level level, const char *text)
{
    cli *c = user;
    if (c->quiet || level > GR_LOG_INFO || said_before(c, text)) return;
    fprintf(stderr, "gradus: %s%s\n",
            level == GR_LOG_WARNING ? "warning: "
            : level == GR_LOG_ERROR ? ""
                                    : "note: ",
            text);
}

static void print_error_json(const gr_error *e, const char *code, const char *message, gr_context *ctx)
{
    gr__text t;
    gr__text_init(&t, ctx);
    json_t *o = json_pack("{s:{s:s, s:o, s:i, s:i, s:o, s:o, s:o}}", "error", "code", code, "file", cli_text(e->file),
                          "line", e->line, "column", e->column, "key", cli_text(e->key), "message", cli_text(message),
                          "hint", cli_text(e->hint));
    if (o) gr__json_write(&t, o, 0);
    if (o && !t.failed)
        printf("%s\n", t.s);
    else /* no memory for more */
        printf("{\"error\": {\"code\": \"%s\"}}\n", code);
    gr__text_free(&t);
    json_decref(o);
}

static void print_error(const cli *c, gr_status st)
{
    const gr_error *e = gr_context_error(c->ctx);
    char place[4200] = "";
    if (e->file[0] && e->line > 0)
        snprintf(place, sizeof place, "%s:%d:%d: ", e->file, e->line, e->column);
    else if (e->file[0])
        snprintf(place, sizeof place, "%s: ", e->file);
    const char *message = e->message[0] ? e->message : gr_status_text(st);
    fprintf(stderr, "gradus: %s%s%s%s\n", place, e->key, e->key[0] ? ": " : "", message);
    if (e->hint[0]) fprintf(stderr, "  %s\n", e->hint);
    if (c->json && !c->answered) print_error_json(e, gr_status_name(st), message, c->ctx);
}

static const cli_command *find_command(const char *name)
{
    for (size_t i = 0; i < GR_COUNT(commands); i++)
        if (strcmp(commands[i]->name, name) == 0) return commands[i];
    return NULL;
}

static gr_status no_command(cli *c, const char *name)
{
    const char *names[GR_COUNT(commands)];
    for (size_t i = 0; i < GR_COUNT(commands); i++) names[i] = commands[i]->name;
    bool later = gr__command_is_later(name);
    const char *near = later ? NULL : gr__nearest(name, names, GR_COUNT(commands));
    if (name[0] == '-')
        gr__fail(c->ctx, GR_E_USAGE, "a command comes first, not %s", name);
    else
        gr__fail(c->ctx, GR_E_USAGE, "unknown command %s", name);
    if (near)
        gr__error_hint(c->ctx, "did you mean %s?", near);
    else if (later)
        gr__error_hint(c->ctx, "it is not there yet in this version of gradus; gradus --help lists what is");
    else
        gr__error_hint(c->ctx, "gradus --help lists the commands");
    return GR_E_USAGE;
}

static gr_status run(cli *c, int argc, char **argv)
{
    const char *name = argv[1];
    FILE *human = c->json ? stderr : stdout;
    bool help = strcmp(name, "--help") == 0 || strcmp(name, "-h") == 0 || strcmp(name, "help") == 0;
    const char *about = help && argc > 2 && argv[2][0] != '-' ? argv[2] : NULL;
    if (help && !about) return print_help(human), GR_OK;
    if (strcmp(name, "--version") == 0) name = "version";
    if (about) name = about;
    c->command = find_command(name);
    if (!c->command) return no_command(c, name);
    if (!about) {
        gr_status st = parse(c, argc, argv);
        if (st != GR_OK) return st;
    }
    if (about || cli_value(c, "help")) return print_command_help(human, c->command), GR_OK;
    return c->command->run(c);
}

/* Who reads JSON reads it for every error, one of the arguments before --json too. */
static bool wants_json(int argc, char **argv)
{
    for (int i = 1; i < argc && strcmp(argv[i], "--") != 0; i++)
        if (strcmp(argv[i], "--json") == 0) return true;
    return false;
}

int main(int argc, char **argv)
{
    if (argc < 2) return print_help(stderr), 2;
    static cli c; /* large: lists of arguments */
    c = (cli){.json = wants_json(argc, argv)};
    signal(SIGPIPE, SIG_IGN);
    gr_status st = gr_context_create(&(gr_context_options){.log = log_line, .user = &c}, &c.ctx);
    if (st != GR_OK) {
        fprintf(stderr, "gradus: %s\n", gr_status_text(st));
        if (c.json) printf("{\"error\": {\"code\": \"%s\"}}\n", gr_status_name(st));
        return gr_status_exit_code(st);
    }
    c.memory = gr__bump_create(c.ctx);
    st = c.memory ? run(&c, argc, argv) : GR_E_MEMORY;
    errno = 0;
    if (st == GR_OK && (fflush(stdout) != 0 || ferror(stdout)) && errno != EPIPE)
        st = gr__fail(c.ctx, GR_E_WRITE, "cannot write standard output: %s", strerror(errno));
    if (st != GR_OK) print_error(&c, st);
    fflush(stdout);
    gr__bump_destroy(c.memory);
    gr_context_destroy(c.ctx);
    return gr_status_exit_code(st);
}
