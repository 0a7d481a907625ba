/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Makes one system call and prints what it returned, or minus its errno. Callers choose arguments
 * that are harmless if the call succeeds. Static, so that it runs in any container.
 * Usage: try-syscall native|i386|x32 NUMBER [ARGUMENT...]; "@" as an argument is the address of a
 * readable "x"
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

static long int80(long nr, const long *a) {
        long r;

        __asm__ volatile("int $0x80"
                         : "=a"(r)
                         : "a"(nr), "b"(a[0]), "c"(a[1]), "d"(a[2]), "S"(a[3]), "D"(a[4])
                         : "memory", "r8", "r9", "r10", "r11");
        return r;
}

int main(int argc, char **argv) {
        static char x[8] = "x";
        long nr, r, args[6] = { 0 };

        if (argc < 3 || argc > 9)
                return 125;
        nr = strtol(argv[2], NULL, 0);
        for (int i = 3; i < argc; i++)
                args[i - 3] = argv[i][0] == '@' ? (long)x : (long)strtoull(argv[i], NULL, 0);
        if (strcmp(argv[1], "i386") == 0) {
                r = int80(nr, args);
        } else {
                if (strcmp(argv[1], "x32") == 0)
                        nr |= 0x40000000;
                r = syscall(nr, args[0], args[1], args[2], args[3], args[4], args[5]);
                r = r < 0 ? -errno : r;
        }
        printf("%ld\n", r);
        return 0;
}
