/* SPDX-License-Identifier: Apache-2.0 */
/* The standard interfaces: Properties, ObjectManager, Introspectable. Everything is served from the contract's own text. */
#pragma once

struct broker;
struct call;
struct session;

int props_get(struct call *call);
int props_get_all(struct call *call);
int props_set(struct call *call);
int props_managed_objects(struct call *call);
int props_introspect(struct call *call);
/* The text of one interface of the contract, from its tag to its end; NULL: there is none of this name. */
const char *props_interface_xml(const char *interface, unsigned long *ret_size);
