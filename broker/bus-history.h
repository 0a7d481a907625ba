/* SPDX-License-Identifier: Apache-2.0 */
/* The history's face on the bus. */
#pragma once

struct call;
struct history_filter;
struct request_filter;

int manager_list_history(struct call *call);
/* Borrows the strings; shows what the caller may see. */
struct history_filter bus_history_filter(const struct call *call,
                                         const struct request_filter *filter);
