/* What kernels of a program have in common: small functions, of which a program has those that it calls. */
#include "backend/source/program.h"
#include "graph/op.h"

#include <string.h>

static const char *const text[GR__HELPERS] = {
    [GR__HELP_LARGER] = "\n"
                        "static float larger(float a, float b)\n"
                        "{\n"
                        "    return a < b || isnan(b) ? b : a;\n"
                        "}\n",
    /* k outside, n inside: whole rows of w one after the other, and 16 sums at a time, which compilers make vectors of
     * at -O2 already. */
    [GR__HELP_PRODUCT] =
        "\n"
        "/* y[r ys + j] += sum over i of x[r xs + i xk] w[i ws + j] */\n"
        "static void product(size_t rows, size_t k, size_t n, const float *restrict x, size_t xs, size_t xk,\n"
        "                    const float *restrict w, size_t ws, float *restrict y, size_t ys)\n"
        "{\n"
        "    const size_t most = k - k % 4, wide = n - n % 16;\n"
        "    for (size_t r = 0; r < rows; r++) {\n"
        "        const float *a = x + r * xs;\n"
        "        float *to = y + r * ys;\n"
        "        for (size_t i = 0; i < most; i += 4) {\n"
        "            const float a0 = a[i * xk], a1 = a[(i + 1) * xk], a2 = a[(i + 2) * xk], a3 = a[(i + 3) * xk];\n"
        "            const float *w0 = w + i * ws, *w1 = w0 + ws, *w2 = w1 + ws, *w3 = w2 + ws;\n"
        "            for (size_t j = 0; j < wide; j += 16) {\n"
        "                const float *v0 = w0 + j, *v1 = w1 + j, *v2 = w2 + j, *v3 = w3 + j;\n"
        "                float *t = to + j;\n"
        "                for (int l = 0; l < 16; l++) t[l] += (a0 * v0[l] + a1 * v1[l]) + (a2 * v2[l] + a3 * v3[l]);\n"
        "            }\n"
        "            for (size_t j = wide; j < n; j++) to[j] += (a0 * w0[j] + a1 * w1[j]) + (a2 * w2[j] + a3 * "
        "w3[j]);\n"
        "        }\n"
        "        for (size_t i = most; i < k; i++)\n"
        "            for (size_t j = 0; j < n; j++) to[j] += a[i * xk] * w[i * ws + j];\n"
        "    }\n"
        "}\n",
    [GR__HELP_DOTS] =
        "\n"
        "/* y[r ys + j] += sum over i of x[r xs + i] w[j ws + i] */\n"
        "static void dots(size_t rows, size_t k, size_t n, const float *restrict x, size_t xs, const float *restrict "
        "w,\n"
        "                 size_t ws, float *restrict y, size_t ys)\n"
        "{\n"
        "    const size_t most = k - k % 8;\n"
        "    for (size_t r = 0; r < rows; r++)\n"
        "        for (size_t j = 0; j < n; j++) {\n"
        "            const float *a = x + r * xs, *b = w + j * ws;\n"
        "            float s[8] = {0}, rest = 0;\n"
        "            for (size_t i = 0; i < most; i += 8)\n"
        "                for (int l = 0; l < 8; l++) s[l] += a[i + (size_t)l] * b[i + (size_t)l];\n"
        "            for (size_t i = most; i < k; i++) rest += a[i] * b[i];\n"
        "            y[r * ys + j] += ((s[0] + s[4]) + (s[1] + s[5])) + ((s[2] + s[6]) + (s[3] + s[7])) + rest;\n"
        "        }\n"
        "}\n",
    [GR__HELP_CHANNELS] =
        "\n"
        "/* y[r ys + j] += x[r xs + j] w[j ws] */\n"
        "static void channels(size_t rows, size_t n, const float *restrict x, size_t xs, const float *restrict w,\n"
        "                     size_t ws, float *restrict y, size_t ys)\n"
        "{\n"
        "    for (size_t r = 0; r < rows; r++)\n"
        "        for (size_t j = 0; j < n; j++) y[r * ys + j] += x[r * xs + j] * w[j * ws];\n"
        "}\n",
    [GR__HELP_STEPS] = "\n"
                       "/* How many steps count: those before the first that begins with NaN. */\n"
                       "static int steps(const float *x, int most, int width)\n"
                       "{\n"
                       "    int n = 0;\n"
                       "    while (n < most && !isnan(x[n * width])) n++;\n"
                       "    return n > 0 ? n : 1;\n"
                       "}\n",
    [GR__HELP_CODES] =
        "\n"
        "/* q = the whole number next to x inverse, plus zero, at most 127 and at least -128 */\n"
        "static void encode(signed char *restrict q, const float *restrict x, int n, float inverse, int zero)\n"
        "{\n"
        "    const float low = (float)(-128 - zero), high = (float)(127 - zero);\n"
        "    for (int i = 0; i < n; i++) {\n"
        "        const float t = floorf(x[i] * inverse + 0.5f);\n"
        "        q[i] = (signed char)((int)(!(t > low) ? low : t < high ? t : high) + zero);\n"
        "    }\n"
        "}\n"
        "\n"
        "/* s[j] += sum over i of (q[i] - zero) w[i ws + j], n at most 16 */\n"
        "static void add_codes(int k, int n, const signed char *restrict q, int zero, const signed char *restrict w,\n"
        "                      int ws, int *restrict s)\n"
        "{\n"
        "    for (int i = 0; i < k; i++) {\n"
        "        const int a = q[i] - zero;\n"
        "        const signed char *v = w + i * ws;\n"
        "        if (n == 16)\n"
        "            for (int j = 0; j < 16; j++) s[j] += a * v[j];\n"
        "        else\n"
        "            for (int j = 0; j < n; j++) s[j] += a * v[j];\n"
        "    }\n"
        "}\n",
    [GR__HELP_TOKENS] = "\n"
                        "/* How many tokens count: those before the first that is below 0, or none; without such a "
                        "one, and if `zeros` are\n"
                        " * what fills up, those before the zeros at the end. */\n"
                        "static int tokens(const float *x, int most, int zeros)\n"
                        "{\n"
                        "    int n = 0, last = 0;\n"
                        "    for (; n < most && x[n] >= 0; n++)\n"
                        "        if (x[n] > 0) last = n + 1;\n"
                        "    if (n < most || !zeros) last = n;\n"
                        "    return last > 0 ? last : 1;\n"
                        "}\n",
};

void gr__csource_helpers(const gr__csource *s, gr__text *out)
{
    for (int i = 0; i < GR__HELPERS; i++)
        if (s->help[i]) gr__text_put(out, text[i], strlen(text[i]));
}

/* ---- elementwise operations as their rows have them ---- */

#define MEANING(code, name, n, order, takes, low, high, branches, rule, meaning) {GR_OP_##code, #meaning},
static const struct {
    gr_opcode code;
    const char *text;
} meanings[] = {GR__ELEMENTWISE(MEANING)};

const char *gr__csource_meaning(gr__csource *s, const gr_op *op)
{
    const char *meaning = NULL, *stem = gr__bump_format(s->memory, "op_%s", op->name);
    for (size_t i = 0; i < GR_COUNT(meanings); i++)
        if (meanings[i].code == op->code) meaning = meanings[i].text;
    if (!meaning || !stem) return NULL;
    gr__text t;
    gr__text_init(&t, s->ctx);
    gr__text_add(&t, "(double a%s%s)\n{\n    return %s;\n}\n", op->n_in > 1 ? ", double b" : "",
                 op->n_in > 2 ? ", double c" : "", meaning);
    const char *name = t.failed ? NULL : gr__csource_function(s, "double", stem, t.s);
    gr__text_free(&t);
    return name;
}

void gr__csource_comment(gr__text *out, const char *from)
{
    for (const char *at = from; *at; at++) {
        unsigned char c = (unsigned char)*at;
        gr__text_add(out, "%c", c == '*' || c == '/' || c == '\\' || c == '?' || c < ' ' || c >= 127 ? '_' : c);
    }
}
