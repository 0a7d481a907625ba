/* SPDX-License-Identifier: Apache-2.0 */
/* The way of a request. Read flow.c first. */
#pragma once

struct broker;
struct call;

int flow_exec(struct call *call);
int flow_run(struct call *call);
int flow_explain(struct call *call);
/* A caller left: what of it was not handed to the helper yet is dropped. */
void flows_caller_gone(struct broker *broker, const char *name);
void flows_free(struct broker *broker);
