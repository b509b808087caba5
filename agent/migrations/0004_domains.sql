-- SPDX-License-Identifier: AGPL-3.0-or-later
-- Domains with their certificates, and what protects a project.

-- projects.domain stays: it is the domain that a project's URL shows, one of those here.
CREATE TABLE domains (
    name TEXT PRIMARY KEY NOT NULL,
    project_id TEXT NOT NULL REFERENCES projects (id) ON DELETE CASCADE,
    redirect_to TEXT,                                                 -- another domain of the project; NULL: the project answers
    hsts INTEGER NOT NULL DEFAULT 0 CHECK (hsts IN (0, 1)),
    source TEXT NOT NULL CHECK (source IN ('acme', 'own')),           -- who made its certificate
    state TEXT NOT NULL CHECK (state IN ('waiting', 'issuing', 'valid', 'failed')),
    problem TEXT,                                                     -- a sentence
    problem_word TEXT,
    not_after_ms INTEGER NOT NULL DEFAULT 0,                          -- of its certificate
    issued_at_ms INTEGER NOT NULL DEFAULT 0,                          -- 0: it has no certificate yet
    next_try_ms INTEGER NOT NULL DEFAULT 0,
    tries INTEGER NOT NULL DEFAULT 0,                                 -- in a row that failed
    created_at_ms INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX domains_project_id ON domains (project_id);

-- One name for two projects could be stored before, though not served: the older project has it.
INSERT OR IGNORE INTO domains (name, project_id, source, state, created_at_ms)
    SELECT domain, id, 'acme', 'waiting', CAST(strftime('%s', created_at) AS INTEGER) * 1000
    FROM projects WHERE domain IS NOT NULL ORDER BY created_at, id;
UPDATE projects SET domain = NULL
    WHERE domain IS NOT NULL AND NOT EXISTS (SELECT 1 FROM domains WHERE name = domain AND project_id = projects.id);

ALTER TABLE projects ADD COLUMN gate_user TEXT;                       -- NULL: no password is asked for
ALTER TABLE projects ADD COLUMN gate_hash TEXT;                       -- as crypt(3) makes it
ALTER TABLE projects ADD COLUMN allowed TEXT NOT NULL DEFAULT '';     -- networks, separated by blanks; empty: everybody
ALTER TABLE projects ADD COLUMN rate INTEGER NOT NULL DEFAULT 0 CHECK (rate >= 0); -- requests a second and visitor; 0: no limit
ALTER TABLE projects ADD COLUMN maintenance BOOLEAN NOT NULL DEFAULT 0;
ALTER TABLE projects ADD COLUMN security_headers BOOLEAN NOT NULL DEFAULT 0;
