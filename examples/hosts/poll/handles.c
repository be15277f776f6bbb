/* SPDX-License-Identifier: MIT OR Apache-2.0
 * Handles: 24 bits of slot below 40 bits of generation. A slot whose generations are used up is never used again.
 * [handle.generation] */
#include "container.h"
#include <stdlib.h>

enum { SLOT_BITS = 24 };
#define SLOTS_MOST ((size_t)1 << SLOT_BITS)
#define GENERATIONS ((uint64_t)1 << (64 - SLOT_BITS))

typedef struct slot {
  uint64_t generation; /* of the object in it, or of the last one */
  void *object;        /* NULL: free */
  const instance *owner;
  enum handle_kind kind;
  size_t next_free; /* its number plus one; 0: none */
} slot;

static slot *slots;
static size_t slot_count, slot_capacity, first_free;

static slot *slot_take(void) {
  slot *s;
  if (first_free != 0) {
    s = &slots[first_free - 1];
    first_free = s->next_free;
    return s;
  }
  if (slot_count == slot_capacity) {
    size_t capacity = slot_capacity ? slot_capacity * 2 : 64;
    slot *more = slot_capacity < SLOTS_MOST ? realloc(slots, capacity * sizeof *slots) : NULL;
    if (more == NULL) return NULL;
    slots = more, slot_capacity = capacity;
  }
  s = &slots[slot_count++];
  s->generation = 0;
  return s;
}

uint64_t handle_new(enum handle_kind kind, const instance *owner, void *object) {
  slot *s = slot_take();
  if (s == NULL) return 0;
  s->generation++, s->object = object, s->owner = owner, s->kind = kind;
  return s->generation << SLOT_BITS | (uint64_t)(s - slots);
}

static slot *slot_of(uint64_t handle) {
  size_t number = (size_t)(handle & (SLOTS_MOST - 1));
  if (number >= slot_count || slots[number].object == NULL) return NULL;
  return slots[number].generation == handle >> SLOT_BITS ? &slots[number] : NULL;
}

void *handle_find(uint64_t handle, enum handle_kind kind, const instance *owner) {
  slot *s = slot_of(handle);
  return s != NULL && s->kind == kind && s->owner == owner ? s->object : NULL;
}

void handle_end(uint64_t handle) {
  slot *s = slot_of(handle);
  if (s == NULL) return;
  s->object = NULL;
  if (s->generation + 1 == GENERATIONS) return;
  s->next_free = first_free;
  first_free = (size_t)(s - slots) + 1;
}
