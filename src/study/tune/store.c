/* Studies in SQLite. */
#include "study/tune/store.h"

#include <errno.h>
#include <fcntl.h>
#include <math.h>
#include <sqlite3.h>
#include <stdio.h>
#include <string.h>
#include <sys/random.h>
#include <unistd.h>

#include "base/file.h"

enum { OURS = 0x47725475, VERSION = 1, PATIENCE_MS = 60000 }; /* "GrTu" */

const char *const gr__trial_words[] = {"running", "waiting", "done", "pruned", "failed", "diverged", NULL};

static const char SCHEMA[] =
    "CREATE TABLE study(key TEXT PRIMARY KEY, value TEXT NOT NULL);"
    "CREATE TABLE trials(trial INTEGER PRIMARY KEY, state TEXT NOT NULL, seed INTEGER NOT NULL, steps INTEGER NOT "
    "NULL, "
    "metric REAL);"
    "CREATE TABLE settings(trial INTEGER NOT NULL, key TEXT NOT NULL, value, PRIMARY KEY(trial, key)) WITHOUT ROWID;"
    "CREATE TABLE reports(trial INTEGER NOT NULL, step INTEGER NOT NULL, value REAL, PRIMARY KEY(trial, step)) "
    "WITHOUT ROWID;"
    "CREATE TABLE course(trial INTEGER PRIMARY KEY, rung INTEGER NOT NULL, why TEXT);";

struct gr_study {
    gr_context *ctx;
    gr__bump *memory;
    const char *path;
    sqlite3 *db;
    int claims; /* -1: it is read alone */
};

/* ---- SQLite's words as ours ---- */

static gr_status failed(const gr_study *s, int code)
{
    const char *why = s->db ? sqlite3_errmsg(s->db) : sqlite3_errstr(code);
    switch (code & 0xff) {
    case SQLITE_NOMEM:
        return gr__fail(s->ctx, GR_E_MEMORY, "%s: there is no memory for the study", s->path);
    case SQLITE_BUSY:
    case SQLITE_LOCKED:
        return gr__fail(s->ctx, GR_E_BUSY, "%s: another process holds the study", s->path);
    case SQLITE_CANTOPEN:
        return gr__fail(s->ctx, GR_E_FILE, "%s cannot be opened: %s", s->path, why);
    case SQLITE_FULL:
    case SQLITE_IOERR:
    case SQLITE_READONLY:
    case SQLITE_PERM:
        return gr__fail(s->ctx, GR_E_WRITE, "cannot write %s: %s", s->path, why);
    default:
        return gr__fail(s->ctx, GR_E_FORMAT, "%s is no study, or a damaged one: %s", s->path, why);
    }
}

static gr_status run(const gr_study *s, const char *sql)
{
    int code = sqlite3_exec(s->db, sql, NULL, NULL, NULL);
    return code == SQLITE_OK ? GR_OK : failed(s, code);
}

static gr_status prepare(const gr_study *s, const char *sql, sqlite3_stmt **out)
{
    int code = sqlite3_prepare_v2(s->db, sql, -1, out, NULL);
    return code == SQLITE_OK ? GR_OK : failed(s, code);
}

/* A statement that gives no rows, with its places filled; finalized. */
static gr_status perform(const gr_study *s, sqlite3_stmt *q)
{
    int code = sqlite3_step(q);
    gr_status st = code == SQLITE_DONE || code == SQLITE_ROW ? GR_OK : failed(s, code);
    sqlite3_finalize(q);
    return st;
}

/* The next row; *more false: there is none. */
static gr_status next(const gr_study *s, sqlite3_stmt *q, bool *more)
{
    int code = sqlite3_step(q);
    *more = code == SQLITE_ROW;
    return *more || code == SQLITE_DONE ? GR_OK : failed(s, code);
}

/* The first number of the first row; 0 where there is none. */
static gr_status number(const gr_study *s, const char *sql, int64_t *out)
{
    sqlite3_stmt *q = NULL;
    bool more = false;
    gr_status st = prepare(s, sql, &q);
    if (st == GR_OK) st = next(s, q, &more);
    *out = more ? sqlite3_column_int64(q, 0) : 0;
    sqlite3_finalize(q);
    return st;
}

static void bind_real(sqlite3_stmt *q, int at, double x)
{
    if (isfinite(x))
        sqlite3_bind_double(q, at, x);
    else
        sqlite3_bind_null(q, at);
}

static double real_at(sqlite3_stmt *q, int at)
{
    return sqlite3_column_type(q, at) == SQLITE_NULL ? (double)NAN : sqlite3_column_double(q, at);
}

/* ---- opening ---- */

static gr_status connect_to(gr_context *ctx, const char *path, int flags, gr_study **out)
{
    gr__bump *b = gr__bump_create(ctx);
    gr_study *s = b ? gr__bump_alloc(b, sizeof *s) : NULL;
    *out = s;
    if (!s) {
        gr__bump_destroy(b);
        return GR_E_MEMORY;
    }
    *s = (gr_study){.ctx = ctx, .memory = b, .path = gr__bump_strdup(b, path), .claims = -1};
    if (!s->path) return GR_E_MEMORY;
    int code = sqlite3_open_v2(path, &s->db, flags | SQLITE_OPEN_NOMUTEX, NULL);
    if (code != SQLITE_OK) return failed(s, code);
    sqlite3_busy_timeout(s->db, PATIENCE_MS);
    sqlite3_db_config(s->db, SQLITE_DBCONFIG_DEFENSIVE, 1, NULL);
    return run(s, "PRAGMA trusted_schema = OFF");
}

static gr_status check_damage(const gr_study *s)
{
    sqlite3_stmt *q = NULL;
    bool more = false;
    gr_status st = prepare(s, "PRAGMA quick_check(1)", &q);
    if (st == GR_OK) st = next(s, q, &more);
    const char *word = more ? (const char *)sqlite3_column_text(q, 0) : NULL;
    if (st == GR_OK && (!word || strcmp(word, "ok") != 0))
        st = gr__fail(s->ctx, GR_E_FORMAT, "%s is damaged: %.200s", s->path, word ? word : "nothing is there");
    sqlite3_finalize(q);
    return st;
}

/* The tables with their columns. */
static gr_status check_tables(const gr_study *s)
{
    static const char *const asked[] = {
        "SELECT key, value FROM study",           "SELECT trial, state, seed, steps, metric FROM trials",
        "SELECT trial, key, value FROM settings", "SELECT trial, step, value FROM reports",
        "SELECT trial, rung, why FROM course",
    };
    gr_status st = GR_OK;
    for (size_t i = 0; i < GR_COUNT(asked) && st == GR_OK; i++) {
        sqlite3_stmt *q = NULL;
        st = prepare(s, asked[i], &q);
        sqlite3_finalize(q);
    }
    return st;
}

static gr_status check_kind(const gr_study *s, bool *empty)
{
    int64_t id, version, tables;
    gr_status st = number(s, "SELECT count(*) FROM sqlite_master", &tables);
    if (st == GR_OK) st = number(s, "PRAGMA application_id", &id);
    if (st == GR_OK) st = number(s, "PRAGMA user_version", &version);
    if (st != GR_OK) return st;
    *empty = tables == 0 && id == 0;
    if (*empty) return GR_OK;
    if (id != OURS) return gr__fail(s->ctx, GR_E_FORMAT, "%s is a database of another program, no study", s->path);
    if (version != VERSION)
        return gr__fail(s->ctx, GR_E_FORMAT, "%s is a study of version %lld; this gradus knows version %d", s->path,
                        (long long)version, VERSION);
    gr_status whole = check_damage(s);
    return whole == GR_OK ? check_tables(s) : whole;
}

static gr_status put_fact(const gr_study *s, const char *key, const char *value)
{
    sqlite3_stmt *q = NULL;
    gr_status st = prepare(s, "INSERT INTO study VALUES(?, ?)", &q);
    if (st != GR_OK) return st;
    sqlite3_bind_text(q, 1, key, -1, SQLITE_TRANSIENT);
    sqlite3_bind_text(q, 2, value, -1, SQLITE_TRANSIENT);
    return perform(s, q);
}

/* A name that no other study has: what a trial leaves on the disk is told by it from what another study left there. */
static gr_status put_name(const gr_study *s)
{
    unsigned char bytes[8];
    char text[2 * sizeof bytes + 1];
    if (getrandom(bytes, sizeof bytes, 0) != (ssize_t)sizeof bytes)
        return gr__fail(s->ctx, GR_E_FILE, "the system gives no random numbers");
    for (size_t i = 0; i < sizeof bytes; i++) snprintf(text + 2 * i, 3, "%02x", bytes[i]);
    return put_fact(s, "id", text);
}

/* All of it at once, or nothing: another process may be making the same file. */
static gr_status make(gr_study *s, const gr_fact *facts, int n)
{
    bool empty = false;
    char pragma[80];
    gr_status st = gr__study_begin(s);
    if (st != GR_OK) return st;
    GR_TRY(check_kind(s, &empty));
    if (!empty) goto done;
    snprintf(pragma, sizeof pragma, "PRAGMA application_id = %d; PRAGMA user_version = %d", OURS, VERSION);
    GR_TRY(run(s, SCHEMA));
    GR_TRY(run(s, pragma));
    GR_TRY(put_name(s));
    for (int i = 0; i < n; i++) GR_TRY(put_fact(s, facts[i].key, facts[i].value));
done:;
    gr_status ended = gr__study_end(s, st == GR_OK);
    return st == GR_OK ? ended : st;
}

static gr_status open_claims(gr_study *s)
{
    const char *path = gr__bump_format(s->memory, "%s-claims", s->path);
    if (!path) return GR_E_MEMORY;
    s->claims = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0666);
    return s->claims >= 0 ? GR_OK : gr__fail(s->ctx, GR_E_WRITE, "cannot write %s: %s", path, strerror(errno));
}

gr_status gr__study_open(gr_context *ctx, const char *path, const gr_fact *facts, int n, gr_study **out)
{
    gr_study *s;
    gr_status st = connect_to(ctx, path, SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE, &s);
    if (st == GR_OK) st = make(s, facts, n);
    if (st == GR_OK) st = open_claims(s);
    if (st == GR_OK)
        *out = s;
    else
        gr__study_close(s);
    return st;
}

gr_status gr__study_read(gr_context *ctx, const char *path, gr_study **out)
{
    gr_study *s = NULL;
    bool empty = false;
    if (!gr__file_exists(path)) return gr__fail(ctx, GR_E_FILE, "%s: there is no such file", path);
    gr_status st = connect_to(ctx, path, SQLITE_OPEN_READWRITE, &s); /* what a killed writer left is put right */
    if (st == GR_OK) st = check_kind(s, &empty);
    if (st == GR_OK && empty) st = gr__fail(ctx, GR_E_FORMAT, "%s is empty, no study", path);
    if (st == GR_OK)
        *out = s;
    else
        gr__study_close(s);
    return st;
}

void gr__study_close(gr_study *s)
{
    if (!s) return;
    if (s->claims >= 0) close(s->claims);
    sqlite3_close(s->db);
    gr__bump_destroy(s->memory);
}

bool gr__study_is_one(const char *path)
{
    static const char magic[] = "SQLite format 3";
    char head[sizeof magic] = "";
    FILE *f = fopen(path, "rb");
    if (!f) return false;
    bool is = fread(head, 1, sizeof head, f) == sizeof head && memcmp(head, magic, sizeof magic) == 0;
    fclose(f);
    return is;
}

const char *gr__study_fact(gr_study *s, const char *key)
{
    sqlite3_stmt *q = NULL;
    bool more = false;
    const char *out = NULL;
    gr_status st = prepare(s, "SELECT value FROM study WHERE key = ?", &q);
    if (st == GR_OK) sqlite3_bind_text(q, 1, key, -1, SQLITE_TRANSIENT);
    if (st == GR_OK) st = next(s, q, &more);
    const char *text = more ? (const char *)sqlite3_column_text(q, 0) : NULL;
    if (text) out = gr__bump_strdup(s->memory, text);
    sqlite3_finalize(q);
    return out;
}

gr_status gr__study_begin(gr_study *s)
{
    return run(s, "BEGIN IMMEDIATE");
}

gr_status gr__study_end(gr_study *s, bool keep)
{
    if (sqlite3_get_autocommit(s->db)) return GR_OK; /* a failure has ended it already */
    gr_status st = keep ? run(s, "COMMIT") : GR_OK;
    if (!sqlite3_get_autocommit(s->db)) sqlite3_exec(s->db, "ROLLBACK", NULL, NULL, NULL);
    return st;
}

/* ---- claims ---- */

static int lock(const gr_study *s, int64_t trial, short type)
{
    struct flock l = {.l_type = type, .l_whence = SEEK_SET, .l_start = trial, .l_len = 1};
    return fcntl(s->claims, F_OFD_SETLK, &l);
}

gr_status gr__study_claim(gr_study *s, int64_t trial, bool *mine)
{
    *mine = lock(s, trial, F_WRLCK) == 0;
    if (*mine || errno == EAGAIN || errno == EACCES) return GR_OK;
    return gr__fail(s->ctx, GR_E_WRITE, "%s-claims cannot be locked: %s", s->path, strerror(errno));
}

void gr__study_release(gr_study *s, int64_t trial)
{
    lock(s, trial, F_UNLCK);
}

/* ---- trials ---- */

static gr_status damaged(const gr_study *s, int64_t trial, const char *what)
{
    return gr__fail(s->ctx, GR_E_FORMAT, "%s is damaged: trial %lld %s", s->path, (long long)trial, what);
}

static gr_status read_trial(gr_study *s, sqlite3_stmt *q, gr__bump *b, gr_trial *t)
{
    const char *state = (const char *)sqlite3_column_text(q, 1), *why = (const char *)sqlite3_column_text(q, 6);
    int64_t expected = t->trial;
    int i = 0;
    while (gr__trial_words[i] && state && strcmp(gr__trial_words[i], state) != 0) i++;
    *t = (gr_trial){.trial = sqlite3_column_int64(q, 0),
                    .state = (gr_trial_state)i,
                    .seed = sqlite3_column_int64(q, 2),
                    .steps = sqlite3_column_int64(q, 3),
                    .metric = real_at(q, 4),
                    .rung = sqlite3_column_int(q, 5),
                    .why = why ? gr__bump_strdup(b, why) : NULL};
    for (int k = 0; k < GR_MOST_SPACES; k++) t->point.at[k] = NAN;
    if (why && !t->why) return GR_E_MEMORY;
    if (t->trial != expected) return damaged(s, expected, "is missing");
    if (!state || !gr__trial_words[i]) return damaged(s, expected, "is in no state that there is");
    if (t->steps < 0 || t->rung < 0) return damaged(s, expected, "has gone less than no way");
    return GR_OK;
}

/* The value as a space has it; NaN: it is none of its. */
static double value_of(const gr_space *space, sqlite3_stmt *q, int at)
{
    int type = sqlite3_column_type(q, at);
    double x = type == SQLITE_FLOAT || type == SQLITE_INTEGER ? sqlite3_column_double(q, at) : (double)NAN, y;
    if (space->kind != GR_SPACE_CHOICES) return x >= space->low && x <= space->high ? x : (double)NAN;
    const char *text = type == SQLITE_TEXT ? (const char *)sqlite3_column_text(q, at) : NULL;
    for (int i = 0; i < space->n_choices; i++)
        if (text ? strcmp(text, space->choice[i]) == 0 : gr__parse_number(space->choice[i], &y) && y == x) return i;
    return NAN;
}

static gr_status read_settings(gr_study *s, const gr_spaces *spaces, gr_trial *all, int n)
{
    sqlite3_stmt *q = NULL;
    bool more = false;
    gr_status st = prepare(s, "SELECT trial, key, value FROM settings", &q);
    while (st == GR_OK && (st = next(s, q, &more)) == GR_OK && more) {
        int64_t trial = sqlite3_column_int64(q, 0);
        const char *key = (const char *)sqlite3_column_text(q, 1);
        int k = key ? gr__spaces_find(spaces, key) : -1;
        if (trial < 0 || trial >= n || k < 0)
            st = damaged(s, trial, "has a setting of no space");
        else if (isnan(all[trial].point.at[k] = value_of(&spaces->at[k], q, 2)))
            st = damaged(s, trial, "has a value that is not in its space");
    }
    sqlite3_finalize(q);
    for (int i = 0; i < n && st == GR_OK; i++)
        for (int k = 0; k < spaces->n && st == GR_OK; k++)
            if (gr__space_applies(spaces, k, &all[i].point) == isnan(all[i].point.at[k]))
                st = damaged(s, i, "has not the settings that it wants");
    return st;
}

gr_status gr__study_trials(gr_study *s, const gr_spaces *spaces, gr__bump *b, gr_trial **out, int *n)
{
    sqlite3_stmt *q = NULL;
    int64_t count = 0, room;
    bool more = false;
    *n = 0;
    gr_status st = number(s, "SELECT count(*) FROM trials", &count);
    if (st != GR_OK) return st;
    room = GR_MAX(count, 1);
    *out = gr__bump_alloc(b, (size_t)room * sizeof **out);
    if (!*out) return GR_E_MEMORY;
    st = prepare(s,
                 "SELECT trials.trial, state, seed, steps, metric, rung, why FROM trials LEFT JOIN course "
                 "ON trials.trial = course.trial ORDER BY trials.trial",
                 &q);
    while (st == GR_OK && *n < count && (st = next(s, q, &more)) == GR_OK && more) {
        (*out)[*n].trial = *n;
        st = read_trial(s, q, b, &(*out)[*n]);
        ++*n;
    }
    sqlite3_finalize(q);
    return st == GR_OK ? read_settings(s, spaces, *out, *n) : st;
}

static gr_status put_setting(gr_study *s, int64_t trial, const gr_space *space, double x)
{
    char text[GR_SPACE_TEXT];
    double y = x;
    sqlite3_stmt *q = NULL;
    gr_status st = prepare(s, "INSERT INTO settings VALUES(?, ?, ?)", &q);
    if (st != GR_OK) return st;
    gr__space_text(space, x, text);
    sqlite3_bind_int64(q, 1, trial);
    sqlite3_bind_text(q, 2, space->key, -1, SQLITE_TRANSIENT);
    if (space->kind == GR_SPACE_CHOICES && !gr__parse_number(text, &y))
        sqlite3_bind_text(q, 3, text, -1, SQLITE_TRANSIENT);
    else if (floor(y) == y && fabs(y) < 1e15)
        sqlite3_bind_int64(q, 3, (int64_t)y);
    else
        sqlite3_bind_double(q, 3, y);
    return perform(s, q);
}

gr_status gr__study_put(gr_study *s, const gr_trial *t)
{
    sqlite3_stmt *q = NULL;
    gr_status st = prepare(s, "UPDATE trials SET state = ?, steps = ?, metric = ? WHERE trial = ?", &q);
    if (st != GR_OK) return st;
    sqlite3_bind_text(q, 1, gr__trial_words[t->state], -1, SQLITE_STATIC);
    sqlite3_bind_int64(q, 2, t->steps);
    bind_real(q, 3, t->metric);
    sqlite3_bind_int64(q, 4, t->trial);
    st = perform(s, q);
    if (st == GR_OK) st = prepare(s, "INSERT OR REPLACE INTO course VALUES(?, ?, ?)", &q);
    if (st != GR_OK) return st;
    sqlite3_bind_int64(q, 1, t->trial);
    sqlite3_bind_int(q, 2, t->rung);
    if (t->why) sqlite3_bind_text(q, 3, t->why, -1, SQLITE_TRANSIENT);
    return perform(s, q);
}

gr_status gr__study_add(gr_study *s, const gr_spaces *spaces, const gr_trial *t)
{
    sqlite3_stmt *q = NULL;
    gr_status st = prepare(s, "INSERT INTO trials VALUES(?, 'running', ?, 0, NULL)", &q);
    if (st != GR_OK) return st;
    sqlite3_bind_int64(q, 1, t->trial);
    sqlite3_bind_int64(q, 2, t->seed);
    st = perform(s, q);
    for (int k = 0; k < spaces->n && st == GR_OK; k++)
        if (!isnan(t->point.at[k])) st = put_setting(s, t->trial, &spaces->at[k], t->point.at[k]);
    return st == GR_OK ? gr__study_put(s, t) : st;
}

/* ---- reports ---- */

gr_status gr__study_report(gr_study *s, int64_t trial, int64_t step, double value)
{
    sqlite3_stmt *q = NULL;
    gr_status st = prepare(s, "INSERT OR REPLACE INTO reports VALUES(?, ?, ?)", &q);
    if (st != GR_OK) return st;
    sqlite3_bind_int64(q, 1, trial);
    sqlite3_bind_int64(q, 2, step);
    bind_real(q, 3, value);
    return perform(s, q);
}

gr_status gr__study_reports(gr_study *s, int64_t trial, gr__bump *b, gr_reported **out, int *n)
{
    sqlite3_stmt *q = NULL;
    int64_t count = 0;
    bool more = false;
    *n = 0;
    gr_status st = number(s, "SELECT count(*) FROM reports", &count);
    if (st != GR_OK) return st;
    *out = gr__bump_alloc(b, (size_t)GR_MAX(count, 1) * sizeof **out);
    if (!*out) return GR_E_MEMORY;
    st = prepare(s, "SELECT trial, step, value FROM reports WHERE ?1 < 0 OR trial = ?1 ORDER BY trial, step", &q);
    if (st == GR_OK) sqlite3_bind_int64(q, 1, trial);
    while (st == GR_OK && *n < count && (st = next(s, q, &more)) == GR_OK && more)
        (*out)[(*n)++] = (gr_reported){sqlite3_column_int64(q, 0), sqlite3_column_int64(q, 1), real_at(q, 2)};
    sqlite3_finalize(q);
    return st;
}
