-- SPDX-License-Identifier: AGPL-3.0-or-later
-- Names of a server itself, with their certificates: that of the dashboard, and * below the base domain. They are of no project.
CREATE TABLE domains_new (
    name TEXT PRIMARY KEY NOT NULL,
    project_id TEXT REFERENCES projects (id) ON DELETE CASCADE,       -- NULL: of this server
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
INSERT INTO domains_new (name, project_id, redirect_to, hsts, source, state, problem, problem_word, not_after_ms, issued_at_ms, next_try_ms, tries,
    created_at_ms)
    SELECT name, project_id, redirect_to, hsts, source, state, problem, problem_word, not_after_ms, issued_at_ms, next_try_ms, tries, created_at_ms
    FROM domains;
DROP TABLE domains;
ALTER TABLE domains_new RENAME TO domains;
CREATE INDEX domains_project_id ON domains (project_id);
