/* SPDX-License-Identifier: MIT OR Apache-2.0
 * One check for all tests: says where, and ends the program. */
#ifndef CHECK_H
#define CHECK_H

#include <stdio.h>
#include <stdlib.h>

#define CHECK(condition)                                                                                               \
  do {                                                                                                                 \
    if (!(condition)) {                                                                                                \
      fprintf(stderr, "%s:%d: %s\n", __FILE__, __LINE__, #condition);                                                  \
      exit(1);                                                                                                         \
    }                                                                                                                  \
  } while (0)

/* As CHECK, with a word about which of many cases it is. */
#define CHECK_CASE(name, condition)                                                                                    \
  do {                                                                                                                 \
    if (!(condition)) {                                                                                                \
      fprintf(stderr, "%s:%d: case %s: %s\n", __FILE__, __LINE__, (name), #condition);                                 \
      exit(1);                                                                                                         \
    }                                                                                                                  \
  } while (0)

#endif
