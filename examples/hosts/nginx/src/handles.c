/* SPDX-License-Identifier: MIT OR Apache-2.0
 * Handles: 42 bits of generation, 2 of kind, 20 of slot. A slot whose generations are used up is not used again. All with the
 * lock held. [handle.generation] [handle.kind] */
#include "container.h"

#define SLOT_BITS 20
#define KIND_BITS 2
#define SLOTS (1u << SLOT_BITS)
#define LAST_GENERATION ((UINT64_C(1) << 42) - 1)

typedef struct slot {
  void *object;
  uint64_t generation;
  uint32_t kind, next_free;
} slot;

static slot *slots;
static uint32_t made, room, first_free; /* slot 0 is never used, so a free list ends with 0 */

uint64_t ngc_handle_make(enum ngc_handle_kind kind, void *object) {
  uint32_t index = first_free;
  if (index != 0) {
    first_free = slots[index].next_free;
  } else {
    if (made + 1 >= room) {
      uint32_t wanted = room == 0 ? 256 : room * 2;
      slot *larger = wanted > SLOTS ? NULL : realloc(slots, wanted * sizeof *slots);
      if (larger == NULL) {
        return 0;
      }
      slots = larger;
      room = wanted;
    }
    index = ++made;
    slots[index].generation = 0;
  }
  slots[index].generation++;
  slots[index].object = object;
  slots[index].kind = kind;
  return slots[index].generation << (SLOT_BITS + KIND_BITS) | (uint64_t)kind << SLOT_BITS | index;
}

static slot *find(uint64_t handle) {
  uint32_t index = handle & (SLOTS - 1);
  if (index == 0 || index > made) {
    return NULL;
  }
  if (slots[index].object == NULL || slots[index].generation != handle >> (SLOT_BITS + KIND_BITS) ||
      slots[index].kind != ((handle >> SLOT_BITS) & 3)) {
    return NULL;
  }
  return &slots[index];
}

void *ngc_handle_find(enum ngc_handle_kind kind, uint64_t handle) {
  slot *found = find(handle);
  return found != NULL && found->kind == (uint32_t)kind ? found->object : NULL;
}

/* The end of the process. */
void ngc_handles_end(void) {
  free(slots);
  slots = NULL;
  made = room = first_free = 0;
}

void ngc_handle_end(uint64_t handle) {
  slot *found = find(handle);
  if (found == NULL) {
    return;
  }
  found->object = NULL;
  if (found->generation < LAST_GENERATION) {
    found->next_free = first_free;
    first_free = (uint32_t)(found - slots);
  }
}
