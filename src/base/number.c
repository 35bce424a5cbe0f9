/* Numbers as text, both ways, the same in every locale. */
#include <float.h>
#include <locale.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/text.h"

/* strtod as in the C locale. `s` is known to start with a decimal number; what follows it is left. */
static double read_decimal(const char *s)
{
    locale_t c = newlocale(LC_ALL_MASK, "C", (locale_t)0);
    double x = c ? strtod_l(s, NULL, c) : strtod(s, NULL);
    if (c) freelocale(c);
    return x;
}

static void print_number(char *buffer, size_t n, const char *format, ...) GR_PRINTF(3, 4);
static void print_number(char *buffer, size_t n, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    gr__print(buffer, n, format, args);
    va_end(args);
}

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

/* Below a power of two doubles lie twice as dense: there the nearest 16 digits may read back as the number below, when
 * the 16 digits one unit further up would do (2^-24 = 5.960464477539063e-08). Adds that unit in place; false if the
 * last digit is a 9 (none of them). */
static bool next_decimal(char *s)
{
    char *e = strchr(s, 'e');
    char *last = (e ? e : s + strlen(s)) - 1;
    if (!is_digit(*last) || *last == '9') return false;
    ++*last;
    return true;
}

const char *gr__double_text(double x, char *buffer)
{
    if (isnan(x)) return strcpy(buffer, "nan");
    if (isinf(x)) return strcpy(buffer, x < 0 ? "-inf" : "inf");
    /* Any decimal of at most 15 digits is told apart by a normal double, so 15 digits less their trailing zeros are the
     * shortest if they read back; denormals hold fewer digits. */
    for (int digits = fabs(x) < DBL_MIN ? 1 : DBL_DIG; digits <= DBL_DECIMAL_DIG; digits++) {
        print_number(buffer, 32, "%.*g", digits, x);
        if (read_decimal(buffer) == x) break;
        if (digits == DBL_DECIMAL_DIG - 1 && next_decimal(buffer) && read_decimal(buffer) == x) break;
    }
    return buffer;
}

/* Steps over digits [. digits] [e [sign] digits]; NULL if there is no such thing. */
static const char *skip_decimal(const char *s)
{
    const char *start = s;
    while (is_digit(*s)) s++;
    size_t digits = (size_t)(s - start);
    if (*s == '.') {
        const char *point = s++;
        while (is_digit(*s)) s++;
        digits += (size_t)(s - point) - 1;
    }
    if (digits == 0) return NULL;
    if (*s == 'e' || *s == 'E') {
        const char *exponent = s + 1;
        if (*exponent == '+' || *exponent == '-') exponent++;
        if (!is_digit(*exponent)) return s; /* an E on its own is a unit: exbibytes */
        while (is_digit(*exponent)) exponent++;
        return exponent;
    }
    return s;
}

bool gr__parse_number(const char *s, double *out)
{
    double sign = *s == '-' ? -1 : 1;
    if (*s == '-' || *s == '+') s++;
    if (strcmp(s, "inf") == 0 || strcmp(s, ".inf") == 0) {
        *out = sign * (double)INFINITY;
        return true;
    }
    const char *end = skip_decimal(s);
    if (!end || (*end && *end != '/')) return false;
    double x = read_decimal(s);
    if (*end == '/') {
        const char *below = end + 1;
        end = skip_decimal(below);
        if (!end || *end) return false;
        x /= read_decimal(below);
    }
    if (!isfinite(x)) return false; /* too large to be a double, or over zero */
    *out = sign * x;
    return true;
}

/* The power of 1024 of a unit ("", B, K, KB, KiB, M, ...), or -1. */
static int unit_power(const char *s)
{
    static const char letters[] = "KMGTPE";
    int power = 0;
    if (s[0] == ' ' && s[1]) s++;
    if (*s) {
        char upper = *s >= 'a' && *s <= 'z' ? (char)(*s - 'a' + 'A') : *s;
        const char *at = strchr(letters, upper);
        if (at) {
            power = (int)(at - letters) + 1;
            s++;
            if (s[0] == 'i' && s[1] == 'B') s++;
        }
    }
    if (*s == 'B') s++;
    return *s ? -1 : power;
}

bool gr__parse_size(const char *s, uint64_t *bytes)
{
    const char *end = skip_decimal(s);
    if (!end) return false;
    int power = unit_power(end);
    if (power < 0) return false;
    uint64_t unit = UINT64_C(1) << (10 * power);

    /* Whole numbers exactly: a double holds only 53 bits of them. */
    uint64_t whole = 0;
    const char *d = s;
    for (; is_digit(*d); d++) {
        if (whole > (UINT64_MAX - (uint64_t)(*d - '0')) / 10) return false;
        whole = whole * 10 + (uint64_t)(*d - '0');
    }
    if (d == end) {
        if (whole > UINT64_MAX / unit) return false;
        *bytes = whole * unit;
        return true;
    }
    double x = read_decimal(s) * (double)unit;
    if (!(x < 18446744073709551616.0)) return false;
    *bytes = (uint64_t)x;
    return true;
}

void gr__size_text(uint64_t bytes, char *buffer, size_t n)
{
    static const char *const units[] = {"B", "KiB", "MiB", "GiB", "TiB", "PiB", "EiB"};
    size_t unit = 0;
    double x = (double)bytes;
    while (x >= 1023.5 && unit + 1 < GR_COUNT(units)) {
        if (unit == 0 && bytes < 1024) break;
        x /= 1024;
        unit++;
    }
    char digits[32];
    int decimals = unit == 0 || x >= 99.95 ? 0 : x >= 9.995 ? 1 : 2;
    print_number(digits, sizeof digits, "%.*f", decimals, x);
    size_t length = strlen(digits);
    if (decimals) {
        while (digits[length - 1] == '0') length--;
        if (digits[length - 1] == '.') length--;
    }
    print_number(buffer, n, "%.*s %s", (int)length, digits, units[unit]);
}
