/* Files: whole reads with a bound, and atomic writes (temporary name, fsync, rename). */
#ifndef GR_BASE_FILE_H
#define GR_BASE_FILE_H

#include "base/base.h"

/* Reads a whole file into bookkeeping memory (one NUL byte follows the data and is not counted). GR_E_FILE, or
 * GR_E_FORMAT beyond max_bytes. Free with gr__free(ctx, data, bytes + 1). */
gr_status gr__file_read(gr_context *ctx, const char *path, uint64_t max_bytes, char **data, size_t *bytes);

/* An atomic writer: everything goes to `path`.tmp-PID (-1, -2, ... where that exists); commit syncs file and folder and
 * renames; abort removes. After the first failed write the rest do nothing and commit returns GR_E_WRITE, naming path
 * and reason, with the temporary file removed. A device or pipe is written directly; a symbolic link is followed. */
typedef struct gr__writer gr__writer;
gr_status gr__writer_open(gr_context *ctx, const char *path, gr__writer **out);
void gr__writer_put(gr__writer *w, const void *data, size_t bytes);
gr_status gr__writer_commit(gr__writer *w); /* frees w, whatever the outcome */
void gr__writer_abort(gr__writer *w);       /* frees w; NULL is fine */
gr_status gr__file_write(gr_context *ctx, const char *path, const void *data, size_t bytes); /* open, put, commit */
/* Fault injection for tests: the k-th write(2) from now on fails with ENOSPC; 0 switches off. */
void gr__fail_write(gr_context *ctx, uint64_t k);

/* fsync, unless the context leaves that be: what it writes can be made again, and only has to be whole while the system
 * stands. */
int gr__sync(const gr_context *ctx, int fd);
void gr__sync_none(gr_context *ctx, bool none);

gr_status gr__make_folder(gr_context *ctx, const char *path); /* with parents; fine when it exists */
bool gr__file_exists(const char *path);
/* Joins a folder and a relative path; an absolute `name` is returned as it is. Owned (gr__strfree). */
char *gr__path_join(gr_context *ctx, const char *folder, const char *name);
char *gr__path_folder(gr_context *ctx, const char *path);   /* "a/b.c" -> "a", "b" -> "." */
char *gr__path_absolute(gr_context *ctx, const char *path); /* without resolving links; the file need not exist */

/* A model, a recipe, data or a run could not be read from `path` (st: why). Where the file is one of another kind, the
 * kept error says so instead, and how to go on. Gives the status that then holds. kind: of data, "a table of text", "an
 * NPY array", "an NPZ archive", "an IDX file"; NULL: any. */
gr_status gr__mistaken_model(gr_context *ctx, const char *path, gr_status st);
gr_status gr__mistaken_recipe(gr_context *ctx, const char *path, gr_status st);
gr_status gr__mistaken_data(gr_context *ctx, const char *path, const char *kind, gr_status st);
gr_status gr__mistaken_run(gr_context *ctx, const char *path, gr_status st);

uint32_t gr__crc32(uint32_t crc, const void *data, size_t bytes); /* start with 0; the zlib polynomial */

#endif
