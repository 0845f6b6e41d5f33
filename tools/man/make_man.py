"""make_man.py WENGERT: the man page of the command, from what its --help says.
tests/check_command.sh
holds wengert.1 against it:

    python3 tools/man/make_man.py build/tools/wengert >tools/man/wengert.1
"""
import re
import subprocess
import sys

HEAD = r'''.TH WENGERT 1 "" "wengert 0.1.0" "User commands"
.SH NAME
wengert \- look at, check, run, train and draw saved computation graphs
.SH SYNOPSIS
.B wengert
.I COMMAND
.RI [ OPTIONS ]
.RI [ FILE ...]
.br
.B wengert \-\-help
|
.B \-\-version
.SH DESCRIPTION
A program that the library wengert has saved holds a graph, its functions and its weights.
This command works on such files without a line of C. The file comes as a JSON file, and where
the weights are
large as a second file beside it, which the first one names.
.PP
Results go to standard output, messages to standard error, and nothing is coloured. Files are
written aside and
renamed: what stood under a name before is there until all of the new file is. Where a file is to
be written,
.B \-
is standard output. A misspelt command, option, function, input or output is answered with the
nearest one there
is.
.PP
Options may stand before or after files;
.B \-\-option=value
and
.B \-\-option value
mean the same;
.B \-\-
ends the options.
.SS Data files
Values for inputs come from NumPy's .npy files (float32, float64, int32, int64, uint8, bool), idx
files as those of
MNIST, or CSV, each plain or compressed with gzip, told by their content and not by their names.
The first axis
counts the examples. Values that are not finite are errors unless
.B \-\-allow\-nan
is given.'''

TAIL = r'''.SH EXIT STATUS
.TP
.B 0
Done.
.TP
.B 1
Done, and the answer is no: a gradient is wrong, a value or a loss is not finite, training was
interrupted.
.TP
.B 2
The command line is wrong.
.TP
.B 3
A file, its data or a run failed; the message says what to do.
.PP
When a reader of standard output goes away, the command ends without a word, by the signal
.BR SIGPIPE ;
.B wengert train
goes on training.
.SH ENVIRONMENT
.TP
.B WENGERT_MAX_STEPS
.B wengert train
stops after so many steps, as
.B \-\-max\-steps
says.
.TP
.B WENGERT_LEVEL
The processor level of the kernels: 0 plain C, 1 AVX2, 2 AVX\-512; it can only be lowered.
.TP
.B OMP_NUM_THREADS
Threads. Results have the same bits for any number.
.SH EXAMPLES
.nf
@EXAMPLES@
.fi
.SH SEE ALSO
The file format is described in docs/format.md of the sources; the library's functions in its
headers,
.IR wengert.h
and those it includes.'''


def escape(text):
    text = text.replace("\\", "\\e").replace("-", "\\-")
    return "\\&" + text if text[:1] in (".", "'") else text


def sentence(text):
    return escape(text[0].upper() + text[1:] + ".")


def ask(*words):
    return subprocess.run([sys.argv[1], *words], capture_output=True, text=True, check=True).stdout


def options(body):
    """[letter, name, value, text] of each option."""
    found = []
    for line in body.split("\n"):
        match = re.match(r"^  (?:(-\w), |    )--([a-z-]+)(?:=(\S+))?\s*(.*)$", line)
        if match and not line.startswith(" " * 20):
            found.append(list(match.groups()))
        elif found:
            found[-1][3] = (found[-1][3] + " " + line.strip()).strip()
    return found


def command(name, out, examples):
    head, rest = ask(name, "--help").split("\n\noptions:\n")
    usage, summary = head.strip().split("\n", 1)
    body, _, more = rest.partition("\n\n")
    text, _, lines = more.partition("examples:\n")
    out.append(".SS wengert %s [OPTIONS] %s" % (name, escape(usage.split("] ", 1)[1])))
    out.append(sentence(summary.strip()))
    if text.strip():
        out.append(".PP\n" + escape(" ".join(text.split())))
    for letter, option, value, said in options(body):
        line = ".BR " + (escape(letter) + ' ", " ' if letter else "") + escape("--" + option)
        out.append(".TP\n" + line + (' "=\\fI' + escape(value) + '\\fR"' if value else ""))
        out.append(sentence(said))
    examples += [line.strip() for line in lines.split("\n") if line.strip()]


def main():
    listed = re.search(r"commands:\n(.*?)\n\n", ask("--help"), re.S).group(1)
    out, examples = [HEAD, ".SH COMMANDS"], []
    for name in re.findall(r"^  ([a-z0-9-]+)  ", listed, re.M):
        command(name, out, examples)
    tail = TAIL.split("@EXAMPLES@\n")
    print("\n".join(out + [tail[0].rstrip("\n")] + [escape(line) for line in examples] + [tail[1]]))


main()
