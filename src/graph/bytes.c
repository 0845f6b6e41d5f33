/* bytes.c: any bytes as a file, by the same way to the disk that programs take. */
#include "program.h"

wg_status wg_file_write(const char *path, int n, const wg_bytes *part, wg_error *error)
{
    wg_error own;
    wg_place p;
    wg_out o;

    wg__error_clear(&own);
    if (!path || (!part && n > 0) || n < 0)
        wg_fail(&own, WG_EARG, "file_write",
                !path   ? "the path is NULL"
                : n < 0 ? "a negative number of parts"
                        : "the parts are NULL");
    for (int i = 0; own.code == WG_OK && i < n; i++)
        if (!part[i].data && part[i].n > 0)
            wg_fail(&own, WG_EARG, "file_write", "part %d is NULL, of %zu bytes", i, part[i].n);
    if (own.code == WG_OK && wg__place_write(&p, path, &own) == WG_OK) {
        if (wg__out_file(&o, &p, &own) == WG_OK) {
            for (int i = 0; i < n; i++) wg__out_put(&o, part[i].data, part[i].n);
            if (wg__out_commit(&o, p.base, &own) == WG_OK && p.plain) wg__place_sync(&p, &own);
            if (p.plain) wg__place_tidy(&p);
        }
        wg__place_close(&p);
    }
    wg__error_copy(error, &own);
    return own.code;
}
