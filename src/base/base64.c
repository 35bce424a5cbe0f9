/* Three bytes a quartet of letters; = where bytes are lacking. */
#include "base/base64.h"

#include <string.h>

static const char letters[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

void gr__base64_put(gr__text *out, const void *bytes, size_t n)
{
    const unsigned char *s = bytes;
    for (size_t i = 0; i < n; i += 3) {
        size_t has = GR_MIN(n - i, 3);
        unsigned x = (unsigned)s[i] << 16 | (has > 1 ? (unsigned)s[i + 1] << 8 : 0) | (has > 2 ? s[i + 2] : 0);
        char quartet[4];
        for (size_t k = 0; k < 4; k++) quartet[k] = k <= has ? letters[x >> (18 - 6 * k) & 63] : '=';
        gr__text_put(out, quartet, 4);
    }
}

bool gr__base64_take(const char *text, void *bytes, size_t n)
{
    unsigned char *to = bytes;
    if (strlen(text) != (n + 2) / 3 * 4) return false;
    for (size_t i = 0; i < n; i += 3, text += 4) {
        size_t has = GR_MIN(n - i, 3);
        unsigned x = 0;
        for (size_t k = 0; k < 4; k++) {
            const char *at = text[k] ? strchr(letters, text[k]) : NULL;
            if (k <= has ? !at : text[k] != '=') return false;
            x = x << 6 | (k <= has ? (unsigned)(at - letters) : 0);
        }
        for (size_t k = 0; k < has; k++) to[i + k] = (unsigned char)(x >> (16 - 8 * k));
    }
    return true;
}
