/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* Names of this server itself: the dashboard's, and * below the base domain where there is a hook. They are domains of no project. */
#pragma once

#include "certificates/certificates.h"

/* Makes the rows what the settings say now. What failed is tried at once: a restart most probably follows a change. */
void own_names_follow(const CertificatesConfig *c);
/* The dashboard's name: nginx needs something to serve for it until there is a certificate. A file that is there stays. */
void own_names_begin(const CertificatesConfig *c, const DomainRow *row, int64_t now_ms);
