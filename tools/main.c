/* main.c: which command, and the pages that list them. */
#include <signal.h>
#include <stdlib.h>
#include <string.h>

#include "commands.h"
#include "output.h"

/* In the order of --help; a new command is one more here and in commands.h. */
static const command_spec *const commands[] = {
    &show_command,    &draw_command, &check_command,     &run_command,        &train_command,
    &explain_command, &plot_command, &train_vae_command, &train_wgan_command, &train_w2v_command,
};
enum { N_COMMANDS = sizeof commands / sizeof commands[0] };

static void help(FILE *to)
{
    fputs("usage: wengert COMMAND [OPTIONS] [FILE...]\n"
          "Looks at, checks, runs, trains and draws saved computation graphs.\n\ncommands:\n",
          to);
    for (int k = 0; k < N_COMMANDS; k++)
        fprintf(to, "  %-10s  %s\n", commands[k]->name, commands[k]->summary);
    fputs("\n  --help      this page; `wengert COMMAND --help` explains a command\n"
          "  --version   the version, how it was built, and what it runs on\n"
          "\nexit status: 0 done; 1 done, and the answer is no (a wrong gradient, values that are\n"
          "not finite, training interrupted); 2 the command line is wrong; 3 a file, its data\n"
          "or a run failed\n",
          to);
}

static const char *command_name(const void *arg, int k)
{
    (void)arg;
    return commands[k]->name;
}

static const command_spec *find(const char *name)
{
    for (int k = 0; k < N_COMMANDS; k++)
        if (strcmp(commands[k]->name, name) == 0) return commands[k];
    return NULL;
}

static int unknown(const char *word)
{
    const char *near = nearest_name(word, N_COMMANDS, command_name, NULL);

    if (near)
        return misuse(NULL, "`wengert --help` lists the commands",
                      "there is no %s %s; did you mean %s?", *word == '-' ? "option" : "command",
                      word, near);
    return misuse(NULL, "`wengert --help` lists the commands", "there is no %s %s",
                  *word == '-' ? "option" : "command", word);
}

static int run(const command_spec *c, int argc, char **argv)
{
    void *given = calloc(1, c->size);
    char **operand = calloc((size_t)argc + 1, sizeof *operand);
    int n = 0, status;

    if (!given || !operand) {
        status = trouble(c->name, NULL, "out of memory");
    } else {
        switch (options_parse(c, argc, argv, given, operand, &n)) {
        case OPTIONS_HELP:
            options_help(c, stdout);
            status = EXIT_GOOD;
            break;
        case OPTIONS_BAD:
            status = EXIT_USAGE;
            break;
        default:
            status = c->run(n, operand, given);
        }
        options_free(c, given);
    }
    free(given);
    free(operand);
    return output_finish(c->name, status);
}

int main(int argc, char **argv)
{
    const char *word = argc > 1 ? argv[1] : NULL;
    const command_spec *c;

    /* A reader that has seen enough ends the command, whatever its parent asked for. */
    signal(SIGPIPE, SIG_DFL);
    if (!word) {
        help(stderr);
        return EXIT_USAGE;
    }
    if (strcmp(word, "--version") == 0 || strcmp(word, "-V") == 0) {
        printf("wengert %s\n%s\n", wg_version(), wg_build_info());
        return output_finish(NULL, EXIT_GOOD);
    }
    if (strcmp(word, "--help") == 0 || strcmp(word, "-h") == 0 || strcmp(word, "help") == 0) {
        c = argc > 2 ? find(argv[2]) : NULL;
        if (argc > 2 && !c) return unknown(argv[2]);
        if (c) options_help(c, stdout);
        else help(stdout);
        return output_finish(NULL, EXIT_GOOD);
    }
    c = find(word);
    return c ? run(c, argc - 1, argv + 1) : unknown(word);
}
