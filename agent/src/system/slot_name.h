/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* How a slot is called by systemd, by the kernel and in here. Pure. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef struct {
        char project[13];
        char slot[2];
} SlotName;

/* [a-z0-9]{12}, and `a` or `b`. False when it is no such name; *ret is as it was then, in all of these. */
bool slot_name_make(const char *project, const char *slot, SlotName *ret);
/* nanoscale-{id}@{slot}.service; no NUL is needed behind it. */
bool slot_name_from_unit(const char *unit, size_t length, SlotName *ret);
/* {directory}/{id}/{slot}.sock; the same. */
bool slot_name_from_socket(const char *path, size_t length, const char *directory, SlotName *ret);

#define SLOT_UNIT_SIZE sizeof("nanoscale-0123456789ab@a.service")
void slot_name_to_unit(const SlotName *n, char ret[static SLOT_UNIT_SIZE]);

/* One number for each slot, never 0, ordered as the names are. */
uint64_t slot_key(const SlotName *n);
void slot_name_from_key(uint64_t key, SlotName *ret);
