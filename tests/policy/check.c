/* SPDX-License-Identifier: Apache-2.0 */
/* policy_check_folder() as a program: what is said goes to standard output, the exit status is the answer. */
#include <stdio.h>
#include <string.h>

#include "policy/check.h"

static void say(void *data, const char *line) {
        puts(line);
}

int main(int argc, char **argv) {
        struct policy_check result;
        int r = policy_check_folder(argc > 1 ? argv[1] : NULL, say, NULL, &result);

        if (r < 0)
                printf("%s\n", strerror(-r));
        printf("%zu rules, %zu cases, %zu failed, %zu errors, %zu warnings\n", result.n_rules,
               result.n_cases, result.n_failed, result.n_errors, result.n_warnings);
        return r != 0;
}
