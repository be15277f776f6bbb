/* SPDX-License-Identifier: MIT OR Apache-2.0
 * Answers that need neither the database nor the counter: the page, and refusals. */
#include "notes.h"

#include "notes_page.h" /* made by embed.sh from page.html: page */

/* The page holds all that it needs, and talks to this server only. */
#define POLICY                                                                                                                   \
  "default-src 'none'; style-src 'unsafe-inline'; script-src 'unsafe-inline'; img-src data:; "                                   \
  "connect-src 'self'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'"

/* The page's own addresses are relative, so that it works under any path; which must then end in a slash. */
hc_status notes_page(struct visit *visit) {
  hc_routine *r = &visit->routine;
  hc_status status;
  hc_fields fields;
  HC_BEGIN(r);
  hc_fields_begin(&fields);
  if (r->request->path.size == strlen(visit->notes->base)) {
    hc_fields_add_format(&fields, "location", "%s/", visit->notes->base);
    return hc_respond(r->host, r->task, 308, &fields, hc_view(NULL, 0));
  }
  hc_fields_add(&fields, "content-type", "text/html; charset=utf-8");
  hc_fields_add(&fields, "cache-control", "no-cache");
  hc_fields_add(&fields, "content-security-policy", POLICY);
  hc_fields_add(&fields, "x-content-type-options", "nosniff");
  hc_fields_add(&fields, "referrer-policy", "no-referrer");
  HC_TRY(hc_respond_head(r->host, r->task, 200, &fields, sizeof(page)));
  HC_AWAIT_WRITE(r, status, hc_view(page, sizeof(page)));
  HC_TRY(status);
  HC_TRY(r->host->response_end(r->host, r->task, NULL, 0));
  HC_END(r);
}

/* {"error":"why"} */
hc_status notes_refuse(struct visit *visit, uint32_t status, const char *why) {
  return hc_respond_format(visit->routine.host, visit->routine.task, status, "application/json", "{\"error\":\"%s\"}", why);
}

/* OPTIONS, or a method that is not for this path. */
hc_status notes_not_here(struct visit *visit, const char *allow, int is_options) {
  hc_fields fields;
  hc_fields_begin(&fields);
  hc_fields_add(&fields, "allow", allow);
  if (is_options) {
    return hc_respond(visit->routine.host, visit->routine.task, 204, &fields, hc_view(NULL, 0));
  }
  hc_fields_add(&fields, "content-type", "application/json");
  return hc_respond(visit->routine.host, visit->routine.task, 405, &fields,
                    hc_text("{\"error\":\"this method is not for this path\"}"));
}
