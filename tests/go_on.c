/* go_on.c: no test of its own: goes on training the program of a file, of which it knows nothing, and saves it there.
 *     go_on FILE FIRST END          steps FIRST to END - 1 */
#include <stdio.h>

#include "stepping.h"

int main(int argc, char **argv)
{
    wg_error error = { 0 };
    wg_program p = { NULL, NULL };

    if (argc != 4) return 2;
    if (wg_load(argv[1], NULL, &p, &error) == WG_OK &&
        stepping_train(p.graph, p.params, atoi(argv[2]), atoi(argv[3]), &error))
        wg_save(argv[1], p.graph, p.params, NULL, &error);
    wg_program_free(&p);
    if (error.code == WG_OK) return 0;
    wg_error_print(&error, stderr);
    return 1;
}
