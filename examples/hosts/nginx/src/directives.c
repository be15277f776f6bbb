/* SPDX-License-Identifier: MIT OR Apache-2.0
 * nginx's side: the directives, and the hooks by which a worker process begins and ends. */
#include "container.h"

static char *set_module(ngx_conf_t *cf, ngx_command_t *command, void *conf) {
  ngc_main_settings *settings = conf;
  ngx_str_t *word = cf->args->elts;
  ngc_entry *entry = settings->entries.elts;
  ngx_uint_t i;
  char why[512];
  (void)command;
  for (i = 0; i < settings->entries.nelts; i++) {
    if (entry[i].name.len == word[1].len && ngx_strncmp(entry[i].name.data, word[1].data, word[1].len) == 0) {
      ngx_conf_log_error(NGX_LOG_EMERG, cf, 0, "there are two modules of the name \"%V\"", &word[1]);
      return NGX_CONF_ERROR;
    }
  }
  entry = ngx_array_push(&settings->entries);
  if (entry == NULL) {
    return NGX_CONF_ERROR;
  }
  ngx_memzero(entry, sizeof *entry);
  entry->name = word[1];
  entry->path = word[2];
  ngx_str_set(&entry->config, "{}");
  if (ngx_conf_full_name(cf->cycle, &entry->path, 1) != NGX_OK) {
    return NGX_CONF_ERROR;
  }
  if (cf->args->nelts > 3) {
    entry->config = word[3];
  }
  if (!ngc_json_object((const char *)entry->config.data, entry->config.len)) {
    ngx_conf_log_error(NGX_LOG_EMERG, cf, 0, "the configuration of \"%V\" is not a JSON object in UTF-8", &entry->name);
    return NGX_CONF_ERROR;
  }
  entry->module = ngc_load((const char *)entry->path.data, why, sizeof why);
  if (entry->module == NULL) {
    ngx_conf_log_error(NGX_LOG_EMERG, cf, 0, "\"%V\" cannot be loaded from %V: %s", &entry->name, &entry->path, why);
    return NGX_CONF_ERROR;
  }
  return NGX_CONF_OK;
}

/* Modules may see every field line that has a token for its name; nginx would drop some silently. */
static void keep_all_fields(ngx_conf_t *cf) {
  ngx_http_core_srv_conf_t *server = ngx_http_conf_get_module_srv_conf(cf, ngx_http_core_module);
  server->ignore_invalid_headers = 0;
  server->underscores_in_headers = 1;
}

static char *set_pass(ngx_conf_t *cf, ngx_command_t *command, void *conf) {
  ngc_main_settings *settings = ngx_http_conf_get_module_main_conf(cf, ngx_http_container_module);
  ngx_http_core_loc_conf_t *location = ngx_http_conf_get_module_loc_conf(cf, ngx_http_core_module);
  ngc_route *route = conf;
  ngx_str_t *word = cf->args->elts;
  ngx_uint_t i;
  (void)command;
  if (route->entry != NULL) {
    return "is duplicate";
  }
  for (i = 0; i < settings->entries.nelts; i++) {
    ngc_entry *entry = (ngc_entry *)settings->entries.elts + i;
    if (entry->name.len == word[1].len && ngx_strncmp(entry->name.data, word[1].data, word[1].len) == 0) {
      route->entry = (ngc_entry *)(uintptr_t)(i + 1); /* a number until all are known: the array may move */
      location->handler = ngc_handler;
      keep_all_fields(cf);
      return NGX_CONF_OK;
    }
  }
  ngx_conf_log_error(NGX_LOG_EMERG, cf, 0, "no hc_module \"%V\" stands before this", &word[1]);
  return NGX_CONF_ERROR;
}

static void *create_main(ngx_conf_t *cf) {
  ngc_main_settings *settings = ngx_pcalloc(cf->pool, sizeof *settings);
  if (settings == NULL || ngx_array_init(&settings->entries, cf->pool, 4, sizeof(ngc_entry)) != NGX_OK) {
    return NULL;
  }
  settings->drain = NGX_CONF_UNSET_MSEC;
  settings->drain_background = NGX_CONF_UNSET_MSEC;
  settings->requests = NGX_CONF_UNSET_UINT;
  return settings;
}

static char *init_main(ngx_conf_t *cf, void *conf) {
  ngc_main_settings *settings = conf;
  ngx_conf_init_msec_value(settings->drain, 30000);
  ngx_conf_init_msec_value(settings->drain_background, 1000);
  ngx_conf_init_uint_value(settings->requests, 10000);
  settings->core = ngx_http_conf_get_module_loc_conf(cf, ngx_http_core_module);
  return NGX_CONF_OK;
}

static void *create_route(ngx_conf_t *cf) {
  ngc_route *route = ngx_pcalloc(cf->pool, sizeof *route);
  if (route != NULL) {
    route->deadline = NGX_CONF_UNSET_MSEC;
    route->cancel_grace = NGX_CONF_UNSET_MSEC;
    route->half_close_waits = NGX_CONF_UNSET_UINT;
  }
  return route;
}

static char *merge_route(ngx_conf_t *cf, void *parent, void *child) {
  ngc_main_settings *settings = ngx_http_conf_get_module_main_conf(cf, ngx_http_container_module);
  ngc_route *above = parent, *route = child;
  ngx_conf_merge_msec_value(route->deadline, above->deadline, 60000);
  ngx_conf_merge_msec_value(route->cancel_grace, above->cancel_grace, 0);
  ngx_conf_merge_uint_value(route->half_close_waits, above->half_close_waits, 0);
  if (route->entry != NULL) {
    route->entry = (ngc_entry *)settings->entries.elts + ((uintptr_t)route->entry - 1);
  }
  return NGX_CONF_OK;
}

static ngx_conf_enum_t half_close[] = {{ngx_string("gone"), 0}, {ngx_string("wait"), 1}, {ngx_null_string, 0}};

#define EVERYWHERE (NGX_HTTP_MAIN_CONF | NGX_HTTP_SRV_CONF | NGX_HTTP_LOC_CONF)

static ngx_command_t commands[] = {
    {ngx_string("hc_module"), NGX_HTTP_MAIN_CONF | NGX_CONF_TAKE23, set_module, NGX_HTTP_MAIN_CONF_OFFSET, 0, NULL},
    {ngx_string("hc_drain"), NGX_HTTP_MAIN_CONF | NGX_CONF_TAKE1, ngx_conf_set_msec_slot, NGX_HTTP_MAIN_CONF_OFFSET,
     offsetof(ngc_main_settings, drain), NULL},
    {ngx_string("hc_drain_background"), NGX_HTTP_MAIN_CONF | NGX_CONF_TAKE1, ngx_conf_set_msec_slot,
     NGX_HTTP_MAIN_CONF_OFFSET, offsetof(ngc_main_settings, drain_background), NULL},
    {ngx_string("hc_requests"), NGX_HTTP_MAIN_CONF | NGX_CONF_TAKE1, ngx_conf_set_num_slot, NGX_HTTP_MAIN_CONF_OFFSET,
     offsetof(ngc_main_settings, requests), NULL},
    {ngx_string("hc_pass"), NGX_HTTP_LOC_CONF | NGX_CONF_TAKE1, set_pass, NGX_HTTP_LOC_CONF_OFFSET, 0, NULL},
    {ngx_string("hc_deadline"), EVERYWHERE | NGX_CONF_TAKE1, ngx_conf_set_msec_slot, NGX_HTTP_LOC_CONF_OFFSET,
     offsetof(ngc_route, deadline), NULL},
    {ngx_string("hc_cancel_grace"), EVERYWHERE | NGX_CONF_TAKE1, ngx_conf_set_msec_slot, NGX_HTTP_LOC_CONF_OFFSET,
     offsetof(ngc_route, cancel_grace), NULL},
    {ngx_string("hc_half_close"), EVERYWHERE | NGX_CONF_TAKE1, ngx_conf_set_enum_slot, NGX_HTTP_LOC_CONF_OFFSET,
     offsetof(ngc_route, half_close_waits), half_close},
    ngx_null_command};

static ngx_http_module_t hooks = {NULL, NULL, create_main, init_main, NULL, NULL, create_route, merge_route};

/* Modules run in the processes that serve, not in the master nor in nginx's helpers. */
static ngx_int_t init_process(ngx_cycle_t *cycle) {
  ngc_main_settings *settings;
  if (ngx_process != NGX_PROCESS_WORKER && ngx_process != NGX_PROCESS_SINGLE) {
    return NGX_OK;
  }
  settings = ngx_http_cycle_get_module_main_conf(cycle, ngx_http_container_module);
  if (settings == NULL || settings->entries.nelts == 0) {
    return NGX_OK;
  }
  return ngc_process_start(cycle, settings);
}

static void exit_process(ngx_cycle_t *cycle) {
  (void)cycle;
  ngc_process_stop();
}

ngx_module_t ngx_http_container_module = {NGX_MODULE_V1,
                                          &hooks,
                                          commands,
                                          NGX_HTTP_MODULE,
                                          NULL,
                                          NULL,
                                          init_process,
                                          NULL,
                                          NULL,
                                          exit_process,
                                          NULL,
                                          NGX_MODULE_V1_PADDING};
