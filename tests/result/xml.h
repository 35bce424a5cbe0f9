/* A small check of XML: tags nest and close, attributes are quoted, no bare & or <, all of it UTF-8. */
#ifndef GR_TESTS_REPORT_XML_H
#define GR_TESTS_REPORT_XML_H

#include <string.h>

#include "test.h"

static inline const char *name_end(const char *s)
{
    return s + strcspn(s, " \n\t/>=\"<&");
}

static inline const char *check_entity(const char *s)
{
    static const char *const known[] = {"&amp;", "&lt;", "&gt;", "&quot;"};
    for (size_t i = 0; i < GR_COUNT(known); i++)
        if (strncmp(s, known[i], strlen(known[i])) == 0) return s + strlen(known[i]);
    fail_msg("a bare & at: %.40s", s);
    return s;
}

static inline void check_xml(const char *s)
{
    struct {
        const char *at;
        size_t n;
    } open[32];
    int depth = 0;
    for (const unsigned char *u = (const unsigned char *)s; *u; u++) assert_true(*u >= 0x20 || *u == '\n');
    while (*s) {
        if (*s == '&')
            s = check_entity(s);
        else if (*s != '<')
            s++;
        else if (s[1] == '/') {
            const char *end = name_end(s + 2);
            assert_true(depth > 0);
            depth--;
            assert_true(open[depth].n == (size_t)(end - s - 2) && strncmp(open[depth].at, s + 2, open[depth].n) == 0 &&
                        *end == '>');
            s = end + 1;
        } else {
            const char *name = s + 1, *end = name_end(name);
            assert_true(end > name && depth < 32);
            for (s = end; *s && *s != '>' && *s != '/'; s++) {
                assert_true(*s != '<');
                if (*s != '"') continue;
                for (s++; *s && *s != '"'; s = *s == '&' ? check_entity(s) : s + 1) assert_true(*s != '<');
                assert_true(*s == '"');
            }
            if (*s == '/')
                s++;
            else
                open[depth].at = name, open[depth++].n = (size_t)(end - name);
            assert_true(*s++ == '>');
        }
    }
    assert_int_equal(depth, 0);
}

#endif
