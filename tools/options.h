/*
 * options.h: a command line as a table. Each option is one line of a table: name, kind, where its
 * value goes in the command's own struct, default, help. Parsing, checking, the nearest name for a
 * misspelt one, --help and the lists for shell completion all come from it.
 */
#ifndef WENGERT_TOOLS_OPTIONS_H
#define WENGERT_TOOLS_OPTIONS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

typedef enum {
    OPTION_FLAG,   /* bool; no value */
    OPTION_TEXT,   /* const char *; NULL: not given */
    OPTION_WHOLE,  /* int64_t within low..high */
    OPTION_REAL,   /* double within low..high */
    OPTION_CHOICE, /* const char *: one of the words of `value`, which '|' separates */
    OPTION_MANY    /* text_list: may be given again and again */
} option_kind;

typedef struct {
    int n;
    const char **item; /* memory of the parser: options_free; the texts are argv's */
} text_list;

typedef struct {
    const char *name; /* long name without dashes; NULL ends a table */
    char letter;      /* short name, or 0 */
    option_kind kind;
    size_t offset;         /* of the member in the command's struct */
    const char *value;     /* what help calls the value, "FILE"; of a choice its words, "a|b" */
    const char *otherwise; /* default as it would be typed; NULL: none */
    const char *help;      /* begins in lower case, no full stop */
    double low, high;      /* of numbers; both 0: any */
} option;

/* One line of a table; T is the command's struct, m its member. */
#define OPT(T, m, kind, letter, name, value, otherwise, help)                                      \
    {                                                                                              \
        name, letter, kind, offsetof(T, m), value, otherwise, help, 0, 0                           \
    }
#define OPT_FLAG(T, m, letter, name, help) OPT(T, m, OPTION_FLAG, letter, name, NULL, NULL, help)
#define OPT_RANGE(T, m, kind, name, value, otherwise, help, low, high)                             \
    {                                                                                              \
        name, 0, kind, offsetof(T, m), value, otherwise, help, low, high                           \
    }
#define OPTIONS_END                                                                                \
    {                                                                                              \
        NULL, 0, OPTION_FLAG, 0, NULL, NULL, NULL, 0, 0                                            \
    }

/* A command: what --help says of it, and what runs it. */
typedef struct command_spec {
    const char *name;     /* "show" */
    const char *operands; /* "MODEL.json" */
    const char *summary;  /* one line */
    const char *more;     /* what the options do not say, examples among it; may be NULL */
    const option *options;
    int least, most;                                         /* operands */
    int (*run)(int argc, char *const *operand, void *given); /* -> exit status */
    size_t size;                                             /* of its struct of options */
} command_spec;

typedef enum { OPTIONS_GOOD, OPTIONS_HELP, OPTIONS_BAD } options_verdict;

/** Reads argv[1..argc) into *given (cleared, then the defaults) and collects what is no option in
 * operand[0..*n), room for argc. "--" ends the options. After OPTIONS_BAD the reason stands on
 * stderr, with what to do. OPTIONS_HELP: --help or -h was among them. Free *given in any case. */
options_verdict options_parse(const command_spec *c, int argc, char **argv, void *given,
                              char **operand, int *n);

/** Releases the lists in *given. */
void options_free(const command_spec *c, void *given);

/** The page of --help. */
void options_help(const command_spec *c, FILE *to);

/** The name nearest to `word` among n (the k-th is name(arg, k)); NULL when none is near. */
const char *nearest_name(const char *word, int n, const char *(*name)(const void *arg, int k),
                         const void *arg);

#endif
