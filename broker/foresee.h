/* SPDX-License-Identifier: Apache-2.0 */
/* What the helper would say to a plan. It checks everything as for an exec, and starts nothing: so an explanation is not our
 * opinion of the ceiling but its own word. */
#pragma once

#include "broker/error.h"

struct foresee;
struct launch_request;
struct links;

/* 0: it would be done; else why not, with a text. Once, never from foresee_start(); the foresee is gone by then. */
typedef void (*foresee_done_t)(void *userdata, int outcome, struct error *error);

/* The request's fds stay the caller's. 0 and *ret; an outcome with a text; -errno. */
int foresee_start(struct links *links, const struct launch_request *request, foresee_done_t done,
                  void *userdata, struct foresee **ret, struct error *error);
struct foresee *foresee_free(struct foresee *foresee); /* takes and returns NULL; done() does not come */
