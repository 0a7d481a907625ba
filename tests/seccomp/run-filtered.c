/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Runs a command as a session would: capabilities down to a set, no_new_privs, the floor, the
 * filter compiled from a profile, exec. For trying real programs under a profile without a
 * container.
 * Usage: run-filtered PROFILE.json|none CAPS-AS-HEX privileged|plain COMMAND [ARG...]
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/capability.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "broker/filter.h"
#include "broker/profile.h"
#include "helper/floor.h"
#include "helper/step-filter.h"

static int fail(const char *what) {
        fprintf(stderr, "run-filtered: %s: %s\n", what, strerror(errno));
        return 125;
}

static int limit_caps(uint64_t caps) {
        struct __user_cap_header_struct head = { .version = _LINUX_CAPABILITY_VERSION_3 };
        struct __user_cap_data_struct data[2];

        for (unsigned i = 0; prctl(PR_CAPBSET_READ, i, 0, 0, 0) >= 0; i++)
                if ((caps >> i & 1) == 0 && prctl(PR_CAPBSET_DROP, i, 0, 0, 0) < 0)
                        return -errno;
        if (syscall(SYS_capget, &head, data) < 0)
                return -errno;
        for (int i = 0; i < 2; i++) {
                data[i].permitted &= (uint32_t)(caps >> (32 * i));
                data[i].effective = data[i].permitted;
                data[i].inheritable = 0;
        }
        return syscall(SYS_capset, &head, data) < 0 ? -errno : 0;
}

static char *read_file(const char *path, size_t *ret_size) {
        char *text = malloc(PROFILE_MAX_BYTES + 1);
        int fd = open(path, O_RDONLY | O_CLOEXEC);
        ssize_t n = text && fd >= 0 ? read(fd, text, PROFILE_MAX_BYTES + 1) : -1;

        if (n < 0) {
                free(text);
                return NULL;
        }
        close(fd);
        *ret_size = (size_t)n;
        return text;
}

static int make_filter(const char *path, uint64_t caps, struct filter **ret) {
        struct profile_error err = { .text = "cannot be read" };
        struct filter_params params;
        struct profile *profile = NULL;
        size_t size = 0;
        char *text = read_file(path, &size);
        int r = text ? profile_parse(text, size, path, &profile, &err) : -errno;

        filter_params_init(&params, caps);
        if (r == 0)
                r = filter_compile(profile, &params, ret, &err);
        if (r != 0)
                fprintf(stderr, "run-filtered: %s\n", err.text);
        profile_free(profile);
        free(text);
        return r;
}

static int load(struct filter *filter, bool plain) {
        const struct floor_program *floor =
                floor_get(plain ? FLOOR_PLAIN : FLOOR_PRIVILEGED, !filter || filter->allows_32bit);

        if (!filter)
                return filter_load(floor, NULL, 0);
        if (filter_check(filter->program, filter->n * sizeof(*filter->program)) != FILTER_OK ||
            filter_needs(filter->program, filter->n, true, true) != 0)
                return -EINVAL;
        return filter_load(floor, filter->program, filter->n);
}

int main(int argc, char **argv) {
        struct filter *filter = NULL;
        uint64_t caps;
        int r;

        if (argc < 5)
                return fail("usage");
        caps = strtoull(argv[2], NULL, 16);
        if (strcmp(argv[1], "none") != 0 && make_filter(argv[1], caps, &filter) != 0)
                return 125;
        r = limit_caps(caps);
        if (r == 0 && prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0)
                r = -errno;
        if (r == 0)
                r = load(filter, strcmp(argv[3], "plain") == 0);
        if (r < 0) {
                errno = -r;
                return fail("loading");
        }
        execvp(argv[4], argv + 4);
        return fail(argv[4]);
}
