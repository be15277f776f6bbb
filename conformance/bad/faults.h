/* SPDX-License-Identifier: MIT OR Apache-2.0
 * What can be wrong with the bad module, by the callback in which it goes wrong. Nothing happens where the fault is another. */
#ifndef FAULTS_H
#define FAULTS_H

#include <http_container.h>

/* Whether that fault was asked for. */
int is_fault(const char *name);

/* The host that the instance uses: its own, if that is not the fault. */
const hc_host *fault_host(const hc_host *H);

/* Whether the module is of that role: a user of resources, a provider. Roles are the beginnings of faults' names. */
int is_role(const char *role);

/* What it is in the role of "user:". */
hc_status user_create(const hc_host *H);
hc_status user_start(const hc_host *H, hc_task task, const hc_start *start, void **task_state);
hc_status user_resume(const hc_host *H, hc_task task, void *task_state, const hc_event *events, size_t count);
void user_finish(void *task_state);

/* What it is in the roles of providers. */
int is_provider(void);
hc_status provider_create(const hc_host *H);
hc_status provider_start(const hc_host *H, hc_task task, const hc_start *start, void **task_state);
hc_status provider_resume(void *task_state, const hc_event *events, size_t count);
void provider_finish(void *task_state);

void fault_in_entry(hc_module *entry, const char *name);
hc_status fault_in_create(const hc_host *H);
void fault_in_destroy(const hc_host *H);
void fault_in_worker_start(const hc_host *H, uint32_t worker);
void fault_in_finish(const hc_host *H, hc_task task, hc_status outcome);

/* Whether the step is over, and then with which status. */
int fault_in_start(const hc_host *H, hc_task task, const hc_start *start, hc_status *status);

#endif
