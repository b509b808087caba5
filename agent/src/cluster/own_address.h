/* SPDX-License-Identifier: AGPL-3.0-or-later */
#pragma once

/* The address from which this node reaches the rest of the world: what other nodes most probably reach it at. Nothing is sent. -ENETUNREACH
 * when there is no route. */
int own_address(char ret[static 46]);
