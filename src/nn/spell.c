/* spell.c: names and numbers as text. */
#include <ctype.h>
#include <math.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "spell.h"

/* ---- the nearest name ---- */

enum { LONGEST = 64 }; /* letters that are compared */

/* Small letters and digits, what else there is left out. */
static int fold(const char *s, char *to)
{
    int n = 0;

    for (; *s && n < LONGEST; s++)
        if (*s != ' ' && *s != '_' && *s != '-') to[n++] = (char)tolower((unsigned char)*s);
    return n;
}

/* Levenshtein distance, one row of the table at a time. */
static int distance(const char *a, int n_a, const char *b, int n_b)
{
    int row[LONGEST + 1];

    for (int j = 0; j <= n_b; j++) row[j] = j;
    for (int i = 1; i <= n_a; i++) {
        int corner = row[0];

        row[0] = i;
        for (int j = 1; j <= n_b; j++) {
            int best = corner + (a[i - 1] != b[j - 1]);

            if (row[j] + 1 < best) best = row[j] + 1;
            if (row[j - 1] + 1 < best) best = row[j - 1] + 1;
            corner = row[j];
            row[j] = best;
        }
    }
    return row[n_b];
}

const char *wg__nearest(const char *name, int n, const char *const *known)
{
    char a[LONGEST], b[LONGEST];
    int n_a = fold(name ? name : "", a), least = 0;
    const char *nearest = NULL;

    for (int i = 0; i < n; i++) {
        int d = distance(a, n_a, b, fold(known[i], b));

        if (nearest && d >= least) continue;
        nearest = known[i];
        least = d;
    }
    return nearest;
}

/* ---- numbers ---- */

/* strtod and printf write the point as the locale has it; a mantissa without one is read alike
 * everywhere. */
const char *wg__read_double(const char *s, double *v)
{
    enum {
        MOST = 400
    }; /* digits kept: further ones decide nothing a double can hold but exact ties */
    char text[MOST + 32];
    int n = 0, digits = 0;
    long exponent = 0;
    bool point = false;

    if (*s == '+' || *s == '-') text[n++] = *s++;
    for (; isdigit((unsigned char)*s) || (*s == '.' && !point); s++) {
        if (*s == '.') {
            point = true;
            continue;
        }
        digits++;
        if (n < MOST) text[n++] = *s;
        else exponent++;
        exponent -= point;
    }
    if (digits == 0) return NULL;
    if (*s == 'e' || *s == 'E') {
        const char *e = s + 1 + (s[1] == '+' || s[1] == '-');

        if (!isdigit((unsigned char)*e)) return NULL;
        for (long given = 0, sign = s[1] == '-' ? -1 : 1;; s = ++e) {
            if (isdigit((unsigned char)*e)) {
                if (given < 1000000) given = 10 * given + (*e - '0'); /* far beyond a double */
                continue;
            }
            exponent += sign * given;
            s = e;
            break;
        }
    }
    snprintf(text + n, sizeof text - (size_t)n, "e%ld", exponent);
    *v = strtod(text, NULL);
    return s;
}

/* Mantissa digits and decimal exponent of v to `precision` digits. */
static int to_digits(double v, int precision, char digits[20])
{
    char text[40];
    const char *s = text;
    int n = 0;

    snprintf(text, sizeof text, "%.*e", precision - 1, fabs(v));
    for (; *s && *s != 'e'; s++)
        if (isdigit((unsigned char)*s)) digits[n++] = *s;
    digits[n] = '\0';
    return *s ? (int)strtol(s + 1, NULL, 10) : 0;
}

const char *wg__double_text(double v, char buf[WG__DOUBLE_TEXT])
{
    char digits[20], back[40];
    int exponent = 0, n = 0, at = 0;
    double again = 0;

    if (!isfinite(v)) {
        snprintf(buf, WG__DOUBLE_TEXT, "%s", isnan(v) ? "nan" : v < 0 ? "-inf" : "inf");
        return buf;
    }
    for (n = 1; n <= 17; n++) {
        exponent = to_digits(v, n, digits);
        snprintf(back, sizeof back, "%se%d", digits, exponent - n + 1);
        wg__read_double(back, &again);
        if (again == fabs(v)) break;
    }
    if (n > 17) n = 17;
    if (signbit(v)) buf[at++] = '-';
    if (exponent < -4 || exponent >= 16) {
        at += snprintf(buf + at, (size_t)(WG__DOUBLE_TEXT - at), "%c%s%s", digits[0],
                       n > 1 ? "." : "", digits + 1);
        snprintf(buf + at, (size_t)(WG__DOUBLE_TEXT - at), "e%s%02d", exponent < 0 ? "-" : "+",
                 exponent < 0 ? -exponent : exponent);
        return buf;
    }
    if (exponent < 0) { /* 0.00ddd */
        buf[at++] = '0';
        buf[at++] = '.';
        for (int i = -1; i > exponent; i--) buf[at++] = '0';
        snprintf(buf + at, (size_t)(WG__DOUBLE_TEXT - at), "%s", digits);
        return buf;
    }
    for (int i = 0; i < n || i <= exponent; i++) {
        buf[at++] = i < n ? digits[i] : '0';
        if (i == exponent) buf[at++] = '.';
    }
    if (buf[at - 1] == '.') buf[at++] = '0';
    buf[at] = '\0';
    return buf;
}
