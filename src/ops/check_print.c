/* check_print.c: a gradient check as a table with a verdict that says what to do next. */
#include <inttypes.h>
#include <string.h>

#include "wengert/check.h"

static const char *verdict(const wg_check_item *item)
{
    return item->pass ? "pass" : item->kink ? "kink" : "FAIL";
}

static const char *where(const wg_check_item *item, char buf[32])
{
    if (item->index < 0) return "no entries";
    snprintf(buf, 32, "%s %" PRId64, item->by_direction ? "direction" : "entry", item->index);
    return buf;
}

static int widest(const wg_check_report *r)
{
    size_t n = strlen("name");

    for (int i = 0; i < r->n; i++)
        if (strlen(r->item[i].name) > n) n = strlen(r->item[i].name);
    return n < 40 ? (int)n : 40;
}

void wg_check_print(const wg_check_report *report, FILE *to)
{
    int width, failed = 0, kinks = 0;
    char buf[32];

    if (!report || !to) return;
    width = widest(report);

    fprintf(to, "%-*s  order  %-14s  %18s  %18s  %10s  %9s  verdict\n", width, "name", "worst at",
            "recorded", "by differences", "error", "tolerance");
    for (int i = 0; i < report->n; i++) {
        const wg_check_item *item = &report->item[i];

        fprintf(to, "%-*s  %5d  %-14s  %18.10g  %18.10g  %10.2e  %9.1e  %s\n", width, item->name,
                item->order, where(item, buf), item->analytic, item->numeric, item->error,
                item->tolerance, verdict(item));
        failed += !item->pass && !item->kink;
        kinks += item->kink;
    }
    for (int i = 0; i < report->n; i++) {
        const wg_check_item *item = &report->item[i];

        if (item->pass || item->kink) continue;
        fprintf(to, "%s: the gradient of order %d is wrong: look at the rule of %s", item->name,
                item->order, item->op);
        if (item->site) fprintf(to, " (%s)", item->site);
        fprintf(to, " first, then at those between it and the loss\n");
    }
    if (kinks > 0)
        fprintf(to,
                "%d of %d too close to a kink to judge: check again at another point (other "
                "inputs, or weights "
                "moved a little)\n",
                kinks, report->n);
    if (report->n == 0)
        fprintf(to, "nothing to check: the loss depends on no real parameter or input\n");
    else if (failed == 0 && kinks == 0)
        fprintf(to, "all %d gradients agree with differences\n", report->n);
    else fprintf(to, "%d of %d gradients fail\n", failed, report->n);
}
