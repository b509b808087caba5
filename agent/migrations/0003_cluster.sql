-- SPDX-License-Identifier: AGPL-3.0-or-later
-- The cluster: other servers and how they are, tokens with which they join, and projects that live on them.

ALTER TABLE servers ADD COLUMN port INTEGER NOT NULL DEFAULT 4000;
ALTER TABLE servers ADD COLUMN version TEXT NOT NULL DEFAULT '';      -- of its agent, as it said last
ALTER TABLE servers ADD COLUMN reason TEXT;                           -- why it is not online, a sentence
ALTER TABLE servers ADD COLUMN changed_at_ms INTEGER NOT NULL DEFAULT 0; -- since when it has this status
ALTER TABLE servers ADD COLUMN seen_at_ms INTEGER NOT NULL DEFAULT 0; -- its last answer

ALTER TABLE servers ADD COLUMN draining BOOLEAN NOT NULL DEFAULT 0;   -- nothing new is put there

CREATE TABLE join_tokens (
    hash TEXT PRIMARY KEY NOT NULL,                                   -- SHA-256; the token itself is not kept
    created_at_ms INTEGER NOT NULL,
    expires_at_ms INTEGER NOT NULL,
    used_at_ms INTEGER NOT NULL DEFAULT 0
) STRICT, WITHOUT ROWID;

-- Deployments belong to the node that runs them; the orchestrator keeps whose they are.
CREATE TABLE deployment_places (
    id TEXT PRIMARY KEY NOT NULL,
    project_id TEXT NOT NULL REFERENCES projects (id) ON DELETE CASCADE,
    created_at_ms INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX deployment_places_project_id ON deployment_places (project_id, created_at_ms);

ALTER TABLE projects ADD COLUMN mirror TEXT;                          -- JSON: what its node said of it last; NULL for one on this node

-- Projects on their way from one server to another; how far they are survives the agent.
CREATE TABLE moves (
    project_id TEXT PRIMARY KEY NOT NULL REFERENCES projects (id) ON DELETE CASCADE,
    from_server TEXT NOT NULL,
    to_server TEXT NOT NULL,
    state TEXT NOT NULL CHECK (state IN ('queued', 'placing', 'deploying', 'building', 'undoing', 'lingering', 'failed')),
    deployment_id TEXT NOT NULL,
    commit_id TEXT NOT NULL,                                          -- empty: the tip of the branch
    failure TEXT,                                                     -- a sentence
    linger_seconds INTEGER NOT NULL,                                  -- how long the old place goes on to serve
    changed_at_ms INTEGER NOT NULL,
    created_at_ms INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
