/* gradus: finds the command, reads its flags, reports its error, gives the exit code. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "cli/cli.h"
#include "cli/ensemble.h"
#include "cli/terminal.h"

volatile sig_atomic_t cli_stop;

/* A second one ends the process at once, but gives the terminal back. */
static void on_signal(int number)
{
    if (cli_stop) {
        cli_screen_leave();
        signal(number, SIG_DFL);
        raise(number);
    }
    cli_stop = 1;
}

/* A terminal that closes often says so twice, by its shell and by itself: that is still one. */
static void on_hangup(int number)
{
    if (cli_stop) cli_screen_leave(), signal(number, SIG_DFL);
    cli_stop = 1;
}

void cli_catch_signals(void)
{
    struct sigaction a = {.sa_handler = on_signal, .sa_flags = (int)SA_NODEFER};
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

static void print_command_help(FILE *to, const cli_command *c)
{
    fprintf(to, "gradus %s %s\n\n%s.\n", c->name, c->usage, c->summary);
    if (c->verbs) fprintf(to, "\n");
    for (int i = 0; c->verbs && c->verbs[i]; i++)
        fprintf(to, "  gradus %s %s\n      %s\n", c->verbs[i]->name, c->verbs[i]->usage, c->verbs[i]->summary);
    if (c->help) fprintf(to, "\n%s", c->help);
    if (!c->verbs) cli_print_options(to, c);
}

/* In the order of their places, which are small numbers. */
static void print_commands(FILE *to)
{
    int n, last = 0;
    const cli_command *const *all = gr__commands(&n);
    for (int i = 0; i < n; i++) last = GR_MAX(last, all[i]->place);
    for (int place = 1; place <= last + 1; place++)
        for (int i = 0; i < n; i++)
            if ((all[i]->place ? all[i]->place : last + 1) == place)
                fprintf(to, "  %-9s %s\n", all[i]->name, all[i]->summary);
}

static void print_help(FILE *to)
{
    fprintf(to, "gradus COMMAND [ARGUMENTS] [FLAGS]\n\nTrains neural networks from recipes; every run repeatable to "
                "the bit.\n\nCommands\n");
    print_commands(to);
    fprintf(
        to,
        "\n  gradus COMMAND --help says more; gradus explain lists every layer, cost, optimizer and schedule.\n"
        "\nA first run\n  gradus new --from simple-cnn -o my.yaml   then edit its data, and\n  gradus train my.yaml\n"
        "\nExit codes: 0 done, 1 a check or target failed, 2 bad usage or recipe, 3 bad data or file,\n"
        "  4 over the memory budget, 5 interrupted (checkpoint written), 70 a bug of ours\n");
}

/* ---- recipes ---- */

/* That of a model, which is what it was trained by. */
static gr_status recipe_within(cli *c, const char *path, gr_recipe **out)
{
    gr_st *file = NULL;
    gr_status st = gr__st_open(c->ctx, path, &file);
    const char *text = st == GR_OK ? gr__st_meta(file, "gradus.recipe") : NULL;
    if (st == GR_OK && !text) st = gr__model_refuse_checkpoint(c->ctx, file, path);
    if (st == GR_OK && !text) st = gr__fail(c->ctx, GR_E_FORMAT, "%s is a model without a recipe", path);
    if (st == GR_OK) st = gr__recipe_from_text(c->ctx, path, ".", text, strlen(text), c->sets.at, c->sets.n, out);
    gr__st_close(file);
    return st;
}

gr_status cli_recipe(cli *c, const char *path, gr_recipe **out)
{
    gr_status st =
        cli_is_model(path) ? recipe_within(c, path, out) : gr__recipe_open(c->ctx, path, c->sets.at, c->sets.n, out);
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
    char line[2048];
    snprintf(line, sizeof line, "gradus: %s%s\n",
             level == GR_LOG_WARNING ? "warning: "
             : level == GR_LOG_ERROR ? ""
                                     : "note: ",
             text);
    if (cli_screen_taken())
        cli_screen_say(line);
    else
        fputs(line, stderr);
}

static void print_error(cli *c, gr_status st)
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
    if (!c->json || (c->answered && st == GR_E_CHECK)) return;
    gr_result *r = cli_result(c);
    r->within = "error/";
    gr__result_put(r, "code=%s file=%s line=%d column=%d key=%s message=%s hint=%s", gr_status_name(st), e->file,
                   e->line, e->column, e->key, message, e->hint);
    if (e->least_bytes) gr__result_put(r, "least_bytes=%jd", (int64_t)e->least_bytes);
    if (cli_list(c, r) != GR_OK)
        printf("{\"error\": {\"code\": \"%s\"}}\n", gr_status_name(st)); /* no memory for more */
}

static const cli_command *find_command(const char *name)
{
    int n;
    const cli_command *const *all = gr__commands(&n);
    for (int i = 0; i < n; i++)
        if (strcmp(all[i]->name, name) == 0) return all[i];
    return NULL;
}

static gr_status no_command(cli *c, const char *name)
{
    const char *names[256];
    int n;
    const cli_command *const *all = gr__commands(&n);
    n = GR_MIN(n, (int)GR_COUNT(names));
    for (int i = 0; i < n; i++) names[i] = all[i]->name;
    const char *near = gr__nearest(name, names, (size_t)n);
    if (name[0] == '-')
        gr__fail(c->ctx, GR_E_USAGE, "a command comes first, not %s", name);
    else
        gr__fail(c->ctx, GR_E_USAGE, "unknown command %s", name);
    if (near)
        gr__error_hint(c->ctx, "did you mean %s?", near);
    else
        gr__error_hint(c->ctx, "gradus --help lists the commands");
    return GR_E_USAGE;
}

/* What stands behind the command's name in that of a verb. */
static const char *word_of(const cli_command *verb)
{
    return strrchr(verb->name, ' ') + 1;
}

/* The verb that a command of several is asked for; NULL: none of them. */
static const cli_command *find_verb(const cli_command *c, const char *word)
{
    for (int i = 0; word && c->verbs[i]; i++)
        if (strcmp(word, word_of(c->verbs[i])) == 0) return c->verbs[i];
    return NULL;
}

static gr_status no_verb(cli *c, const char *word)
{
    const char *words[16];
    size_t n = 0;
    for (; n < GR_COUNT(words) && c->command->verbs[n]; n++) words[n] = word_of(c->command->verbs[n]);
    const char *hint =
        gr__bump_format(c->memory, "gradus %s --help says what there is: %s", c->command->name, c->command->usage);
    if (!hint) return GR_E_MEMORY;
    if (!word || word[0] == '-') {
        gr__fail(c->ctx, GR_E_USAGE, "%s: what is to be done comes first", c->command->name);
        gr__error_hint(c->ctx, "%s", hint);
        return GR_E_USAGE;
    }
    return cli_unknown(c, gr__bump_format(c->memory, "%s: there is no", c->command->name), word, words, n, hint);
}

static bool asks_help(const char *word)
{
    return strcmp(word, "--help") == 0 || strcmp(word, "-h") == 0 || strcmp(word, "help") == 0;
}

static gr_status run(cli *c, int argc, char **argv)
{
    const char *name = argv[1];
    FILE *human = c->json ? stderr : stdout;
    bool help = asks_help(name);
    const char *about = help && argc > 2 && argv[2][0] != '-' ? argv[2] : NULL;
    if (help && !about) return print_help(human), GR_OK;
    if (strcmp(name, "--version") == 0) name = "version";
    if (about) name = about;
    c->command = find_command(name);
    if (!c->command) return no_command(c, name);
    if (c->command->verbs) {
        int at = about ? 3 : 2;
        const char *word = argc > at ? argv[at] : NULL;
        const cli_command *verb = find_verb(c->command, word);
        if (!verb && (about || (word && asks_help(word)))) return print_command_help(human, c->command), GR_OK;
        if (!verb) return no_verb(c, word);
        c->command = verb;
        argc--, argv++;
    }
    if (!about) {
        gr_status st = cli_parse(c, argc, argv);
        if (st != GR_OK) return st;
    }
    if (about || c->help) return print_command_help(human, c->command), GR_OK;
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
    signal(SIGXFSZ, SIG_IGN); /* a file at its limit cannot be written, as on a full disk */
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
    gr__result_close(&c.result);
    gr__bump_destroy(c.memory);
    gr_context_destroy(c.ctx);
    return gr_status_exit_code(st);
}
