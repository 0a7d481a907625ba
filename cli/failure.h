/* SPDX-License-Identifier: Apache-2.0 */
/* From an error of the bus or the service to one line and an exit status. */
#pragma once

#include <stdbool.h>

struct message;
struct request;

/* Says it on stderr. @runs: the status of exec and its kin (125, 126, 127); else 1 for an answer that is no, 125 where there is no service. */
int failure_status(const struct message *error, const char *what, bool runs);
/* What an error of Exec and its kin is about, where the service's text does not say so: the command. */
const char *failure_what(const struct message *error, const struct request *request);
int failure_of_bus(int error);
/* The target may only not be there yet. */
bool failure_is_absence(const struct message *error);
/* Nobody was asked, and somebody would have to be. */
bool failure_wants_somebody(const struct message *m);
