/* SPDX-License-Identifier: Apache-2.0 */
/* The closed table of what the helper can be asked. */
#pragma once

#include "common/wire.h"
#include "helper/report.h"

#include <stddef.h>
#include <stdint.h>

struct session_page;

/* A request as received: its head is checked, size and number of fds are within its row's bounds. */
struct request {
        int conn;
        const void *message;
        const int *fds;
        size_t n_fds;
        struct session_page *page;
};

/* Answers it. 0, or -1 and *f (the caller sends the refusal). */
int op_describe(const struct request *q, struct fail *f);
int op_list(const struct request *q, struct fail *f);
int op_open(const struct request *q, struct fail *f);
int op_exec(const struct request *q, struct fail *f);
