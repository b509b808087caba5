-- SPDX-License-Identifier: AGPL-3.0-or-later
-- Rollback and restart beside deployments, what each switch came to, sleep and wake, and apps that keep crashing.

ALTER TABLE projects ADD COLUMN idle_seconds INTEGER NOT NULL DEFAULT 900 CHECK (idle_seconds >= 0); -- 0: never sleeps
ALTER TABLE projects ADD COLUMN doze BOOLEAN NOT NULL DEFAULT 1;
ALTER TABLE projects ADD COLUMN exclusive BOOLEAN NOT NULL DEFAULT 0;
ALTER TABLE projects ADD COLUMN drain_seconds INTEGER NOT NULL DEFAULT 120;
ALTER TABLE projects ADD COLUMN static_directory TEXT NOT NULL DEFAULT '';
ALTER TABLE projects ADD COLUMN crash TEXT;                     -- JSON while the app is given up for a time, else NULL
ALTER TABLE projects ADD COLUMN awake_bytes INTEGER NOT NULL DEFAULT 0; -- its memory just before it fell asleep last

ALTER TABLE deployments ADD COLUMN kind TEXT NOT NULL DEFAULT 'deploy' CHECK (kind IN ('deploy', 'rollback', 'restart'));
ALTER TABLE deployments ADD COLUMN receipt TEXT;                -- JSON, once the switch is through

ALTER TABLE releases ADD COLUMN kind TEXT NOT NULL DEFAULT 'app' CHECK (kind IN ('app', 'proxy', 'static'));

CREATE TABLE wakes (
    project_id TEXT NOT NULL REFERENCES projects (id) ON DELETE CASCADE,
    at_ms INTEGER NOT NULL,
    kind TEXT NOT NULL CHECK (kind IN ('armed', 'asleep')),     -- what it woke from
    duration_ms INTEGER NOT NULL,
    PRIMARY KEY (project_id, at_ms)
) STRICT, WITHOUT ROWID;
