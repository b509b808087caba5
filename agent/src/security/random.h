/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* Random identifiers (libsodium). */
#pragma once

/* 12 characters of [a-z0-9] and a NUL, evenly distributed. */
void random_id(char ret_id[static 13]);
