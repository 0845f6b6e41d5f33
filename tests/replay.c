/*
 * replay.c: runs files through a fuzz harness without a fuzzer, under any compiler:
 *     replay json FILE...        replay tensors FILE...        replay data FILE...
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define LLVMFuzzerTestOneInput fuzz_json
#include "fuzz_json.c"
#undef LLVMFuzzerTestOneInput
#define LLVMFuzzerTestOneInput fuzz_tensors
#include "fuzz_tensors.c"
#undef LLVMFuzzerTestOneInput
#define LLVMFuzzerTestOneInput fuzz_data
#include "fuzz_data.c"
#undef LLVMFuzzerTestOneInput

static void replay(const char *kind, const char *path)
{
    FILE *f = fopen(path, "rb");
    uint8_t *data = NULL;
    size_t n = 0, cap = 0;

    if (!f) {
        perror(path);
        exit(1);
    }
    do {
        if (n == cap) data = realloc(data, cap = cap ? cap * 2 : 4096);
        n += fread(data + n, 1, cap - n, f);
    } while (n == cap);
    fclose(f);
    if (strcmp(kind, "json") == 0) fuzz_json(data, n);
    else if (strcmp(kind, "tensors") == 0) fuzz_tensors(data, n);
    else fuzz_data(data, n);
    printf("%s: %zu bytes\n", path, n);
    free(data);
}

int main(int argc, char **argv)
{
    if (argc < 2 || (strcmp(argv[1], "json") != 0 && strcmp(argv[1], "tensors") != 0 &&
                     strcmp(argv[1], "data") != 0)) {
        fprintf(stderr, "usage: %s json|tensors|data FILE...\n", argv[0]);
        return 2;
    }
    for (int i = 2; i < argc; i++) replay(argv[1], argv[i]);
    return 0;
}
