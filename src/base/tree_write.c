/* Trees written as YAML 1.2 that any reader takes back to an equal tree. */
#include <assert.h>
#include <math.h>
#include <string.h>

#include "base/text.h"
#include "base/tree.h"

#define FLOW_WIDTH 100 /* a container that fits on so much of a line is written in flow style */
#define SIMPLE_KEY \
    160 /* bytes: YAML looks no further than 1024 characters for the colon, and one byte may take six (\uFFFD) */

/* ---- text ---- */

/* Words that YAML 1.1 readers take for booleans, and our own and YAML 1.2's special words. */
static bool reserved(const char *s)
{
    static const char *const words[] = {"y", "n", "yes", "no", "on", "off", "true", "false", "null", "inf", "nan"};
    for (size_t i = 0; i < GR_COUNT(words); i++) {
        const char *a = s, *b = words[i];
        while (*a && *b && (*a | 0x20) == *b) a++, b++;
        if (!*a && !*b) return true;
    }
    return false;
}

static bool letter(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

static bool digit(char c)
{
    return c >= '0' && c <= '9';
}

/* Only what no reader can take for anything else stands plain: words and paths, and quantities like `1 epoch` and
 * `256K`. */
static bool plain(const char *s)
{
    size_t n = strlen(s);
    if (n == 0 || s[n - 1] == ' ' || reserved(s)) return false;
    if (digit(*s)) {
        if (*s == '0' && letter(s[1])) return false; /* 0x1F, 0o17, 0b1 */
        bool unit = false;
        for (size_t i = 0; i < n; i++) {
            if (letter(s[i]))
                unit = true;
            else if (!digit(s[i]) && s[i] != ' ')
                return false;
        }
        char after = s[strspn(s, "0123456789")];
        return unit && after != 'e' && after != 'E'; /* 1e3 */
    }
    if (!letter(*s) && *s != '_' && *s != '/') return false;
    for (size_t i = 0; i < n; i++) {
        if (!letter(s[i]) && !digit(s[i]) && !strchr("_-./+*()=@%~^ ", s[i])) return false;
    }
    return true;
}

/* One UTF-8 character of s: its code, and its length in *n. What is not UTF-8 becomes U+FFFD: YAML has no other way to
 * hold it. */
static uint32_t character(const unsigned char *s, int *n)
{
    uint32_t c = s[0];
    int more = c < 0x80 ? 0 : c >= 0xC2 && c < 0xE0 ? 1 : c >= 0xE0 && c < 0xF0 ? 2 : c >= 0xF0 && c < 0xF5 ? 3 : -1;
    *n = 1;
    if (more < 0) return 0xFFFD;
    if (more) c &= 0x3Fu >> more;
    for (int i = 1; i <= more; i++) {
        if ((s[i] & 0xC0) != 0x80) return 0xFFFD;
        c = c << 6 | (s[i] & 0x3F);
    }
    static const uint32_t least[] = {0, 0x80, 0x800, 0x10000};
    if (c < least[more] || c > 0x10FFFF || (c >= 0xD800 && c < 0xE000)) return 0xFFFD;
    *n = more + 1;
    return c;
}

static void quoted(gr__text *out, const char *s)
{
    gr__text_put(out, "\"", 1);
    while (*s) {
        int n;
        uint32_t c = character((const unsigned char *)s, &n);
        if (c == '"' || c == '\\')
            gr__text_add(out, "\\%c", (int)c);
        else if (c == '\n')
            gr__text_put(out, "\\n", 2);
        else if (c == '\t')
            gr__text_put(out, "\\t", 2);
        else if (c < 0x20 || (c >= 0x7F && c < 0xA0))
            gr__text_add(out, "\\x%02X", (unsigned)c);
        else if (c == 0x2028 || c == 0x2029 || c == 0xFEFF || c == 0xFFFD || c == 0xFFFE || c == 0xFFFF)
            gr__text_add(out, "\\u%04X", (unsigned)c);
        else
            gr__text_put(out, s, (size_t)n);
        s += n;
    }
    gr__text_put(out, "\"", 1);
}

static void text(gr__text *out, const char *s)
{
    if (plain(s))
        gr__text_put(out, s, strlen(s));
    else
        quoted(out, s);
}

static void scalar(gr__text *out, const gr_tree *t)
{
    switch (t->kind) {
    case GR_TREE_NULL:
        gr__text_add(out, "null");
        break;
    case GR_TREE_BOOL:
        gr__text_add(out, t->truth ? "true" : "false");
        break;
    case GR_TREE_TEXT:
        text(out, t->text);
        break;
    case GR_TREE_REAL:
        if (isinf(t->number))
            gr__text_add(out, t->number < 0 ? "-.inf" : ".inf");
        else if (isnan(t->number))
            gr__text_add(out, ".nan");
        else
            gr__text_add(out, "%s", t->text);
        break;
    default:
        gr__text_add(out, "%s", t->text);
        break;
    }
}

/* ---- containers ---- */

static bool container(const gr_tree *t)
{
    return t->kind == GR_TREE_LIST || t->kind == GR_TREE_MAP;
}

/* What is left of `width` after t in flow style, negative if it does not fit; stops looking there. An upper bound of
 * what quoting adds is enough. */
static long left_after(const gr_tree *t, long width)
{
    if (!container(t)) return width - (t->text ? (long)strlen(t->text) + 2 : 5);
    width -= 2;
    for (int i = 0; i < t->n && width >= 0; i++) {
        if (t->kind == GR_TREE_MAP) width -= (long)strlen(t->key[i]) + 2;
        width = left_after(t->child[i], width - 2);
    }
    return width;
}

static void flow(gr__text *out, const gr_tree *t)
{
    if (!container(t)) {
        scalar(out, t);
        return;
    }
    bool map = t->kind == GR_TREE_MAP;
    gr__text_put(out, map ? "{" : "[", 1);
    for (int i = 0; i < t->n; i++) {
        if (i) gr__text_put(out, ", ", 2);
        if (map) {
            text(out, t->key[i]);
            gr__text_put(out, ": ", 2);
        }
        flow(out, t->child[i]);
    }
    gr__text_put(out, map ? "}" : "]", 1);
}

static bool inline_(const gr_tree *t)
{
    return !container(t) || t->n == 0 || left_after(t, FLOW_WIDTH) >= 0;
}

static void spaces(gr__text *out, int n)
{
    for (; n > 0; n--) gr__text_put(out, " ", 1);
}

/* The members of t, each on its line(s), the first of them where the text stands now. */
static void block(gr__text *out, const gr_tree *t, int indent)
{
    for (int i = 0; i < t->n; i++) {
        const gr_tree *child = t->child[i];
        if (i) spaces(out, indent);
        if (t->kind == GR_TREE_LIST) {
            gr__text_put(out, "- ", 2);
        } else {
            bool simple = strlen(t->key[i]) <= SIMPLE_KEY;
            if (!simple) gr__text_put(out, "? ", 2);
            text(out, t->key[i]);
            if (!simple) {
                gr__text_put(out, "\n", 1);
                spaces(out, indent);
            }
            gr__text_put(out, ":", 1);
            if (inline_(child)) gr__text_put(out, " ", 1);
        }
        if (inline_(child)) {
            flow(out, child);
            gr__text_put(out, "\n", 1);
            continue;
        }
        if (t->kind == GR_TREE_MAP) {
            gr__text_put(out, "\n", 1);
            spaces(out, indent + 2);
        }
        block(out, child, indent + 2);
    }
}

void gr__tree_write(const gr_tree *t, gr__text *out, int indent)
{
    spaces(out, indent);
    if (container(t) && t->n) {
        block(out, t, indent); /* the outermost container is never put on one line */
    } else {
        flow(out, t);
        gr__text_put(out, "\n", 1);
    }
}
