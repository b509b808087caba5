/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* What the dashboard is called and shows at its top. */
#pragma once

#include "api/handlers.h"

/* {"name","has_logo"}: what also those may see who have not signed in. A new reference, or NULL without memory. */
json_t *describe_site(const Api *a);
