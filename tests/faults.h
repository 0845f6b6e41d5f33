/*
 * faults.h: the calls of the system that src/graph/file.c makes, defined in the test program, so
 * that each can fail, or be the last one, in turn.
 */
#ifndef FAULTS_H
#define FAULTS_H

#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/syscall.h>
#include <unistd.h>

static struct {
    bool watching;
    int count, stop; /* calls seen; the one that is stopped, 0: none */
    int fault;       /* what it fails with; 0: the process ends there */
    size_t most;     /* bytes a read or write moves at once; 0: all */
} gate;

/* Whether this call is to fail. */
static bool stopped(void)
{
    if (!gate.watching || ++gate.count != gate.stop) return false;
    if (gate.fault == 0) _exit(0);
    errno = gate.fault;
    return true;
}

static bool interrupted(void)
{
    static unsigned turn;

    if (!gate.most || ++turn % 3) return false;
    errno = EINTR;
    return true;
}

ssize_t write(int fd, const void *data, size_t n)
{
    if (stopped() || interrupted()) return -1;
    return syscall(SYS_write, fd, data, gate.most && n > gate.most ? gate.most : n);
}

ssize_t read(int fd, void *data, size_t n)
{
    if (interrupted()) return -1;
    return syscall(SYS_read, fd, data, gate.most && n > gate.most ? gate.most : n);
}

/* Set where nothing need outlive the machine: fsync is counted, but the disk is not waited for. */
static bool no_sync;

int fsync(int fd)
{
    return stopped() ? -1 : no_sync ? 0 : (int)syscall(SYS_fsync, fd);
}

int renameat(int from_fd, const char *from, int to_fd, const char *to)
{
    return stopped() ? -1 : (int)syscall(SYS_renameat2, from_fd, from, to_fd, to, 0);
}

int symlinkat(const char *to, int fd, const char *name)
{
    return stopped() ? -1 : (int)syscall(SYS_symlinkat, to, fd, name);
}

int unlinkat(int fd, const char *name, int flags)
{
    return stopped() ? -1 : (int)syscall(SYS_unlinkat, fd, name, flags);
}

int flock(int fd, int operation)
{
    return stopped() ? -1 : (int)syscall(SYS_flock, fd, operation);
}

int close(int fd)
{
    int result = (int)syscall(SYS_close, fd);

    return stopped() ? -1 : result;
}

int open(const char *path, int flags, ...)
{
    va_list args;
    unsigned mode;

    va_start(args, flags);
    mode = flags & O_CREAT ? va_arg(args, unsigned) : 0;
    va_end(args);
    return stopped() ? -1 : (int)syscall(SYS_openat, AT_FDCWD, path, flags, mode);
}

int openat(int fd, const char *path, int flags, ...)
{
    va_list args;
    unsigned mode;

    va_start(args, flags);
    mode = flags & O_CREAT ? va_arg(args, unsigned) : 0;
    va_end(args);
    return stopped() ? -1 : (int)syscall(SYS_openat, fd, path, flags, mode);
}

#endif
