/* Status codes: the one table from which names, texts and exit codes come.
 *
 * Numbers are pinned: they never change once released. Everything that can fail returns a gr_status; the text of the
 * first failure, with file, line, key and a hint, is kept by the context (gradus/context.h). */
#ifndef GRADUS_STATUS_H
#define GRADUS_STATUS_H

#ifdef __cplusplus
extern "C" {
#endif

/*      code              number  name             exit  text */
#define GR_STATUS_TABLE(X)                                                      \
    X(GR_OK, 0, "OK", 0, "done")                                                \
    X(GR_E_CHECK, 1, "E_CHECK", 1, "a check or a target failed")                \
    X(GR_E_DIVERGED, 2, "E_DIVERGED", 1, "the cost is not finite")              \
    X(GR_E_USAGE, 3, "E_USAGE", 2, "wrong use of a command or function")        \
    X(GR_E_SYNTAX, 4, "E_SYNTAX", 2, "the recipe is not valid YAML")            \
    X(GR_E_KEY, 5, "E_KEY", 2, "unknown key")                                   \
    X(GR_E_TYPE, 6, "E_TYPE", 2, "wrong type")                                  \
    X(GR_E_RANGE, 7, "E_RANGE", 2, "value out of range")                        \
    X(GR_E_NAME, 8, "E_NAME", 2, "unknown name")                                \
    X(GR_E_MISSING, 9, "E_MISSING", 2, "a required key is missing")             \
    X(GR_E_CONFLICT, 10, "E_CONFLICT", 2, "two settings contradict each other") \
    X(GR_E_SHAPE, 11, "E_SHAPE", 2, "shapes do not fit")                        \
    X(GR_E_UNSUPPORTED, 12, "E_UNSUPPORTED", 2, "not supported here")           \
    X(GR_E_EXISTS, 13, "E_EXISTS", 2, "exists already")                         \
    X(GR_E_FILE, 14, "E_FILE", 3, "a file cannot be read")                      \
    X(GR_E_FORMAT, 15, "E_FORMAT", 3, "a file is damaged or not of its format") \
    X(GR_E_DATA, 16, "E_DATA", 3, "the data is not what the recipe says")       \
    X(GR_E_WRITE, 17, "E_WRITE", 3, "a file cannot be written")                 \
    X(GR_E_MEMORY, 18, "E_MEMORY", 4, "out of memory")                          \
    X(GR_E_BUDGET, 19, "E_BUDGET", 4, "over the memory budget")                 \
    X(GR_E_INTERRUPTED, 20, "E_INTERRUPTED", 5, "interrupted")                  \
    X(GR_E_INTERNAL, 21, "E_INTERNAL", 70, "a bug of ours, please report it")   \
    X(GR_E_BUSY, 22, "E_BUSY", 2, "another process is at work there")

typedef enum gr_status {
#define GR_STATUS_ROW(code, number, name, exit, text) code = number,
    GR_STATUS_TABLE(GR_STATUS_ROW)
#undef GR_STATUS_ROW
} gr_status;

/* What the shared library exports: everything that these headers declare, and nothing else. */
#if defined(__GNUC__)
#define GR_API __attribute__((visibility("default")))
#define GR_CHECKED __attribute__((warn_unused_result))
#define GR_PRINTF(fmt, args) __attribute__((format(printf, fmt, args)))
#else
#define GR_API
#define GR_CHECKED
#define GR_PRINTF(fmt, args)
#endif

/* Symbolic name ("E_RANGE"), one-line text and process exit code of a status. Never NULL; static strings. */
GR_API const char *gr_status_name(gr_status s);
GR_API const char *gr_status_text(gr_status s);
GR_API int gr_status_exit_code(gr_status s);

#ifdef __cplusplus
}
#endif
#endif
