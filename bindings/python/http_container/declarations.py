# Generated from spec/include by bindings/generate. Do not edit: change the header, then run
#     HC_BLESS=1 cargo test -p hc-generate
# SPDX-License-Identifier: MIT OR Apache-2.0
"""The ABI for cffi, and where each call may be made."""

CDEF = """\
typedef int hc_status_code;
typedef unsigned int hc_address_family;
typedef unsigned int hc_event_kind;
typedef unsigned int hc_notice;
typedef unsigned int hc_log_level;
typedef unsigned int hc_lease_end;
typedef unsigned int hc_limit;
typedef unsigned int hc_task_kind;
typedef unsigned int hc_module_flag;
typedef unsigned int hc_fd_interest;
typedef unsigned int hc_dispatch_flag;
typedef unsigned int hc_sql_type;
typedef unsigned int hc_sql_flag;
typedef unsigned int hc_sql_transaction;
typedef unsigned int hc_kv_operation;
typedef unsigned int hc_kv_flag;
typedef unsigned int hc_member_request_kind;
typedef unsigned int hc_member_flag;
typedef int32_t hc_status;
typedef uint64_t hc_task;
typedef uint64_t hc_completion;
typedef uint64_t hc_lease;
typedef uint32_t hc_resource;
typedef uint64_t hc_token;
typedef struct hc_bytes {
  const char *data;
  size_t size;
} hc_bytes;
typedef struct hc_field {
  struct hc_bytes name;
  struct hc_bytes value;
} hc_field;
typedef struct hc_address {
  uint8_t ip[16];
  uint16_t port;
  uint16_t family;
} hc_address;
typedef struct hc_event {
  hc_token token;
  uint64_t value;
  hc_status status;
  uint32_t kind;
} hc_event;
typedef struct hc_tls {
  uint32_t size;
  uint32_t version;
  struct hc_bytes cipher;
  struct hc_bytes server_name;
  struct hc_bytes protocol;
  struct hc_bytes certificate;
} hc_tls;
typedef struct hc_request {
  uint32_t size;
  uint32_t version;
  uint64_t id;
  struct hc_bytes method;
  struct hc_bytes target;
  struct hc_bytes scheme;
  struct hc_bytes authority;
  struct hc_bytes path;
  struct hc_bytes query;
  struct hc_bytes protocol;
  const struct hc_field *fields;
  size_t field_count;
  uint64_t content_length;
  uint64_t deadline_ns;
  const struct hc_address *peer;
  const struct hc_address *local;
  const struct hc_tls *tls;
} hc_request;
typedef struct hc_response {
  uint32_t size;
  uint32_t status;
  const struct hc_field *fields;
  size_t field_count;
  struct hc_bytes body;
  uint64_t content_length;
} hc_response;
typedef struct hc_host {
  uint32_t size;
  uint16_t abi_major;
  uint16_t abi_minor;
  const void *(*extension)(const struct hc_host *H, const char *id);
  void (*log)(const struct hc_host *H, hc_task task, uint32_t level, struct hc_bytes text);
  uint64_t (*now)(const struct hc_host *H);
  uint32_t (*worker_index)(const struct hc_host *H);
  uint32_t (*worker_count)(const struct hc_host *H);
  uint64_t (*limit)(const struct hc_host *H, uint32_t which);
  hc_status (*refusal)(const struct hc_host *H, struct hc_bytes *rule, struct hc_bytes *text);
  hc_status (*body_read)(const struct hc_host *H, hc_task task, hc_token token, struct hc_bytes *chunk);
  hc_status (*body_trailers)(const struct hc_host *H, hc_task task, const struct hc_field **fields, size_t *count);
  hc_status (*respond)(const struct hc_host *H, hc_task task, const struct hc_response *response);
  hc_status (*inform)(const struct hc_host *H, hc_task task, uint32_t status, const struct hc_field *fields, size_t count);
  hc_status (*response_start)(const struct hc_host *H, hc_task task, const struct hc_response *response);
  hc_status (*response_write)(const struct hc_host *H, hc_task task, hc_token token, struct hc_bytes data, size_t *accepted);
  hc_status (*response_end)(const struct hc_host *H, hc_task task, const struct hc_field *trailers, size_t count);
  hc_status (*abort)(const struct hc_host *H, hc_task task);
  hc_status (*completion)(const struct hc_host *H, hc_task task, hc_token token, hc_completion *completion);
  hc_status (*complete)(const struct hc_host *H, hc_completion completion, hc_status status, uint64_t value);
  hc_status (*timer)(const struct hc_host *H, hc_task task, hc_token token, uint64_t delay_ns);
  hc_status (*cancel)(const struct hc_host *H, hc_task task, hc_token token, struct hc_event *latched);
  hc_status (*notices)(const struct hc_host *H, hc_task task, uint32_t mask);
  hc_status (*spawn)(const struct hc_host *H, uint32_t worker, void *arg, hc_task *task);
  hc_status (*task_cancel)(const struct hc_host *H, hc_task task);
  hc_status (*resource)(const struct hc_host *H, const char *name, const char *interface_id, hc_resource *resource);
  hc_status (*acquire)(const struct hc_host *H, hc_task task, hc_token token, const hc_resource *resources, size_t count, uint64_t timeout_ns, hc_lease *leases);
  hc_status (*release)(const struct hc_host *H, hc_task task, hc_lease lease, uint32_t how);
  const void *(*lease_interface)(const struct hc_host *H, hc_task task, hc_lease lease);
} hc_host;
typedef struct hc_start {
  uint32_t size;
  uint32_t kind;
  const struct hc_request *request;
  void *arg;
  const hc_lease *leases;
  size_t lease_count;
} hc_start;
typedef struct hc_module {
  uint32_t size;
  uint16_t abi_major;
  uint16_t abi_minor;
  uint32_t flags;
  uint32_t reserved;
  const char *id;
  const char *version;
  const char *description;
  const char *config_schema;
  hc_status (*create)(const struct hc_host *H, struct hc_bytes config_json, void **instance);
  void (*destroy)(void *instance);
  hc_status (*worker_start)(void *instance, uint32_t worker, void **worker_state);
  void (*worker_stop)(void *instance, void *worker_state);
  hc_status (*start)(void *instance, void *worker_state, hc_task task, const struct hc_start *start, void **task_state);
  hc_status (*resume)(void *instance, void *worker_state, hc_task task, void *task_state, const struct hc_event *events, size_t count);
  void (*finish)(void *instance, void *worker_state, hc_task task, void *task_state, hc_status outcome, const struct hc_event *unseen, size_t count);
} hc_module;
typedef uint64_t hc_fd_handle;
typedef struct hc_fd {
  uint32_t size;
  uint32_t reserved;
  hc_status (*add)(const struct hc_host *H, int fd, hc_fd_handle *handle);
  hc_status (*wait)(const struct hc_host *H, hc_task task, hc_token token, hc_fd_handle handle, uint32_t interest);
  hc_status (*remove)(const struct hc_host *H, hc_fd_handle handle);
} hc_fd;
typedef struct hc_dispatch_options {
  uint32_t size;
  uint32_t flags;
  const struct hc_request *request;
  struct hc_bytes body;
} hc_dispatch_options;
typedef struct hc_dispatch {
  uint32_t size;
  uint32_t reserved;
  hc_status (*open)(const struct hc_host *H, hc_task task, hc_token token, const struct hc_dispatch_options *options, hc_task *child);
  hc_status (*head)(const struct hc_host *H, hc_task task, hc_task child, struct hc_response *head);
  hc_status (*read)(const struct hc_host *H, hc_task task, hc_task child, hc_token token, struct hc_bytes *chunk);
  hc_status (*trailers)(const struct hc_host *H, hc_task task, hc_task child, const struct hc_field **fields, size_t *count);
  hc_status (*close)(const struct hc_host *H, hc_task task, hc_task child);
} hc_dispatch;
typedef struct hc_work {
  uint32_t size;
  uint32_t reserved;
  hc_status (*run)(void *arg, uint64_t *value);
  void (*drop)(void *arg);
  void *arg;
} hc_work;
typedef struct hc_offload {
  uint32_t size;
  uint32_t reserved;
  hc_status (*run)(const struct hc_host *H, hc_task task, hc_token token, const struct hc_work *work);
} hc_offload;
typedef struct hc_sql_value {
  uint32_t type;
  uint32_t reserved;
  int64_t integer;
  double real;
  struct hc_bytes bytes;
} hc_sql_value;
typedef struct hc_sql_statement {
  uint32_t size;
  uint32_t flags;
  struct hc_bytes text;
  const struct hc_sql_value *values;
  size_t value_count;
} hc_sql_statement;
typedef struct hc_sql_rows {
  uint32_t size;
  uint32_t reserved;
  const struct hc_sql_value *values;
  size_t row_count;
  size_t column_count;
} hc_sql_rows;
typedef struct hc_sql_outcome {
  uint32_t size;
  hc_status status;
  uint64_t affected;
  struct hc_bytes code;
  struct hc_bytes message;
} hc_sql_outcome;
typedef struct hc_sql {
  uint32_t size;
  uint32_t reserved;
  hc_status (*query)(const struct hc_host *H, hc_task task, hc_lease lease, hc_token token, const struct hc_sql_statement *statement);
  hc_status (*columns)(const struct hc_host *H, hc_task task, hc_lease lease, const struct hc_bytes **names, size_t *count);
  hc_status (*rows)(const struct hc_host *H, hc_task task, hc_lease lease, hc_token token, struct hc_sql_rows *rows);
  hc_status (*outcome)(const struct hc_host *H, hc_task task, hc_lease lease, struct hc_sql_outcome *outcome);
  hc_status (*transaction)(const struct hc_host *H, hc_task task, hc_lease lease, hc_token token, uint32_t what);
} hc_sql;
typedef struct hc_kv_request {
  uint32_t size;
  uint32_t operation;
  uint32_t flags;
  uint32_t reserved;
  struct hc_bytes key;
  struct hc_bytes value;
  struct hc_bytes expected;
  int64_t number;
  uint64_t ttl_ms;
} hc_kv_request;
typedef struct hc_kv_reply {
  uint32_t size;
  uint32_t found;
  struct hc_bytes value;
  int64_t number;
  uint64_t ttl_ms;
} hc_kv_reply;
typedef struct hc_kv_message {
  uint32_t size;
  uint32_t reserved;
  struct hc_bytes channel;
  struct hc_bytes value;
} hc_kv_message;
typedef struct hc_kv {
  uint32_t size;
  uint32_t reserved;
  hc_status (*run)(const struct hc_host *H, hc_task task, hc_lease lease, hc_token token, const struct hc_kv_request *request);
  hc_status (*reply)(const struct hc_host *H, hc_task task, hc_lease lease, struct hc_kv_reply *reply);
  hc_status (*message)(const struct hc_host *H, hc_task task, hc_lease lease, hc_token token, struct hc_kv_message *message);
} hc_kv;
typedef struct hc_pool {
  uint32_t size;
  uint32_t reserved;
  hc_status (*object)(const struct hc_host *H, hc_task task, hc_lease lease, const char *type, void **object);
} hc_pool;
typedef struct hc_usage {
  uint32_t size;
  uint32_t max;
  uint32_t in_use;
  uint32_t idle;
  uint32_t waiting;
  uint32_t available;
} hc_usage;
typedef struct hc_limit_table {
  uint32_t size;
  uint32_t reserved;
  hc_status (*usage)(const struct hc_host *H, hc_resource resource, struct hc_usage *usage);
} hc_limit_table;
typedef struct hc_member_request {
  uint32_t size;
  uint32_t kind;
  const struct hc_sql_statement *statement;
  const struct hc_kv_request *kv;
  uint32_t transaction;
  uint32_t reserved;
} hc_member_request;
typedef struct hc_member_result {
  uint32_t size;
  hc_status status;
  uint32_t flags;
  uint32_t reserved;
  uint64_t affected;
  struct hc_bytes code;
  struct hc_bytes message;
  const struct hc_kv_reply *reply;
} hc_member_result;
typedef struct hc_provider {
  uint32_t size;
  uint32_t reserved;
  hc_status (*offer)(const struct hc_host *H, const char *interface_id);
  hc_status (*ready)(const struct hc_host *H, hc_task task);
  hc_status (*explain)(const struct hc_host *H, hc_task task, struct hc_bytes reason);
  hc_status (*object)(const struct hc_host *H, hc_task task, const char *type, void *object);
  hc_status (*next)(const struct hc_host *H, hc_task task, hc_token token, const struct hc_member_request **request);
  hc_status (*columns)(const struct hc_host *H, hc_task task, const struct hc_bytes *names, size_t count);
  hc_status (*rows)(const struct hc_host *H, hc_task task, hc_token token, const struct hc_sql_value *values, size_t count, size_t *accepted);
  hc_status (*message)(const struct hc_host *H, hc_task task, struct hc_bytes channel, struct hc_bytes value);
  hc_status (*done)(const struct hc_host *H, hc_task task, const struct hc_member_result *result);
} hc_provider;
"""

# Structure and member: (thread, class, callbacks, states of the response); of what a container calls, the thread only.
TAGS = {
    ("hc_host", "extension"): ("any", "now", ("any",), ("any",)),
    ("hc_host", "log"): ("any", "now", ("any",), ("any",)),
    ("hc_host", "now"): ("any", "now", ("any",), ("any",)),
    ("hc_host", "worker_index"): ("any", "now", ("any",), ("any",)),
    ("hc_host", "worker_count"): ("any", "now", ("any",), ("any",)),
    ("hc_host", "limit"): ("any", "now", ("any",), ("any",)),
    ("hc_host", "refusal"): ("any", "now", ("any",), ("any",)),
    ("hc_host", "body_read"): ("task", "ready", ("step",), ("any",)),
    ("hc_host", "body_trailers"): ("task", "now", ("step",), ("any",)),
    ("hc_host", "respond"): ("task", "now", ("step",), ("none",)),
    ("hc_host", "inform"): ("task", "now", ("step",), ("none",)),
    ("hc_host", "response_start"): ("task", "now", ("step",), ("none",)),
    ("hc_host", "response_write"): ("task", "ready", ("step",), ("open",)),
    ("hc_host", "response_end"): ("task", "now", ("step",), ("open",)),
    ("hc_host", "abort"): ("task", "now", ("step",), ("none", "open",)),
    ("hc_host", "completion"): ("task", "now", ("step",), ("any",)),
    ("hc_host", "complete"): ("any", "now", ("any",), ("any",)),
    ("hc_host", "timer"): ("task", "result", ("step",), ("any",)),
    ("hc_host", "cancel"): ("task", "now", ("step", "finish",), ("any",)),
    ("hc_host", "notices"): ("task", "now", ("step",), ("any",)),
    ("hc_host", "spawn"): ("any", "now", ("any",), ("any",)),
    ("hc_host", "task_cancel"): ("any", "now", ("any",), ("any",)),
    ("hc_host", "resource"): ("init", "now", ("create",), ("any",)),
    ("hc_host", "acquire"): ("task", "result", ("step",), ("any",)),
    ("hc_host", "release"): ("task", "now", ("step", "finish",), ("any",)),
    ("hc_host", "lease_interface"): ("task", "now", ("step",), ("any",)),
    ("hc_module", "create"): ("init",),
    ("hc_module", "destroy"): ("init",),
    ("hc_module", "worker_start"): ("worker",),
    ("hc_module", "worker_stop"): ("worker",),
    ("hc_module", "start"): ("worker",),
    ("hc_module", "resume"): ("worker",),
    ("hc_module", "finish"): ("worker",),
    ("hc_dispatch", "open"): ("task", "result", ("step",), ("any",)),
    ("hc_dispatch", "head"): ("task", "now", ("step",), ("any",)),
    ("hc_dispatch", "read"): ("task", "ready", ("step",), ("any",)),
    ("hc_dispatch", "trailers"): ("task", "now", ("step",), ("any",)),
    ("hc_dispatch", "close"): ("task", "now", ("step", "finish",), ("any",)),
    ("hc_fd", "add"): ("worker", "now", ("step",), ("any",)),
    ("hc_fd", "wait"): ("task", "ready", ("step",), ("any",)),
    ("hc_fd", "remove"): ("worker", "now", ("step", "finish",), ("any",)),
    ("hc_kv", "run"): ("task", "result", ("step",), ("any",)),
    ("hc_kv", "reply"): ("task", "now", ("step",), ("any",)),
    ("hc_kv", "message"): ("task", "ready", ("step",), ("any",)),
    ("hc_limit_table", "usage"): ("any", "now", ("any",), ("any",)),
    ("hc_work", "run"): ("foreign",),
    ("hc_work", "drop"): ("foreign",),
    ("hc_offload", "run"): ("task", "result", ("step",), ("any",)),
    ("hc_pool", "object"): ("task", "now", ("step", "finish",), ("any",)),
    ("hc_provider", "offer"): ("init", "now", ("create",), ("any",)),
    ("hc_provider", "ready"): ("task", "now", ("step",), ("any",)),
    ("hc_provider", "explain"): ("task", "now", ("step",), ("any",)),
    ("hc_provider", "object"): ("task", "now", ("step",), ("any",)),
    ("hc_provider", "next"): ("task", "ready", ("step",), ("any",)),
    ("hc_provider", "columns"): ("task", "now", ("step",), ("any",)),
    ("hc_provider", "rows"): ("task", "ready", ("step",), ("any",)),
    ("hc_provider", "message"): ("task", "now", ("step",), ("any",)),
    ("hc_provider", "done"): ("task", "now", ("step",), ("any",)),
    ("hc_sql", "query"): ("task", "result", ("step",), ("any",)),
    ("hc_sql", "columns"): ("task", "now", ("step",), ("any",)),
    ("hc_sql", "rows"): ("task", "ready", ("step",), ("any",)),
    ("hc_sql", "outcome"): ("task", "now", ("step",), ("any",)),
    ("hc_sql", "transaction"): ("task", "result", ("step",), ("any",)),
}
