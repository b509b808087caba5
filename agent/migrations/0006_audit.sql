-- SPDX-License-Identifier: AGPL-3.0-or-later
-- Who changed what, through which door, and how that was answered. Never a value that was sent: names of what exists, and names of fields.

CREATE TABLE audit (
    id INTEGER PRIMARY KEY AUTOINCREMENT,                             -- never used again: who reads on by it misses nothing
    at_ms INTEGER NOT NULL,                                           -- of the last one, where several are counted in one row
    actor_kind TEXT NOT NULL CHECK (actor_kind IN ('user', 'token', 'root', 'system')),
    actor_name TEXT NOT NULL,
    action TEXT NOT NULL,                                             -- project.deploy, ...
    project TEXT,                                                     -- its name
    target TEXT,                                                      -- a domain, a deployment, a server, ...
    status INTEGER NOT NULL,                                          -- of the answer; 0: the client had gone before
    detail TEXT,
    address TEXT,
    count INTEGER NOT NULL DEFAULT 1                                  -- refusals of one kind within a minute
) STRICT;
CREATE INDEX audit_at_ms ON audit (at_ms);

-- For the newest deployments of all projects.
CREATE INDEX deployments_created_at_ms ON deployments (created_at_ms);
