/* Files: bounded reads, atomic writes under every failure, paths. */
#include "test.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/file.h"

typedef struct place {
    gr_context *ctx;
    char folder[64];
    char path[128]; /* folder/file */
} place;

static int set_up(void **state)
{
    place *p = calloc(1, sizeof *p);
    strcpy(p->folder, "/tmp/gradus-file-XXXXXX");
    if (!mkdtemp(p->folder)) return -1;
    snprintf(p->path, sizeof p->path, "%s/file", p->folder);
    p->ctx = test_context();
    *state = p;
    return 0;
}

static int tear_down(void **state)
{
    place *p = *state;
    char command[128];
    snprintf(command, sizeof command, "rm -rf %s", p->folder);
    (void)!system(command);
    bool clean = gr__bookkeeping_bytes(p->ctx) ==
                 0; /* else the test failed half way: say that, rather than run into an assertion */
    if (clean) gr_context_destroy(p->ctx);
    free(p);
    return clean ? 0 : -1;
}

static int entries(const char *folder)
{
    DIR *d = opendir(folder);
    assert_non_null(d);
    int n = -2; /* . and .. */
    while (readdir(d)) n++;
    closedir(d);
    return n;
}

static void expect_file(place *p, const char *path, const void *data, size_t bytes)
{
    char *got = NULL;
    size_t n = 0;
    test_ok(p->ctx, gr__file_read(p->ctx, path, UINT64_MAX, &got, &n));
    assert_int_equal(n, bytes);
    assert_memory_equal(got, data, bytes);
    assert_int_equal(got[n], 0);
    gr__free(p->ctx, got, n + 1);
}

static void expect_failure(place *p, gr_status st, gr_status expected, const char *word)
{
    assert_int_equal(st, expected);
    assert_int_equal(gr__error_code(p->ctx), expected);
    const char *m = gr_context_error(p->ctx)->message;
    if (!strstr(m, word)) fail_msg("\"%s\" is not in \"%s\"", word, m);
    gr_context_clear_error(p->ctx);
}

static void round_trip(void **state)
{
    place *p = *state;
    static const size_t sizes[] = {0, 1, 4095, 4096, 65535, 65536, 65537, 300001};
    char *data = malloc(300001);
    for (size_t i = 0; i < 300001; i++) data[i] = (char)(i * 7 + i / 256);
    for (size_t i = 0; i < GR_COUNT(sizes); i++) {
        test_ok(p->ctx, gr__file_write(p->ctx, p->path, data, sizes[i]));
        expect_file(p, p->path, data, sizes[i]);
    }
    gr__writer *w = NULL; /* pieces of all sizes around the buffer's */
    test_ok(p->ctx, gr__writer_open(p->ctx, p->path, &w));
    size_t at = 0;
    for (size_t piece = 1; at < 300001; piece = piece * 3 % 70001) {
        size_t n = GR_MIN(piece, 300001 - at);
        gr__writer_put(w, data + at, n);
        gr__writer_put(w, NULL, 0);
        at += n;
    }
    test_ok(p->ctx, gr__writer_commit(w));
    expect_file(p, p->path, data, 300001);
    assert_int_equal(entries(p->folder), 1);
    free(data);
}

static void read_bounds(void **state)
{
    place *p = *state;
    char *data = NULL;
    size_t n = 0;
    expect_failure(p, gr__file_read(p->ctx, p->path, 100, &data, &n), GR_E_FILE, "No such file");
    expect_failure(p, gr__file_read(p->ctx, p->path, 100, &data, &n), GR_E_FILE, p->path);
    expect_failure(p, gr__file_read(p->ctx, p->folder, 100, &data, &n), GR_E_FILE, "Is a directory");
    test_ok(p->ctx, gr__file_write(p->ctx, p->path, "12345", 5));
    expect_failure(p, gr__file_read(p->ctx, p->path, 4, &data, &n), GR_E_FORMAT, "4 B");
    assert_null(data);
    test_ok(p->ctx, gr__file_read(p->ctx, p->path, 5, &data, &n));
    gr__free(p->ctx, data, n + 1);
    /* Endless, and of unknown length: the bound stops it. */
    data = NULL;
    expect_failure(p, gr__file_read(p->ctx, "/dev/zero", 100000, &data, &n), GR_E_FORMAT, "/dev/zero");
    assert_null(data);
    test_ok(p->ctx, gr__file_read(p->ctx, "/dev/null", 0, &data, &n));
    assert_int_equal(n, 0);
    gr__free(p->ctx, data, 1);
    if (access("/proc/self/mem", R_OK) == 0) /* opens, but page 0 cannot be read */
        expect_failure(p, gr__file_read(p->ctx, "/proc/self/mem", 100, &data, &n), GR_E_FILE, "Input/output error");
    if (access("/proc/self/status", R_OK) == 0) { /* says 0 bytes, holds more */
        test_ok(p->ctx, gr__file_read(p->ctx, "/proc/self/status", 1 << 20, &data, &n));
        assert_true(n > 100 && strlen(data) == n);
        gr__free(p->ctx, data, n + 1);
    }
}

static void abort_leaves_nothing(void **state)
{
    place *p = *state;
    test_ok(p->ctx, gr__file_write(p->ctx, p->path, "old", 3));
    gr__writer *w = NULL;
    test_ok(p->ctx, gr__writer_open(p->ctx, p->path, &w));
    gr__writer_put(w, "new and unfinished", 18);
    expect_file(p, p->path, "old", 3);
    gr__writer_abort(w);
    gr__writer_abort(NULL);
    expect_file(p, p->path, "old", 3);
    assert_int_equal(entries(p->folder), 1);
}

static void two_writers(void **state)
{
    place *p = *state;
    gr__writer *a = NULL, *b = NULL;
    test_ok(p->ctx, gr__writer_open(p->ctx, p->path, &a));
    test_ok(p->ctx, gr__writer_open(p->ctx, p->path, &b));
    gr__writer_put(a, "a", 1);
    gr__writer_put(b, "bb", 2);
    test_ok(p->ctx, gr__writer_commit(b));
    expect_file(p, p->path, "bb", 2);
    test_ok(p->ctx, gr__writer_commit(a));
    expect_file(p, p->path, "a", 1);
    assert_int_equal(entries(p->folder), 1);
}

static void writers_refuse(void **state)
{
    place *p = *state;
    gr__writer *w = NULL;
    char path[128];
    snprintf(path, sizeof path, "%s/none/file", p->folder);
    expect_failure(p, gr__writer_open(p->ctx, path, &w), GR_E_WRITE, "No such file");
    expect_failure(p, gr__writer_open(p->ctx, path, &w), GR_E_WRITE, path);
    expect_failure(p, gr__writer_open(p->ctx, p->folder, &w), GR_E_WRITE, "Is a directory");
    expect_failure(p, gr__writer_open(p->ctx, "", &w), GR_E_WRITE, "cannot write");
    char longest[5000];
    memset(longest, 'x', sizeof longest - 1);
    longest[sizeof longest - 1] = '\0';
    expect_failure(p, gr__writer_open(p->ctx, longest, &w), GR_E_WRITE, "cannot write");
    assert_null(w);
    /* The folder disappears under the writer. */
    snprintf(path, sizeof path, "%s/gone", p->folder);
    test_ok(p->ctx, gr__make_folder(p->ctx, path));
    snprintf(path, sizeof path, "%s/gone/file", p->folder);
    test_ok(p->ctx, gr__writer_open(p->ctx, path, &w));
    char command[160];
    snprintf(command, sizeof command, "rm -rf %s/gone", p->folder);
    assert_int_equal(system(command), 0);
    gr__writer_put(w, "x", 1);
    expect_failure(p, gr__writer_commit(w), GR_E_WRITE, path);
}

static void links_devices_permissions(void **state)
{
    place *p = *state;
    struct stat about;
    test_ok(p->ctx, gr__file_write(p->ctx, p->path, "old", 3));
    assert_int_equal(chmod(p->path, 0640), 0);
    char link[128];
    snprintf(link, sizeof link, "%s/link", p->folder);
    assert_int_equal(symlink("file", link), 0);
    test_ok(p->ctx, gr__file_write(p->ctx, link, "through", 7));
    expect_file(p, p->path, "through", 7);
    assert_int_equal(lstat(link, &about), 0);
    assert_true(S_ISLNK(about.st_mode));
    assert_int_equal(stat(p->path, &about), 0);
    assert_int_equal(about.st_mode & 07777, 0640);

    test_ok(p->ctx, gr__file_write(p->ctx, "/dev/null", "x", 1));
    assert_int_equal(stat("/dev/null", &about), 0);
    assert_true(S_ISCHR(about.st_mode));
    if (access("/dev/full", W_OK) == 0)
        expect_failure(p, gr__file_write(p->ctx, "/dev/full", "x", 1), GR_E_WRITE, "No space left");

    unlink(p->path); /* now the link leads nowhere: it is replaced */
    test_ok(p->ctx, gr__file_write(p->ctx, link, "plain", 5));
    assert_int_equal(lstat(link, &about), 0);
    assert_true(S_ISREG(about.st_mode));
}

/* Five writes of one buffer each, and a last of what is left. */
static gr_status write_much(gr_context *ctx, const char *path)
{
    static char piece[10000];
    gr__writer *w = NULL;
    gr_status st = gr__writer_open(ctx, path, &w);
    if (st != GR_OK) return st;
    for (int i = 0; i < 35; i++) gr__writer_put(w, piece, sizeof piece);
    return gr__writer_commit(w);
}

static void each_write_fails(void **state)
{
    place *p = *state;
    test_ok(p->ctx, gr__file_write(p->ctx, p->path, "old", 3));
    int failures = 0;
    for (uint64_t k = 1;; k++, failures++) {
        gr__fail_write(p->ctx, k);
        gr_status st = write_much(p->ctx, p->path);
        if (st == GR_OK) break;
        expect_failure(p, st, GR_E_WRITE, "No space left on device");
        expect_file(p, p->path, "old", 3);
        assert_int_equal(entries(p->folder), 1);
    }
    assert_int_equal(failures, 6);
    gr__fail_write(p->ctx, 0);
    test_ok(p->ctx, write_much(p->ctx, p->path));
    /* The error names path and reason, also when the failed writer is aborted. */
    gr__writer *w = NULL;
    test_ok(p->ctx, gr__writer_open(p->ctx, p->path, &w));
    gr__fail_write(p->ctx, 1);
    char *big = calloc(1, 100000);
    gr__writer_put(w, big, 100000);
    gr__writer_put(w, big, 100000);
    free(big);
    gr__writer_abort(w);
    expect_failure(p, GR_E_WRITE, GR_E_WRITE, p->path);
}

/* All that takes memory here, once. */
static gr_status everything(place *p)
{
    gr_context *ctx = p->ctx;
    gr_status st;
    char *data = NULL, *folder = NULL, *path = NULL, *again = NULL;
    size_t n = 0;
    GR_TRY(gr__file_write(ctx, p->path, "data", 4));
    GR_TRY(gr__file_read(ctx, p->path, 100, &data, &n));
    gr__free(ctx, data, n + 1);
    data = NULL;
    if (access("/proc/self/maps", R_OK) == 0) GR_TRY(gr__file_read(ctx, "/proc/self/maps", 1 << 20, &data, &n));
    st = GR_E_MEMORY;
    if (!(folder = gr__path_folder(ctx, p->path))) goto done;
    if (!(path = gr__path_join(ctx, folder, "deep/er"))) goto done;
    if (!(again = gr__path_absolute(ctx, "x"))) goto done;
    GR_TRY(gr__make_folder(ctx, path));
done:
    if (data) gr__free(ctx, data, n + 1);
    gr__strfree(ctx, folder);
    gr__strfree(ctx, path);
    gr__strfree(ctx, again);
    return st;
}

static void each_acquisition_fails(void **state)
{
    place *p = *state;
    test_ok(p->ctx, gr__file_write(p->ctx, p->path, "old", 3));
    uint64_t k = 1;
    for (;; k++) {
        gr__fail_acquisition(p->ctx, k);
        gr_status st = everything(p);
        gr__fail_acquisition(p->ctx, 0);
        assert_int_equal(gr__bookkeeping_bytes(p->ctx), 0);
        char temporary[160];
        snprintf(temporary, sizeof temporary, "%s.tmp-%ld", p->path, (long)getpid());
        assert_false(gr__file_exists(temporary));
        if (st == GR_OK) break;
        expect_failure(p, st, GR_E_MEMORY, "memory");
    }
    assert_true(k > 10);
}

/* A pipe that is slow and small, and a timer that interrupts: short and interrupted writes are finished. */
static void on_alarm(int signal)
{
    (void)signal;
}

static void interrupted_writes(void **state)
{
    place *p = *state;
    size_t total = 1000003;
    assert_int_equal(mkfifo(p->path, 0600), 0);
    pid_t child = fork();
    if (child == 0) {
        int fd = open(p->path, O_RDONLY);
        size_t n = 0;
        unsigned sum = 0;
        unsigned char buffer[4096];
        for (ssize_t got; (got = read(fd, buffer, sizeof buffer)) > 0; n += (size_t)got) {
            for (ssize_t i = 0; i < got; i++) sum += buffer[i];
            if (n % 5 == 0) usleep(200);
        }
        unsigned expected = 0;
        for (size_t i = 0; i < total; i++) expected += (unsigned char)(i * 31);
        _exit(n == total && sum == expected ? 0 : 1);
    }
    struct sigaction action = {.sa_handler = on_alarm}, before; /* without SA_RESTART */
    sigaction(SIGALRM, &action, &before);
    gr__writer *w = NULL;
    test_ok(p->ctx, gr__writer_open(p->ctx, p->path, &w));
    struct itimerval every = {.it_interval = {0, 300}, .it_value = {0, 300}}, never = {{0, 0}, {0, 0}};
    setitimer(ITIMER_REAL, &every, NULL);
    unsigned char *data = malloc(total);
    for (size_t i = 0; i < total; i++) data[i] = (unsigned char)(i * 31);
    gr__writer_put(w, data, 3);
    gr__writer_put(w, data + 3, total - 3);
    gr_status st = gr__writer_commit(w);
    setitimer(ITIMER_REAL, &never, NULL);
    sigaction(SIGALRM, &before, NULL);
    test_ok(p->ctx, st);
    free(data);
    int status = -1;
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_int_equal(status, 0);
}

static void folders(void **state)
{
    place *p = *state;
    char path[256];
    snprintf(path, sizeof path, "%s//a/b/./c/", p->folder);
    test_ok(p->ctx, gr__make_folder(p->ctx, path));
    assert_true(gr__file_exists(path));
    test_ok(p->ctx, gr__make_folder(p->ctx, path));
    test_ok(p->ctx, gr__make_folder(p->ctx, "/"));
    test_ok(p->ctx, gr__make_folder(p->ctx, "."));
    expect_failure(p, gr__make_folder(p->ctx, ""), GR_E_WRITE, "No such file");
    test_ok(p->ctx, gr__file_write(p->ctx, p->path, "x", 1));
    snprintf(path, sizeof path, "%s/sub", p->path);
    expect_failure(p, gr__make_folder(p->ctx, path), GR_E_WRITE, "Not a directory");
    expect_failure(p, gr__make_folder(p->ctx, p->path), GR_E_WRITE, "Not a directory");
    assert_false(gr__file_exists(path));
}

static void owned(gr_context *ctx, char *s, const char *expected)
{
    assert_non_null(s);
    assert_string_equal(s, expected);
    gr__strfree(ctx, s);
}

static void paths(void **state)
{
    place *p = *state;
    gr_context *ctx = p->ctx;
    owned(ctx, gr__path_join(ctx, "a", "b"), "a/b");
    owned(ctx, gr__path_join(ctx, "a/", "b"), "a/b");
    owned(ctx, gr__path_join(ctx, "", "b"), "b");
    owned(ctx, gr__path_join(ctx, "/", "b"), "/b");
    owned(ctx, gr__path_join(ctx, "a", "/b"), "/b");
    owned(ctx, gr__path_folder(ctx, "a/b.c"), "a");
    owned(ctx, gr__path_folder(ctx, "b"), ".");
    owned(ctx, gr__path_folder(ctx, ""), ".");
    owned(ctx, gr__path_folder(ctx, "/b"), "/");
    owned(ctx, gr__path_folder(ctx, "/"), "/");
    owned(ctx, gr__path_folder(ctx, "a/b/"), "a");
    owned(ctx, gr__path_folder(ctx, "a//b"), "a");
    owned(ctx, gr__path_folder(ctx, "/a/b/c"), "/a/b");
    owned(ctx, gr__path_absolute(ctx, "/x/../y"), "/x/../y");
    char here[4096], expected[5000];
    assert_non_null(getcwd(here, sizeof here));
    snprintf(expected, sizeof expected, "%s/x/y", here);
    owned(ctx, gr__path_absolute(ctx, "x/y"), expected);
    owned(ctx, gr__path_absolute(ctx, ".//./x/y"), expected);
    owned(ctx, gr__path_absolute(ctx, "."), here);
    owned(ctx, gr__path_absolute(ctx, "./"), here);
    owned(ctx, gr__path_absolute(ctx, ""), here);
}

static void checksum(void **state)
{
    (void)state;
    assert_int_equal(gr__crc32(0, "", 0), 0);
    assert_int_equal(gr__crc32(0, "123456789", 9), 0xCBF43926);
    assert_int_equal(gr__crc32(gr__crc32(0, "12345", 5), "6789", 4), 0xCBF43926);
}

#define WITH_PLACE(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        WITH_PLACE(round_trip),
        WITH_PLACE(read_bounds),
        WITH_PLACE(abort_leaves_nothing),
        WITH_PLACE(two_writers),
        WITH_PLACE(writers_refuse),
        WITH_PLACE(links_devices_permissions),
        WITH_PLACE(each_write_fails),
        WITH_PLACE(each_acquisition_fails),
        WITH_PLACE(interrupted_writes),
        WITH_PLACE(folders),
        WITH_PLACE(paths),
        cmocka_unit_test(checksum),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
