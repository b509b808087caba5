/* SPDX-License-Identifier: AGPL-3.0-or-later */
#include "system/slot_name.h"

#include <stdio.h>
#include <string.h>

#include "security/validate.h"

enum { ID_LENGTH = 12 };

/* In the order of the characters. 1 is the first, so that no key is 0; 37^12 × 2 fits into 64 bits. */
static const char digits[] = " 0123456789abcdefghijklmnopqrstuvwxyz";
enum { BASE = sizeof(digits) - 1 };

bool slot_name_make(const char *project, const char *slot, SlotName *ret) {
        if (!valid_id(project) || !valid_slot(slot))
                return false;
        *ret = (SlotName){ .slot = { *slot } };
        memcpy(ret->project, project, ID_LENGTH);
        return true;
}

/* prefix, id, middle, slot, suffix, and nothing else. */
static bool take_apart(const char *s, size_t length, const char *prefix, const char *middle, const char *suffix, SlotName *ret) {
        size_t before = strlen(prefix), between = strlen(middle), behind = strlen(suffix);
        const char *id = s + before, *slot = id + ID_LENGTH + between;
        SlotName n = { 0 };

        if (length != before + ID_LENGTH + between + 1 + behind || memcmp(s, prefix, before) != 0 ||
            memcmp(id + ID_LENGTH, middle, between) != 0 || memcmp(slot + 1, suffix, behind) != 0)
                return false;
        memcpy(n.project, id, ID_LENGTH);
        *n.slot = *slot;
        return slot_name_make(n.project, n.slot, ret);
}

bool slot_name_from_unit(const char *unit, size_t length, SlotName *ret) {
        return take_apart(unit, length, "nanoscale-", "@", ".service", ret);
}

bool slot_name_from_socket(const char *path, size_t length, const char *directory, SlotName *ret) {
        size_t before = strlen(directory);

        return length > before && memcmp(path, directory, before) == 0 &&
               take_apart(path + before, length - before, "/", "/", ".sock", ret);
}

void slot_name_to_unit(const SlotName *n, char ret[static SLOT_UNIT_SIZE]) {
        (void) snprintf(ret, SLOT_UNIT_SIZE, "nanoscale-%.12s@%.1s.service", n->project, n->slot);
}

uint64_t slot_key(const SlotName *n) {
        uint64_t key = 0;

        for (size_t i = 0; i < ID_LENGTH; i++) {
                char c = n->project[i];

                key = key * BASE + (uint64_t) (c <= '9' ? c - '0' + 1 : c - 'a' + 11);
        }
        return key * 2 + (*n->slot == 'b');
}

void slot_name_from_key(uint64_t key, SlotName *ret) {
        *ret = (SlotName){ .slot = { key % 2 ? 'b' : 'a' } };
        key /= 2;
        for (size_t i = ID_LENGTH; i > 0; i--) {
                ret->project[i - 1] = digits[key % BASE];
                key /= BASE;
        }
}
