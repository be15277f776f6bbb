/* SPDX-License-Identifier: MIT OR Apache-2.0
 * Versions, linkage, and how structures grow. */
#ifndef HTTP_CONTAINER_BASE_H
#define HTTP_CONTAINER_BASE_H

#include <stddef.h>
#include <stdint.h>

/* The version of the ABI that this header describes. Same major: works together, in both directions. */
#define HC_ABI_MAJOR 1
#define HC_ABI_MINOR 0

/* The calling convention of every function pointer in the ABI: the platform's C convention. */
#if defined(_WIN32)
#define HC_CALL __cdecl
#define HC_EXPORT __declspec(dllexport)
#else
#define HC_CALL
#define HC_EXPORT __attribute__((visibility("default")))
#endif

/* Structures that begin with `uint32_t size` grow only at their end within a major version. The side that fills one in
 * sets `size` to the sizeof it was compiled with. The side that reads one must ask HC_HAS before it reads a member that
 * was added after 1.0, and must not read past `size`. Where a call fills one in for its caller, the caller sets `size`
 * beforehand. What a host call does not know of an options structure must be zero bytes, else HC_E_UNSUPPORTED.
 * [version.size.read] [version.size.options-tail] [version.size.output] */
#ifdef __cplusplus
#define HC_END_OF(pointer, member)                                                                                     \
  (static_cast<size_t>(reinterpret_cast<const char *>(&(pointer)->member + 1) -                                        \
                       reinterpret_cast<const char *>(pointer)))
#else
#define HC_END_OF(pointer, member) ((size_t)((const char *)(&(pointer)->member + 1) - (const char *)(pointer)))
#endif
#define HC_HAS(pointer, member) ((pointer)->size >= HC_END_OF(pointer, member))

#endif
