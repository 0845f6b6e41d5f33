/* output.c: see output.h. */
#include "output.h"

#include <errno.h>
#include <math.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

static void say(const char *command, const char *hint, const char *fmt, va_list args)
{
    fflush(stdout);
    fprintf(stderr, "wengert%s%s: ", command ? " " : "", command ? command : "");
    vfprintf(stderr, fmt, args);
    fputc('\n', stderr);
    if (hint) fprintf(stderr, "  %s\n", hint);
}

int trouble(const char *command, const char *hint, const char *fmt, ...)
{
    va_list args;

    va_start(args, fmt);
    say(command, hint, fmt, args);
    va_end(args);
    return EXIT_TROUBLE;
}

int misuse(const char *command, const char *hint, const char *fmt, ...)
{
    va_list args;

    va_start(args, fmt);
    say(command, hint, fmt, args);
    va_end(args);
    return EXIT_USAGE;
}

int trouble_of(const char *command, const char *hint, const wg_error *error)
{
    char text[600];
    size_t n;

    wg_error_text(error, text, sizeof text);
    n = strlen(text);
    while (n > 0 && text[n - 1] == '\n') text[--n] = '\0';
    return trouble(command, hint, "%s", text);
}

bool output_open(output *o, const char *path)
{
    *o = (output){ .path = path };
    if (path && strcmp(path, "-") == 0) o->path = NULL;
    if (!o->path) o->to = stdout;
    else o->to = open_memstream(&o->text, &o->length);
    return o->to != NULL;
}

int output_close(output *o, const char *command, int status)
{
    wg_error error = { .code = WG_OK };

    if (o->to && o->path) {
        if (fclose(o->to) != 0 && status == EXIT_GOOD)
            status = trouble(command, NULL, "out of memory");
        if (status == EXIT_GOOD &&
            wg_file_write(o->path, 1, &(wg_bytes){ o->text, o->length }, &error) != WG_OK)
            status = trouble_of(command,
                                "what stood there before is still there; name another "
                                "file or make room, and run the command again",
                                &error);
    }
    free(o->text);
    *o = (output){ 0 };
    return status;
}

int put_json(const char *command, json_t *value)
{
    int bad = !value || json_dumpf(value, stdout, JSON_INDENT(2) | JSON_REAL_PRECISION(17)) != 0;

    json_decref(value);
    putchar('\n');
    /* A failed write is said by output_finish. */
    if (bad && !ferror(stdout)) return trouble(command, NULL, "out of memory");
    return EXIT_GOOD;
}

int output_finish(const char *command, int status)
{
    int code = fflush(stdout) == 0 && !ferror(stdout) ? 0 : errno;

    if (code == 0) return status;
    if (code == EPIPE) return status == EXIT_GOOD ? EXIT_TROUBLE : status;
    return trouble(command, NULL, "standard output: %s", strerror(code));
}

json_t *json_number(double v)
{
    return isfinite(v) ? json_real(v) : json_null();
}
