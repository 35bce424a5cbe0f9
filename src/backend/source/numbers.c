/* Numbers as C has them. */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "backend/source/program.h"

static void print(char *text, size_t n, const char *format, ...) GR_PRINTF(3, 4);
static void print(char *text, size_t n, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    gr__print(text, n, format, args);
    va_end(args);
}

/* Those of no value are macros of math.h. */
static const char *special(double x)
{
    return isnan(x) ? "NAN" : x > 0 ? "INFINITY" : "-INFINITY";
}

const char *gr__csource_literal(double x, bool wide, char text[40])
{
    char digits[32];
    if (!wide) x = (float)x;
    if (!isfinite(x)) {
        snprintf(text, 40, "%s", special(x));
        return text;
    }
    if (wide) {
        gr__double_text(x, digits);
    } else { /* as few digits as give the float back */
        for (int n = 1; n <= 9; n++) {
            double back;
            print(digits, sizeof digits, "%.*g", n, x);
            if (gr__parse_number(digits, &back) && (float)back == (float)x) break;
        }
    }
    bool point = strpbrk(digits, ".e") != NULL;
    snprintf(text, 40, "%s%s%s", digits, point ? "" : ".0", wide ? "" : "f");
    return text;
}

/* Large networks have millions of numbers, for each of which printf would take longer than all else. */
static int put_exponent(char *text, int n, int exponent)
{
    const int size = exponent < 0 ? -exponent : exponent;
    text[n++] = 'p';
    if (exponent < 0) text[n++] = '-';
    if (size > 99) text[n++] = '1';
    if (size > 9) text[n++] = (char)('0' + size / 10 % 10);
    text[n++] = (char)('0' + size % 10);
    return n;
}

/* Hexadecimal: no rounding, and compilers read it far faster than decimals. */
void gr__csource_number(float x, gr__text *out)
{
    uint32_t bits, low;
    char text[32];
    int n = 0;
    memcpy(&bits, &x, sizeof bits);
    low = (bits & 0x7fffff) << 1; /* six digits */
    int exponent = (int)(bits >> 23 & 0xff);
    if (exponent == 255) {
        gr__text_add(out, "%s", special(x));
        return;
    }
    if (bits >> 31) text[n++] = '-';
    if (exponent == 0 && low == 0) {
        text[n++] = '0';
    } else {
        memcpy(text + n, exponent ? "0x1." : "0x0.", 4);
        n += 4;
        for (int digits = 0; low || digits == 0; digits++, low = low << 4 & 0xffffff)
            text[n++] = "0123456789abcdef"[low >> 20];
        n = put_exponent(text, n, exponent ? exponent - 127 : -126);
    }
    if (text[n - 1] == '0' && n <= 2) { /* 0, -0 */
        memcpy(text + n, ".0", 2);
        n += 2;
    }
    text[n++] = 'f';
    gr__text_put(out, text, (size_t)n);
}

float gr__csource_encode(const float *row, int64_t count, signed char *codes)
{
    float most = 0;
    for (int64_t i = 0; i < count; i++) most = fmaxf(most, fabsf(row[i]));
    float scale = most > 0 && isfinite(most) ? most / 127 : 1;
    for (int64_t i = 0; i < count; i++) {
        double q = rint((double)row[i] / (double)scale);
        codes[i] = (signed char)(q >= 127 ? 127 : q > -127 ? q : -127);
    }
    return scale;
}
