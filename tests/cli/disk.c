/* Makes the system fail: FAULT=CALL:N:ERRNO fails the N-th call of write, sync or rename on files; FAULT=bytes:N:ERRNO fails writes
   once N bytes are written. At exit the number of calls goes to the file that FAULT_COUNTS names. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static long counts[4];
static const char *const names[4] = {"write", "sync", "rename", "bytes"};

/* Whether this call, which adds `amount` to its counter, is the one that fails. */
static int fails(int kind, long amount) {
    const char *fault = getenv("FAULT");
    long before = __atomic_fetch_add(&counts[kind], amount, __ATOMIC_SEQ_CST);
    size_t length = strlen(names[kind]);
    if (!fault || strncmp(fault, names[kind], length) != 0 || fault[length] != ':') return 0;
    char *rest;
    long at = strtol(fault + length + 1, &rest, 10);
    int code = atoi(rest + 1);
    if (kind == 3 ? before + amount <= at : before + 1 != at) return 0;
    errno = code;
    return 1;
}

static int is_file(int fd) {
    struct stat status;
    return fd > 2 && fstat(fd, &status) == 0 && (S_ISREG(status.st_mode) || S_ISDIR(status.st_mode));
}

ssize_t write(int fd, const void *bytes, size_t length) {
    static ssize_t (*real)(int, const void *, size_t);
    if (!real) real = dlsym(RTLD_NEXT, "write");
    if (is_file(fd) && (fails(0, 1) || fails(3, (long)length))) return -1;
    return real(fd, bytes, length);
}

int fsync(int fd) {
    static int (*real)(int);
    if (!real) real = dlsym(RTLD_NEXT, "fsync");
    return is_file(fd) && fails(1, 1) ? -1 : real(fd);
}

int fdatasync(int fd) {
    static int (*real)(int);
    if (!real) real = dlsym(RTLD_NEXT, "fdatasync");
    return is_file(fd) && fails(1, 1) ? -1 : real(fd);
}

int rename(const char *from, const char *to) {
    static int (*real)(const char *, const char *);
    if (!real) real = dlsym(RTLD_NEXT, "rename");
    return fails(2, 1) ? -1 : real(from, to);
}

__attribute__((destructor)) static void report(void) {
    const char *path = getenv("FAULT_COUNTS");
    FILE *file = path ? fopen(path, "w") : NULL;
    if (!file) return;
    for (int kind = 0; kind < 4; kind++) fprintf(file, "%s %ld\n", names[kind], counts[kind]);
    fclose(file);
}
