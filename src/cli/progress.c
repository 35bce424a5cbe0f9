/* The progress line fits the terminal: a line that wraps cannot be drawn over, and scrolls. It is made of pieces, of
 * which the least wanted are left out where the columns do not suffice; the bar takes what remains. */
#include "cli/progress.h"

#include "cli/cli.h"
#include "cli/terminal.h"

#include <limits.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "base/text.h"

enum { PIECES = 16, APART = 2, UNKNOWN_COLUMNS = 80, LEAST_BAR = 8, MOST_BAR = 24 };

typedef struct piece {
    int rank; /* the highest is left out first */
    char text[64];
} piece;
typedef struct line {
    piece piece[PIECES];
    int n;
} line;

static void GR_PRINTF(3, 4) add(line *l, int rank, const char *format, ...)
{
    va_list args;
    if (l->n == PIECES) return;
    va_start(args, format);
    vsnprintf(l->piece[l->n].text, sizeof l->piece[l->n].text, format, args);
    va_end(args);
    l->piece[l->n++].rank = rank;
}

static int length(const line *l)
{
    int n = l->n ? APART * (l->n - 1) : 0;
    for (int i = 0; i < l->n; i++) n += (int)strlen(l->piece[i].text);
    return n;
}

static void fit(line *l, int columns)
{
    while (l->n > 1 && length(l) > columns) {
        int least = 0;
        for (int i = 1; i < l->n; i++)
            if (l->piece[i].rank >= l->piece[least].rank) least = i;
        l->n--;
        memmove(&l->piece[least], &l->piece[least + 1], (size_t)(l->n - least) * sizeof *l->piece);
    }
}

/* Columns of the terminal, asked for each line: a window that changes its size is followed. COLUMNS stands for a
 * terminal that does not know, and narrows one that does. The last column stays free: a cursor behind it would wrap. */
static int columns_now(void)
{
    struct winsize size = {0};
    const char *text = getenv("COLUMNS");
    long said = text ? strtol(text, NULL, 10) : 0, n = ioctl(STDERR_FILENO, TIOCGWINSZ, &size) == 0 ? size.ws_col : 0;
    if (said > 0 && (n <= 0 || said < n)) n = said;
    return (int)GR_MIN(n > 0 ? n : UNKNOWN_COLUMNS, 1000) - 1;
}

/* What goes to standard error, which has no buffer of its own, in one write. */
typedef struct out {
    char text[2048];
    size_t n;
} out;

static void GR_PRINTF(2, 3) put(out *o, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    int n = vsnprintf(o->text + o->n, sizeof o->text - o->n, format, args);
    va_end(args);
    if (n > 0) o->n = GR_MIN(o->n + (size_t)n, sizeof o->text - 1);
}

static void put_line(out *o, const line *l, int columns)
{
    for (int i = 0; i < l->n; i++) put(o, "%s%.*s", i ? "  " : "", columns, l->piece[i].text);
}

static void put_bar(out *o, double part, int columns)
{
    int width = GR_MIN(columns - APART - 2, MOST_BAR), full = (int)(part * width);
    char bar[MOST_BAR + 1];
    if (width < LEAST_BAR) return;
    memset(bar, '.', (size_t)width);
    memset(bar, '#', (size_t)GR_MIN(full, width));
    put(o, "[%.*s]  ", width, bar);
}

static void add_speed(line *l, int rank, double rate)
{
    bool many = rate >= 99999.5;
    add(l, rank, "%.0f%s samples/s", many ? rate / 1000 : rate, many ? "k" : "");
}

static void add_left(line *l, int rank, double seconds)
{
    if (!isfinite(seconds)) return;
    long long s = llround(fmin(fmax(seconds, 0), 1e12));
    if (s >= 3600)
        add(l, rank, "%lld:%02lld:%02lld left", s / 3600, s / 60 % 60, s % 60);
    else
        add(l, rank, "%lld:%02lld left", s / 60, s % 60);
}

/* How far it is, as one line without its end. */
static void put_status(out *o, const gr_progress *p)
{
    line l = {.n = 0};
    int columns = columns_now();
    double part = p->steps ? (double)p->step / (double)p->steps : 0;
    if (p->phase != GR_PHASE_TRAIN) add(&l, 3, "%s", p->phase == GR_PHASE_VALIDATE ? "validating" : "statistics");
    if (p->steps) {
        add(&l, 0, "%3.0f %%", 100 * part);
        add(&l, 6, "epoch %.2f of %.4g", p->epoch, p->epochs);
    } else {
        add(&l, 0, "step %lld", (long long)p->step);
        add(&l, 6, "epoch %.2f", p->epoch);
    }
    add(&l, 4, "cost %.4g", p->cost);
    add(&l, 5, "lr %.3g", p->lr);
    add_speed(&l, 2, p->samples_per_second);
    add_left(&l, 1, p->seconds_left);
    fit(&l, columns);
    if (p->steps) put_bar(o, part, columns - length(&l));
    put_line(o, &l, columns);
}

static void draw(cli_progress *v, const gr_progress *p)
{
    out o = {.n = 0};
    put(&o, "\r\033[K");
    put_status(&o, p);
    fwrite(o.text, 1, o.n, stderr);
    v->open = true;
}

/* A line that stays. */
static void keep(cli_progress *v, line *l)
{
    out o = {.n = 0};
    int columns = v->terminal ? columns_now() : INT_MAX;
    if (v->terminal) fit(l, columns);
    cli_progress_clear(v);
    put_line(&o, l, columns);
    put(&o, "\n");
    fwrite(o.text, 1, o.n, stderr);
}

static void evaluated(cli_progress *v, const gr_progress *p)
{
    line l = {.n = 0};
    add(&l, 0, "epoch %-6.4g", p->epoch);
    add(&l, 4, "step %-7lld", (long long)p->step);
    add(&l, 3, "cost %-9.5f", p->cost);
    add(&l, 1, "validation cost %-9.5f", p->validation_cost);
    if (!p->n_heads) add(&l, 0, "error %.4f", p->validation_error);
    for (int h = 0; h < p->n_heads; h++) add(&l, 2, "%.40s error %.4f", p->head[h], p->head_error[h]);
    if (p->best) add(&l, 2, "best");
    add(&l, 5, "(%.0f s)", p->seconds);
    keep(v, &l);
}

static void epoch_ended(cli_progress *v, const gr_progress *p)
{
    line l = {.n = 0};
    add(&l, 0, "epoch %-6.4g", p->epoch);
    add(&l, 0, "step %-7lld", (long long)p->step);
    add(&l, 0, "cost %-9.5f", p->cost);
    add_speed(&l, 0, p->samples_per_second);
    add(&l, 0, "(%.0f s)", p->seconds);
    keep(v, &l);
}

cli_progress cli_progress_make(bool quiet)
{
    return (cli_progress){.terminal = isatty(STDERR_FILENO), .quiet = quiet};
}

void cli_progress_clear(cli_progress *v)
{
    if (v->open && v->live)
        cli_live_end(v->live);
    else if (v->open)
        fprintf(stderr, "\r\033[K");
    v->open = false;
}

void cli_progress_curves(cli_progress *v, gr_context *ctx, cli_live *room)
{
    if (v->quiet || !v->terminal || !cli_screens(STDERR_FILENO)) return;
    *room = (cli_live){.ctx = ctx};
    v->live = room;
}

/* Until the first update the terminal is as it was: what goes wrong before stands where one looks for it. */
static void show_live(cli_progress *v, const gr_progress *p)
{
    bool draws = p->phase == GR_PHASE_TRAIN || p->phase == GR_PHASE_STATISTICS || p->phase == GR_PHASE_VALIDATE;
    cli_live_take(v->live, p);
    if (p->phase == GR_PHASE_DONE) cli_progress_clear(v);
    if (!draws) return;
    if (!v->open) cli_live_begin(v->live);
    v->open = true;
    if (!cli_live_due(v->live, p)) return;
    out o = {.n = 0};
    put_status(&o, p);
    cli_live_draw(v->live, o.text, p->seconds);
}

static void show(cli_progress *v, const gr_progress *p)
{
    char path[4200];
    switch (p->phase) {
    case GR_PHASE_TRAIN:
    case GR_PHASE_STATISTICS:
    case GR_PHASE_VALIDATE:
        if (!v->terminal) return;
        if (p->phase != GR_PHASE_VALIDATE && p->seconds - v->shown < 0.1) return;
        v->shown = p->seconds;
        draw(v, p);
        return;
    case GR_PHASE_EVALUATED:
        evaluated(v, p);
        return;
    case GR_PHASE_EPOCH:
        if (!v->terminal) epoch_ended(v, p);
        return;
    case GR_PHASE_RESUMED:
        fprintf(stderr, "resumed from %s after step %lld\n", gr__shown(path, sizeof path, p->path, strlen(p->path)),
                (long long)p->step);
        return;
    case GR_PHASE_SETTLED:
    case GR_PHASE_CHECKPOINT_DUE:
    case GR_PHASE_CHECKPOINT:
        return;
    case GR_PHASE_DONE:
        cli_progress_clear(v);
        return;
    }
}

gr_status cli_progress_show(void *user, const gr_progress *p, bool *stop)
{
    cli_progress *v = user;
    (void)stop;
    if (v->live && p->phase != GR_PHASE_RESUMED)
        show_live(v, p);
    else if (!v->quiet)
        show(v, p);
    return GR_OK;
}

/* ---- of what does not train ---- */

cli_view cli_view_make(bool quiet)
{
    return (cli_view){.terminal = isatty(STDERR_FILENO) && !quiet, .began = cli_now()};
}

void cli_view_show(cli_view *v, const char *format, ...)
{
    double now = cli_now();
    va_list args;
    if (!v->terminal || now - v->said < 0.1) return;
    v->said = now;
    fputc('\r', stderr);
    va_start(args, format);
    vfprintf(stderr, format, args);
    va_end(args);
    fprintf(stderr, "   %.0f s\033[K", now - v->began);
    fflush(stderr);
}

/* What is left, once a part is done that tells: at the speed so far. */
static void say(void *user, const char *what, double share)
{
    const cli_view *v = user;
    line l = {.n = 0};
    double seconds = cli_now() - v->began;
    if (share > 0.01 && seconds > 1) add_left(&l, 0, seconds * (1 - share) / share);
    cli_view_show(user, "%s: %.0f %%  %s", what, 100 * share, l.n ? l.piece[0].text : "");
}

const gr_watch *cli_view_watch(cli_view *v)
{
    v->watch = (gr_watch){say, v};
    return v->terminal ? &v->watch : NULL;
}

void cli_view_clear(const cli_view *v)
{
    if (v->said > 0) fputs("\r\033[K", stderr);
}
