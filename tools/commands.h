/* commands.h: every subcommand, one a file cmd_NAME.c. */
#ifndef WENGERT_TOOLS_COMMANDS_H
#define WENGERT_TOOLS_COMMANDS_H

#include "options.h"

extern const command_spec show_command;
extern const command_spec draw_command;
extern const command_spec check_command;
extern const command_spec run_command;
extern const command_spec train_command;
extern const command_spec explain_command;
extern const command_spec plot_command;
extern const command_spec train_vae_command;
extern const command_spec train_wgan_command;
extern const command_spec train_w2v_command;

#endif
