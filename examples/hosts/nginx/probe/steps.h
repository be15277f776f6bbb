/* SPDX-License-Identifier: MIT OR Apache-2.0
 * The steps of the probe: which path does what, and when it goes on. */
static void *complete_soon(void *argument) {
  void **pair = argument;
  const hc_host *H = pair[0];
  task *self = pair[1];
  hc_completion done = self->done;
  free(pair);
  (void)H->complete(H, done, HC_OK, 7);
  return NULL;
}

static hc_status on_thread(const hc_host *H, hc_task handle, task *self) {
  void **pair = malloc(2 * sizeof *pair);
  hc_status status = pair == NULL ? HC_E_MEMORY : H->completion(H, handle, TOKEN_DONE, &self->done);
  if (status < 0) {
    free(pair);
    return status;
  }
  pair[0] = (void *)(uintptr_t)H;
  pair[1] = self;
  if (pthread_create(&self->thread, NULL, complete_soon, pair) != 0) {
    free(pair);
    return HC_FAIL;
  }
  return HC_YIELD;
}

static hc_status begin_path(instance *module, hc_task handle, task *self) {
  const hc_host *H = module->H;
  hc_status status;
  switch (self->path) {
  case ECHO: return echo(H, handle, self);
  case COUNT: return count(module, handle);
  case INFORM: return inform(H, handle);
  case TRAILERS: return trailers(H, handle);
  case FIELDS: return fields(H, handle);
  case SPAWN:
    status = H->spawn(H, HC_WORKER_SELF, module, NULL);
    return status < 0 ? status : say(H, handle, 202, "spawned\n");
  case PANIC: return HC_E_PANIC;
  case PARK: return H->timer(H, handle, TOKEN_TIMER, 3600000000000u);
  case STREAM: return stream(H, handle, self);
  case ABORT:
    status = begin(H, handle, HC_LENGTH_UNKNOWN);
    return status < 0 ? status : HC_FAIL;
  case NOTICE:
    status = H->notices(H, handle, HC_NOTICE_DRAIN | HC_NOTICE_DEADLINE | HC_NOTICE_PEER);
    return status < 0 ? status : H->timer(H, handle, TOKEN_TIMER, 3600000000000u);
  case LOST: return HC_YIELD;
  case THREAD: return on_thread(H, handle, self);
  case LATE:
  case SUM: return sum(H, handle, self);
  default: return say(H, handle, 404, "no such path\n");
  }
}

static hc_status start(void *module, void *worker_state, hc_task handle, const hc_start *begun, void **task_state) {
  instance *self = module;
  task *made;
  (void)worker_state;
  if (begun->kind == HC_TASK_BACKGROUND) {
    self->background += begun->arg == module;
    return self->H->timer(self->H, handle, TOKEN_TIMER, 0);
  }
  self->started++;
  made = calloc(1, sizeof *made);
  if (made == NULL) return HC_E_MEMORY;
  *task_state = made;
  made->request = begun->request;
  for (made->path = 0; made->path < NONE; made->path++) {
    const char *path = paths[made->path];
    if (strlen(path) == begun->request->path.size && memcmp(path, begun->request->path.data, strlen(path)) == 0) break;
  }
  return begin_path(self, handle, made);
}

static hc_status resume(void *module, void *worker_state, hc_task handle, void *task_state, const hc_event *events,
                        size_t count_of_events) {
  instance *self = module;
  task *mine = task_state;
  char text[64];
  (void)worker_state;
  if (mine == NULL) return HC_DONE; /* the background task's timer */
  switch (mine->path) {
  case ECHO: return echo(self->H, handle, mine);
  case STREAM: return stream(self->H, handle, mine);
  case LATE:
  case SUM: return sum(self->H, handle, mine);
  default:
    snprintf(text, sizeof text, "kind %u value %llu of %lu\n", events[0].kind, (unsigned long long)events[0].value,
             (unsigned long)count_of_events);
    return say(self->H, handle, 200, text);
  }
}

static void finish(void *module, void *worker_state, hc_task handle, void *task_state, hc_status outcome, const hc_event *unseen,
                   size_t count_of_events) {
  instance *self = module;
  task *mine = task_state;
  (void)worker_state, (void)handle, (void)unseen, (void)count_of_events;
  if (mine == NULL) return;
  if (mine->path == THREAD && mine->done != 0) pthread_join(mine->thread, NULL);
  self->finished++;
  self->cancelled_by_peer += outcome == HC_CANCELLED_PEER;
  free(mine);
}
