/* SPDX-License-Identifier: Apache-2.0 */
/* From an O_PATH handle whose kind was checked to a real file descriptor. */
#pragma once

struct run;

/* fd or -errno. Only while r->self_fd_fd is open. */
int reopen(const struct run *r, int fd, int flags);
