/* Shows a program another machine. HIDDEN=NAME:NAME: libraries and files whose names start so are not there. MOVED=FROM=TO:FROM=TO:
   paths that start with FROM are looked for at TO. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <fcntl.h>
#include <limits.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* The path to use in place of `path`; `buffer` may hold it. */
static const char *seen(const char *path, char buffer[PATH_MAX]) {
    const char *name = strrchr(path, '/');
    name = name ? name + 1 : path;
    for (const char *word = getenv("HIDDEN"); word && *word; word = strchr(word, ':') ? strchr(word, ':') + 1 : NULL) {
        if (strncmp(name, word, strcspn(word, ":")) == 0) return "/hidden/by/the/test";
    }
    for (const char *pair = getenv("MOVED"); pair && *pair; pair = strchr(pair, ':') ? strchr(pair, ':') + 1 : NULL) {
        size_t from = strcspn(pair, "="), to = strcspn(pair + from + 1, ":");
        if (strncmp(path, pair, from) == 0) {
            snprintf(buffer, PATH_MAX, "%.*s%s", (int)to, pair + from + 1, path + from);
            return buffer;
        }
    }
    return path;
}

void *dlopen(const char *path, int flags) {
    static void *(*real)(const char *, int);
    char buffer[PATH_MAX];
    if (!real) real = dlsym(RTLD_NEXT, "dlopen");
    return real(path ? seen(path, buffer) : path, flags);
}

int statx(int folder, const char *restrict path, int flags, unsigned mask, struct statx *restrict found) {
    static int (*real)(int, const char *, int, unsigned, struct statx *);
    char buffer[PATH_MAX];
    /* The standard library of Rust asks with NULL whether the system has the call; the header says that it is none. */
    const char *volatile given = path;
    if (!real) real = dlsym(RTLD_NEXT, "statx");
    return real(folder, given ? seen(given, buffer) : given, flags, mask, found);
}

int open64(const char *path, int flags, ...) {
    static int (*real)(const char *, int, ...);
    char buffer[PATH_MAX];
    va_list more;
    va_start(more, flags);
    mode_t mode = flags & (O_CREAT | __O_TMPFILE) ? va_arg(more, mode_t) : 0;
    va_end(more);
    if (!real) real = dlsym(RTLD_NEXT, "open64");
    return real(seen(path, buffer), flags, mode);
}
