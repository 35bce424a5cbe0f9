/* What tensors of other software are called in a recipe, and how their axes stand: maps that come with this, and files
 * of lines. A `*` of a name stands for any text, and goes over into the other name. */
#include <stdio.h>
#include <string.h>

#include "base/file.h"
#include "base/text.h"
#include "exchange/foreign.h"

enum { MOST_BYTES = 64 << 20, MOST_STARS = 4 };

typedef struct line {
    const char *from, *to; /* to "-": left out */
    int axes[GR_MAX_RANK], n_axes;
    int number; /* in the file, from 1; 0: of a map that comes with this */
    bool used;
} line;

struct gr_names {
    gr_context *ctx;
    gr__bump *memory;
    const char *path;
    line *line;
    size_t n, capacity;
};

/* ---- maps that come with this: lines as files have them; the first that fits counts, of those with axes one that has
 * as many as the tensor ---- */

static const struct {
    const char *word, *title, *lines;
} known[] = {
    {"torchvision", "torchvision's ResNet, VGG, SqueezeNet, MobileNet: the zoo has its names", ""},
    {"huggingface-bert", "BERT of Hugging Face, with or without heads",
     "bert.embeddings.position_ids\t-\nembeddings.position_ids\t-\ncls.*\t-\n"
     "bert.*.gamma\t*.weight\nbert.*.beta\t*.bias\n*.gamma\t*.weight\n*.beta\t*.bias\nbert.*\t*\n"},
    {"huggingface-gpt2", "GPT-2 of Hugging Face, whose Conv1D is a transposed dense layer",
     "transformer.h.*.attn.bias\t-\ntransformer.h.*.attn.masked_bias\t-\nh.*.attn.bias\t-\nh.*.attn.masked_bias\t-\n"
     "lm_head.weight\t-\n"
     "transformer.h.*.ln_1.*\th.*.norm1.*\ntransformer.h.*.ln_2.*\th.*.norm2.*\n"
     "transformer.h.*.attn.c_attn.weight\th.*.attention.in_proj_weight\t1 0\n"
     "transformer.h.*.attn.c_attn.bias\th.*.attention.in_proj_bias\n"
     "transformer.h.*.attn.c_proj.weight\th.*.attention.out_proj.weight\t1 0\n"
     "transformer.h.*.attn.c_proj.bias\th.*.attention.out_proj.bias\n"
     "transformer.h.*.mlp.c_fc.weight\th.*.ff1.weight\t1 0\ntransformer.h.*.mlp.c_fc.bias\th.*.ff1.bias\n"
     "transformer.h.*.mlp.c_proj.weight\th.*.ff2.weight\t1 0\ntransformer.h.*.mlp.c_proj.bias\th.*.ff2.bias\n"
     "transformer.*\t*\n"
     "h.*.ln_1.*\th.*.norm1.*\nh.*.ln_2.*\th.*.norm2.*\n"
     "h.*.attn.c_attn.weight\th.*.attention.in_proj_weight\t1 0\nh.*.attn.c_attn.bias\th.*.attention.in_proj_bias\n"
     "h.*.attn.c_proj.weight\th.*.attention.out_proj.weight\t1 0\nh.*.attn.c_proj.bias\th.*.attention.out_proj.bias\n"
     "h.*.mlp.c_fc.weight\th.*.ff1.weight\t1 0\nh.*.mlp.c_fc.bias\th.*.ff1.bias\n"
     "h.*.mlp.c_proj.weight\th.*.ff2.weight\t1 0\nh.*.mlp.c_proj.bias\th.*.ff2.bias\n"},
    {"keras", "Keras: kernels with their outputs last, norms with gamma and beta",
     /* variables of TensorFlow end with :0 */
     "*/depthwise_kernel\t*.weight\t2 3 0 1\n*/depthwise_kernel:0\t*.weight\t2 3 0 1\n"
     "*/kernel\t*.weight\t3 2 0 1\n*/kernel:0\t*.weight\t3 2 0 1\n"
     "*/kernel\t*.weight\t2 1 0\n*/kernel:0\t*.weight\t2 1 0\n"
     "*/kernel\t*.weight\t1 0\n*/kernel:0\t*.weight\t1 0\n"
     "*/embeddings\t*.weight\n*/embeddings:0\t*.weight\n"
     "*/gamma\t*.weight\n*/gamma:0\t*.weight\n"
     "*/beta\t*.bias\n*/beta:0\t*.bias\n"
     "*/bias\t*.bias\n*/bias:0\t*.bias\n"
     "*/moving_mean\t*.running_mean\n*/moving_mean:0\t*.running_mean\n"
     "*/moving_variance\t*.running_var\n*/moving_variance:0\t*.running_var\n"},
};

const char *gr__names_known(gr__bump *b)
{
    const char *list = known[0].word;
    for (size_t i = 1; i < GR_COUNT(known) && list; i++) list = gr__bump_format(b, "%s, %s", list, known[i].word);
    return list ? list : "";
}

/* A word that is no file is most likely one of these, written wrong. */
static void hint_map(gr_context *ctx, gr__bump *b, const char *map)
{
    const char *words[GR_COUNT(known)];
    for (size_t i = 0; i < GR_COUNT(known); i++) words[i] = known[i].word;
    const char *near = gr__nearest(map, words, GR_COUNT(words));
    if (near)
        gr__error_hint(ctx, "did you mean %s?", near);
    else
        gr__error_hint(ctx, "a file of lines NAME<TAB>NAME, or one of %s", gr__names_known(b));
}

/* ---- names ---- */

typedef struct caught {
    const char *at[MOST_STARS];
    int n[MOST_STARS];
} caught;

/* Does the pattern fit the text up to its end? star: how many were met before. */
static bool fits(const char *pattern, const char *text, int star, caught *c)
{
    for (; *pattern && *pattern != '*'; pattern++, text++)
        if (*pattern != *text) return false;
    if (!*pattern) return !*text;
    if (star == MOST_STARS) return false;
    c->at[star] = text;
    for (const char *end = text;; end++) {
        c->n[star] = (int)(end - text);
        if (fits(pattern + 1, end, star + 1, c)) return true;
        if (!*end) return false;
    }
}

static const char *filled(gr__bump *b, const char *to, const caught *c)
{
    int star = 0;
    size_t room = strlen(to) + 1;
    for (int i = 0; i < MOST_STARS; i++) room += (size_t)c->n[i];
    char *out = gr__bump_alloc(b, room), *at = out;
    for (; out && *to; to++) {
        if (*to != '*') {
            *at++ = *to;
            continue;
        }
        memcpy(at, c->at[star], (size_t)c->n[star]);
        at += c->n[star++];
    }
    return out;
}

static gr_status fail_at(const gr_names *names, int number, const char *format, ...) GR_PRINTF(3, 4);
static gr_status fail_at(const gr_names *names, int number, const char *format, ...)
{
    char text[500];
    va_list args;
    va_start(args, format);
    gr__print_cut(text, sizeof text, format, args);
    va_end(args);
    gr__fail(names->ctx, GR_E_DATA, "%s", text);
    gr__error_place(names->ctx, names->path, number, 1, NULL);
    return GR_E_DATA;
}

gr_status gr__names_of(gr_names *names, const gr_foreign_tensor *t, gr_named_as *out)
{
    *out = (gr_named_as){.name = t->name};
    for (size_t i = 0; i < names->n; i++) {
        line *l = &names->line[i];
        caught c = {0};
        if ((l->n_axes && l->n_axes != t->shape.rank && !l->number) || !fits(l->from, t->name, 0, &c)) continue;
        l->used = true;
        if (strcmp(l->to, "-") == 0) {
            out->name = NULL;
            return GR_OK;
        }
        if (!(out->name = filled(names->memory, l->to, &c))) return GR_E_MEMORY;
        if (l->n_axes && l->n_axes != t->shape.rank)
            return fail_at(names, l->number, "%d axes are given for \"%s\", which has %d", l->n_axes, t->name,
                           t->shape.rank);
        out->turned = l->n_axes > 0;
        memcpy(out->axes, l->axes, sizeof l->axes);
        return GR_OK;
    }
    return GR_OK;
}

gr_status gr__names_used(const gr_names *names)
{
    for (size_t i = 0; i < names->n; i++)
        if (names->line[i].number && !names->line[i].used)
            return fail_at(names, names->line[i].number, "the file has no tensor \"%s\"", names->line[i].from);
    return GR_OK;
}

/* ---- reading ---- */

static gr_status bad_line(const gr_names *names, int number, const char *why)
{
    fail_at(names, number, "%s", why);
    gr__error_hint(names->ctx, "a line is NAME IN THE FILE<TAB>NAME IN THE RECIPE, or - there to leave it out; a third "
                               "part may say which axes of the file are the recipe's, as 1 0");
    return GR_E_DATA;
}

/* Each axis once. */
static bool read_axes(const char *s, line *l)
{
    unsigned seen = 0;
    for (l->n_axes = 0; *s; s++) {
        if (*s == ' ') continue;
        int axis = *s - '0';
        if (axis < 0 || axis >= GR_MAX_RANK || seen >> axis & 1 || l->n_axes == GR_MAX_RANK) return false;
        seen |= 1u << axis;
        l->axes[l->n_axes++] = axis;
    }
    return l->n_axes > 0 && seen == (1u << l->n_axes) - 1;
}

static int stars(const char *s)
{
    int n = 0;
    for (; *s; s++) n += *s == '*';
    return n;
}

static gr_status add(gr_names *names, char *text, int number)
{
    char *to = strchr(text, '\t'), *axes = to ? strchr(to + 1, '\t') : NULL;
    if (!to || to == text || !to[1] || to[1] == '\t')
        return bad_line(names, number, "it is not two names with a tab between them");
    *to++ = '\0';
    if (axes) *axes++ = '\0';
    if (!GR_ROOM(names->ctx, names->line, names->capacity, names->n + 1)) return GR_E_MEMORY;
    line *l = &names->line[names->n];
    *l = (line){.from = text, .to = to, .number = number};
    if (stars(text) > MOST_STARS) return bad_line(names, number, "a name has more than four stars");
    if (strcmp(to, "-") != 0 && stars(to) > stars(text))
        return bad_line(names, number, "the second name has more stars than the first");
    if (axes && !read_axes(axes, l)) return bad_line(names, number, "the third part is no list of axes, each once");
    names->n++;
    return GR_OK;
}

static gr_status add_lines(gr_names *names, char *text, bool numbered)
{
    gr_status st = GR_OK;
    for (int number = 1; *text && st == GR_OK; number++) {
        char *end = text + strcspn(text, "\n"), *next = *end ? end + 1 : end;
        if (end > text && end[-1] == '\r') end[-1] = '\0';
        *end = '\0';
        if (*text) st = add(names, text, numbered ? number : 0);
        text = next;
    }
    return st;
}

gr_status gr__names_add(gr_names *names, const char *from, const char *to, const char *axes)
{
    char *text = gr__bump_format(names->memory, "%s\t%s%s%s", from, to, axes ? "\t" : "", axes ? axes : "");
    return text ? add(names, text, 0) : GR_E_MEMORY;
}

static gr_status read_file(gr_names *names)
{
    char *data = NULL;
    size_t n = 0, at;
    gr_status st = gr__file_read(names->ctx, names->path, MOST_BYTES, &data, &n);
    if (st != GR_OK) return st;
    if (!gr__is_text(data, n, &at)) st = gr__fail(names->ctx, GR_E_FORMAT, "\"%s\" is not text", names->path);
    char *copy = st == GR_OK ? gr__bump_strdup(names->memory, data) : NULL;
    gr__free(names->ctx, data, n + 1);
    if (st == GR_OK) st = copy ? add_lines(names, copy, true) : GR_E_MEMORY;
    return st;
}

gr_status gr__names_open(gr_context *ctx, gr__bump *b, const char *map, gr_names **out)
{
    gr_names *names = gr__bump_alloc(b, sizeof *names);
    if (!names) return GR_E_MEMORY;
    *names = (gr_names){.ctx = ctx, .memory = b, .path = map};
    *out = names;
    if (!map) return GR_OK;
    for (size_t i = 0; i < GR_COUNT(known); i++) {
        if (strcmp(known[i].word, map) != 0) continue;
        char *lines = gr__bump_strdup(b, known[i].lines);
        return lines ? add_lines(names, lines, false) : GR_E_MEMORY;
    }
    gr_status st = read_file(names);
    if (st == GR_E_FILE) hint_map(ctx, b, map);
    return st;
}

void gr__names_close(gr_names *names)
{
    gr__free(names->ctx, names->line, sizeof *names->line * names->capacity);
}
