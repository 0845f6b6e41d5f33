/* error.c: where errors are born, and how they read. */
#include <string.h>

#include "internal.h"

static const struct {
    const char *name, *text;
} statuses[] = {
#define STATUS_ROW(name, text) { "WG_" #name, text },
    WG_STATUS_MAP(STATUS_ROW)
#undef STATUS_ROW
};

const char *wg_status_name(wg_status status)
{
    return (unsigned)status < WG_N_STATUSES ? statuses[status].name : "WG_?";
}

const char *wg_status_text(wg_status status)
{
    return (unsigned)status < WG_N_STATUSES ? statuses[status].text : "unknown status";
}

wg_status wg__vfail(wg_error *error, wg_status code, const char *op, const char *fmt, va_list args)
{
    if (!error || error->code != WG_OK) return code;
    error->code = code;
    error->op = op ? op : "";
    error->site = NULL;
    error->scope[0] = '\0';
    vsnprintf(error->text, sizeof error->text, fmt, args);
    return code;
}

wg_status wg_fail(wg_error *error, wg_status code, const char *op, const char *fmt, ...)
{
    va_list args;

    va_start(args, fmt);
    wg__vfail(error, code, op, fmt, args);
    va_end(args);
    return code;
}

void wg__error_clear(wg_error *error)
{
    if (!error) return;
    error->code = WG_OK;
    error->op = "";
    error->site = NULL;
    error->scope[0] = error->text[0] = '\0';
}

void wg__error_copy(wg_error *to, const wg_error *from)
{
    if (to && from && to->code == WG_OK) *to = *from;
}

void wg__error_scope(wg_error *error, const char *scope)
{
    size_t n = scope ? strlen(scope) : 0;

    if (!error || n == 0 || error->scope[0]) return;
    if (n < sizeof error->scope) {
        memcpy(error->scope, scope, n + 1);
        return;
    }
    memcpy(error->scope, scope, sizeof error->scope - 4);
    memcpy(error->scope + sizeof error->scope - 4, "...", 4);
}

/* The site is __FILE__ as the compiler was given it; people want the file's own name. */
static const char *base_name(const char *site)
{
    const char *slash = strrchr(site, '/');

    return slash ? slash + 1 : site;
}

size_t wg_error_text(const wg_error *error, char *buf, size_t n)
{
    bool op, scope;
    int length;

    if (!buf) n = 0;
    if (n > 0) buf[0] = '\0';
    if (!error || error->code == WG_OK) {
        length = snprintf(buf, n, "no error");
        return length > 0 ? (size_t)length : 0;
    }
    op = error->op && error->op[0];
    scope = error->scope[0] != '\0';
    length = snprintf(buf, n, "%s%s%s%s%s%s%s", error->site ? base_name(error->site) : "",
                      error->site ? ": " : "", op ? error->op : "", op ? ": " : "", error->text,
                      scope ? "\n  in " : "", error->scope);
    return length > 0 ? (size_t)length : 0;
}

void wg_error_print(const wg_error *error, FILE *to)
{
    char text[1024];

    if (!to) return;
    wg_error_text(error, text, sizeof text);
    fprintf(to, "%s\n", text);
}
