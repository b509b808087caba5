/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* Rows as the JSON of docs/api.md. Each returns a new reference, or NULL when memory ran out. */
#pragma once

#include "deployment/context.h"

#include <jansson.h>

json_t *describe_time(int64_t ms); /* ISO 8601 in UTC, or null for 0 */
json_t *describe_step(const StepRow *row);
/* project is the deployment's project. With details: steps, and the last lines of a failed step from the log. */
json_t *describe_deployment(const DeployContext *c, const ProjectRow *project, const DeploymentRow *row, bool details);
/* The word of docs/api.md for what it is doing. latest: its newest deployment, or NULL. */
const char *describe_status(const DeployContext *c, const ProjectRow *row, const DeploymentRow *latest);
json_t *describe_project(const DeployContext *c, const ProjectRow *row);
json_t *describe_domain(const DomainRow *row, bool is_primary);
json_t *describe_release(const DeployContext *c, const ProjectRow *project, const ReleaseRow *row);
json_t *describe_wake(const WakeRow *row);
json_t *describe_server(const ServerRow *row);

/* Host name under which a project answers: {name}.{base_domain}. */
void project_host(const DeployContext *c, const ProjectRow *row, char *ret, size_t size);
