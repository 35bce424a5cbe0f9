/* Curves as text: a grid of dots, then characters that hold 2 x 4 of them (Braille patterns, U+2800 on), or one each.
 */
#include "cli/plot.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/base.h"

enum { CELLS = 64, BRAILLE_LINES = 12, ASCII_LINES = 16, DOTS_X = CELLS * 2, DOTS_Y = BRAILLE_LINES * 4 };

typedef struct grid {
    bool dot[DOTS_Y][DOTS_X]; /* row 0 at the bottom */
    int width, height;
} grid;

bool cli_utf8(void)
{
    static const char *const names[] = {"LC_ALL", "LC_CTYPE", "LANG"}; /* the first that is set decides */
    for (size_t i = 0; i < GR_COUNT(names); i++) {
        const char *value = getenv(names[i]);
        if (value && *value) return strcasestr(value, "UTF-8") || strcasestr(value, "utf8");
    }
    return false;
}

static double largest(const cli_curve *c)
{
    double top = 0;
    for (int64_t i = 0; i < c->n; i++) top = fmax(top, c->y[i]);
    return top;
}

/* Column x shows the values that fall on it, all of them where there are several, joined to the column before. */
static void draw(const cli_curve *c, double top, grid *g)
{
    int before = -1;
    for (int x = 0; x < g->width; x++) {
        int64_t from = (int64_t)((double)x * (double)c->n / g->width),
                to = (int64_t)((double)(x + 1) * (double)c->n / g->width);
        int low = g->height, high = -1, row = 0;
        for (int64_t i = from; i < GR_MAX(to, from + 1) && i < c->n; i++) {
            row = top > 0 ? (int)lround(c->y[i] / top * (g->height - 1)) : 0;
            low = GR_MIN(low, row), high = GR_MAX(high, row);
        }
        if (before > high) high = before - 1;
        if (before >= 0 && before < low) low = before + 1;
        for (int y = low; y <= high; y++) g->dot[y][x] = true;
        before = row;
    }
}

static void put_braille(FILE *to, const grid *g, int line, int cell)
{
    static const unsigned char bit[4][2] = {{0x01, 0x08}, {0x02, 0x10}, {0x04, 0x20}, {0x40, 0x80}}; /* from the top */
    unsigned pattern = 0;
    for (int y = 0; y < 4; y++)
        for (int x = 0; x < 2; x++)
            if (g->dot[g->height - 1 - (line * 4 + y)][cell * 2 + x]) pattern |= bit[y][x];
    if (pattern)
        fprintf(to, "\xE2%c%c", (char)(0xA0 | pattern >> 6), (char)(0x80 | (pattern & 0x3F)));
    else
        fputc(' ', to);
}

/* The value at the upper edge, in the middle, at the lower edge. */
static void put_label(FILE *to, double top, int line, int lines)
{
    char label[32] = "";
    if (line == 0) snprintf(label, sizeof label, "%.4g", top);
    if (line == lines / 2) snprintf(label, sizeof label, "%.3g", top * (lines - 1 - line) / (lines - 1));
    if (line == lines - 1) snprintf(label, sizeof label, "0");
    fprintf(to, "  %9s ", label);
}

static void put_axis(FILE *to, const cli_curve *c, bool utf8)
{
    char middle[32], end[32];
    fprintf(to, "  %9s %s", "", utf8 ? "└" : "+");
    for (int x = 0; x < CELLS; x++) fputs(utf8 ? "─" : "-", to);
    snprintf(middle, sizeof middle, "%.10g", c->x_end / 2);
    snprintf(end, sizeof end, "%.10g %s", c->x_end, c->x_title);
    fprintf(to, "\n  %9s  0%*s%*s\n", "", CELLS / 2 + (int)strlen(middle) / 2 - 1, middle,
            CELLS / 2 - (int)strlen(middle) / 2, end);
}

void cli_plot(FILE *to, const cli_curve *c, bool utf8)
{
    static grid g; /* large */
    int lines = utf8 ? BRAILLE_LINES : ASCII_LINES;
    double top = largest(c);
    memset(&g, 0, sizeof g);
    g.width = utf8 ? DOTS_X : CELLS;
    g.height = utf8 ? DOTS_Y : ASCII_LINES;
    draw(c, top, &g);
    for (int line = 0; line < lines; line++) {
        put_label(to, top, line, lines);
        fputs(utf8 ? "│" : "|", to);
        for (int x = 0; x < CELLS; x++) {
            if (utf8)
                put_braille(to, &g, line, x);
            else
                fputc(g.dot[g.height - 1 - line][x] ? '*' : ' ', to);
        }
        fputc('\n', to);
    }
    put_axis(to, c, utf8);
}
