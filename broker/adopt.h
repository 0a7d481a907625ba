/* SPDX-License-Identifier: Apache-2.0 */
/* Supervisors that outlived an earlier broker come to our socket; their sessions become ours. */
#pragma once

struct adopt;
struct broker;

/* Listens on broker->sessions_fd. 0 and *ret; -errno. */
int adopt_new(struct broker *broker, struct adopt **ret);
struct adopt *adopt_free(struct adopt *adopt); /* takes and returns NULL */
