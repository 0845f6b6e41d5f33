/*
 * test_train_kill.c: a training run killed at random moments and started again ends with the bytes
 * of one that was never stopped: the trained program, the checkpoints, the log but for its seconds.
 */
#include <libgen.h>
#include <signal.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>

#include "harness.h"
#include "temp.h"

#include <dirent.h>

static double seconds(void)
{
    struct timespec t;

    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

static uint64_t next(uint64_t *s)
{
    *s ^= *s << 13;
    *s ^= *s >> 7;
    *s ^= *s << 17;
    return *s;
}

static pid_t start(const char *folder, const char *hidden)
{
    char self[500], other[600];
    ssize_t n = readlink("/proc/self/exe", self, sizeof self - 1);
    pid_t child;

    if (n <= 0) return -1;
    self[n] = '\0';
    snprintf(other, sizeof other, "%s/train_kill", dirname(self));
    child = fork();
    if (child != 0) return child;
    execl(other, other, folder, hidden, (char *)NULL);
    _exit(127);
}

/* Exit status; -9 when it was killed. */
static int status_of(pid_t child)
{
    int status = -1;

    waitpid(child, &status, 0);
    return WIFEXITED(status) ? WEXITSTATUS(status) : WIFSIGNALED(status) ? -WTERMSIG(status) : -99;
}

static char *bytes_of(const char *path, size_t *n)
{
    FILE *f = fopen(path, "rb");
    char *text = calloc(1, 1 << 20);

    *n = f ? fread(text, 1, (1 << 20) - 1, f) : 0;
    if (f) fclose(f);
    return text;
}

static bool same_file(const char *a, const char *b)
{
    size_t n, m;
    char *x = bytes_of(a, &n), *y = bytes_of(b, &m);
    bool same = harness_check(n > 0 && n == m && memcmp(x, y, n) == 0, __FILE__, __LINE__,
                              "%s (%zu bytes) and %s (%zu bytes) differ", a, n, b, m);

    free(x);
    free(y);
    return same;
}

/* Every line of the log without its seconds. */
static void drop_seconds(char *text)
{
    char *to = text;

    for (char *at = text; *at;) {
        char *from = strstr(at, ", \"seconds\"");
        size_t n = from ? (size_t)(from - at) : strlen(at);

        memmove(to, at, n);
        to += n;
        at += n;
        if (from) at += strcspn(at, "\n");
    }
    *to = '\0';
}

static void same_log(const char *a, const char *b)
{
    size_t n, m;
    char *x = bytes_of(a, &n), *y = bytes_of(b, &m);

    drop_seconds(x);
    drop_seconds(y);
    CHECK(strstr(x, "\"validation\": ") != NULL);
    EQ_STR(y, x);
    free(x);
    free(y);
}

/* The same names with the same bytes. Links are for other tools: a checkpoint that was committed in
 * the moment of the kill may lack its own. */
static void same_folder(const char *a, const char *b)
{
    const char *const folder[] = { a, b };
    int count[2] = { 0, 0 };

    for (int k = 0; k < 2; k++) {
        DIR *d = opendir(folder[k]);

        for (struct dirent *e; d && (e = readdir(d));) {
            char one[900], other[900];
            struct stat st;

            if (strcmp(e->d_name, ".") == 0 || strcmp(e->d_name, "..") == 0) continue;
            snprintf(one, sizeof one, "%s/%s", folder[k], e->d_name);
            if (lstat(one, &st) == 0 && S_ISLNK(st.st_mode)) continue;
            count[k]++;
            snprintf(other, sizeof other, "%s/%s", folder[1 - k], e->d_name);
            if (k > 0) {
                harness_check(access(other, F_OK) == 0, __FILE__, __LINE__, "%s is too many", one);
                continue;
            }
            same_file(one, other);
        }
        if (d) closedir(d);
    }
    CHECK(count[0] > 3);
    EQ_INT(count[1], count[0]);
}

static void killed(const char *hidden, int kills, uint64_t seed)
{
    char whole[300], part[300], a[400], b[400];
    int done = 0, rounds = 0, part_kills = 0;
    double began, most;

    snprintf(whole, sizeof whole, "%s/whole%s", temp_dir(), hidden);
    began = seconds();
    REQUIRE(status_of(start(whole, hidden)) == 0);
    most = seconds() - began;
    while (done < kills) {
        pid_t child;
        double wait = (double)(next(&seed) % 1000000) * 1e-6 * most;
        struct timespec pause = { (time_t)wait, (long)((wait - floor(wait)) * 1e9) };
        int status;

        snprintf(part, sizeof part, "%s/part%s-%d", temp_dir(), hidden, rounds);
        child = start(part, hidden);
        nanosleep(&pause, NULL);
        kill(child, SIGKILL);
        status = status_of(child);
        if (status == -SIGKILL) {
            done++;
            part_kills++;
            /* On a busy machine nothing may come to be saved: then it is given longer. */
            if (part_kills % 8 == 0) most *= 1.3;
            if (done < kills) continue;
            status = status_of(start(part, hidden));
        } else if (part_kills == 0) most *= 0.9;
        if (!CHECK(status == 0)) return;
        same_folder(whole, part);
        snprintf(a, sizeof a, "%s.jsonl", whole);
        snprintf(b, sizeof b, "%s.jsonl", part);
        same_log(a, b);
        rounds++;
        part_kills = 0;
    }
    fprintf(stderr, "hidden %s: %d kills in %d runs\n", hidden, done, rounds);
}

static void weights_inline(void)
{
    killed("6", 30, 20240607);
}

static void weights_beside(void)
{
    killed("700", 20, 99);
}

TESTS(TEST(weights_inline), TEST(weights_beside))
