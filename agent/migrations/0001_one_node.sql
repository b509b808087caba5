-- SPDX-License-Identifier: AGPL-3.0-or-later
-- One node: servers, projects, deployments with their steps, releases, settings.
--
-- servers and projects begin with the columns of the specification, word for word; what NanoScale needs beyond them follows. created_at is
-- UTC text there, since that is what CURRENT_TIMESTAMP writes; in tables of our own, times are integers (milliseconds since 1970, 0: not yet).
-- Each foreign key has an index: without one, deleting a parent reads the whole child table.

CREATE TABLE servers (
    id TEXT PRIMARY KEY,
    name TEXT NOT NULL,
    ip_address TEXT NOT NULL,
    status TEXT NOT NULL,
    secret_key TEXT NOT NULL,             -- High-entropy key for HMAC signing
    public_key TEXT,                      -- WireGuard/mTLS public key (Future)
    created_at DATETIME DEFAULT CURRENT_TIMESTAMP
);
CREATE UNIQUE INDEX servers_name ON servers (name);

CREATE TABLE projects (
    id TEXT PRIMARY KEY,
    server_id TEXT NOT NULL,
    name TEXT NOT NULL UNIQUE,            -- Validated: ^[a-z0-9-]+$
    repo_url TEXT NOT NULL,               -- Validated: HTTPS only
    branch TEXT DEFAULT 'main',
    node_version TEXT DEFAULT '20',
    install_command TEXT DEFAULT 'bun install --frozen-lockfile',
    build_command TEXT DEFAULT 'bun run build',
    start_command TEXT DEFAULT 'bun run start',
    env_vars TEXT NOT NULL,               -- Encrypted at rest (Future)
    port INTEGER NOT NULL,
    domain TEXT,
    scale_to_zero BOOLEAN DEFAULT 1,
    created_at DATETIME DEFAULT CURRENT_TIMESTAMP,
    root_directory TEXT NOT NULL DEFAULT '',
    bun_version TEXT NOT NULL DEFAULT '1.2.20',
    health_path TEXT NOT NULL DEFAULT '/',
    memory_mib INTEGER NOT NULL DEFAULT 512,
    cpu_percent INTEGER NOT NULL DEFAULT 100,
    tasks_max INTEGER NOT NULL DEFAULT 256,
    build_memory_mib INTEGER NOT NULL DEFAULT 2048,
    build_cpu_percent INTEGER NOT NULL DEFAULT 200,
    build_seconds INTEGER NOT NULL DEFAULT 1200,
    live_slot TEXT NOT NULL DEFAULT '' CHECK (live_slot IN ('', 'a', 'b')),
    live_release INTEGER NOT NULL DEFAULT 0,
    next_release INTEGER NOT NULL DEFAULT 1 CHECK (next_release >= 1),
    env_changed_at_ms INTEGER NOT NULL DEFAULT 0,
    FOREIGN KEY(server_id) REFERENCES servers(id)
);
CREATE INDEX projects_server_id ON projects (server_id);

CREATE TABLE deployments (
    id TEXT PRIMARY KEY NOT NULL,
    project_id TEXT NOT NULL REFERENCES projects (id) ON DELETE CASCADE,
    number INTEGER NOT NULL,
    state TEXT NOT NULL,
    source TEXT NOT NULL,
    branch TEXT NOT NULL,
    commit_id TEXT NOT NULL,
    author TEXT NOT NULL,
    subject TEXT NOT NULL,
    release_number INTEGER NOT NULL DEFAULT 0,
    failed_step TEXT,
    failure TEXT,
    exit_code INTEGER NOT NULL DEFAULT -1,
    journal_cursor TEXT,
    created_at_ms INTEGER NOT NULL,
    started_at_ms INTEGER NOT NULL DEFAULT 0,
    finished_at_ms INTEGER NOT NULL DEFAULT 0,
    UNIQUE (project_id, number)
) STRICT;
CREATE INDEX deployments_open ON deployments (created_at_ms) WHERE finished_at_ms = 0;

CREATE TABLE steps (
    deployment_id TEXT NOT NULL REFERENCES deployments (id) ON DELETE CASCADE,
    position INTEGER NOT NULL CHECK (position >= 0),
    name TEXT NOT NULL,
    result TEXT NOT NULL,
    started_at_ms INTEGER NOT NULL,
    finished_at_ms INTEGER NOT NULL DEFAULT 0,
    PRIMARY KEY (deployment_id, position)
) STRICT, WITHOUT ROWID;

CREATE TABLE releases (
    project_id TEXT NOT NULL REFERENCES projects (id) ON DELETE CASCADE,
    number INTEGER NOT NULL CHECK (number >= 1),
    deployment_id TEXT NOT NULL REFERENCES deployments (id),
    commit_id TEXT NOT NULL,
    start_command TEXT NOT NULL,
    root_directory TEXT NOT NULL,
    node_version TEXT NOT NULL,
    bun_version TEXT NOT NULL,
    created_at_ms INTEGER NOT NULL,
    PRIMARY KEY (project_id, number)
) STRICT, WITHOUT ROWID;
CREATE INDEX releases_deployment_id ON releases (deployment_id);

CREATE TABLE settings (
    key TEXT PRIMARY KEY NOT NULL,
    value TEXT NOT NULL
) STRICT, WITHOUT ROWID;
