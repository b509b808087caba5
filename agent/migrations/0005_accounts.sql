-- SPDX-License-Identifier: AGPL-3.0-or-later
-- Who signs in to the dashboard, and programs with tokens.

CREATE TABLE users (
    id TEXT PRIMARY KEY NOT NULL,
    name TEXT NOT NULL UNIQUE,
    password TEXT NOT NULL,                                           -- argon2id, as libsodium writes it
    totp_secret TEXT,                                                 -- sealed; NULL: no second factor
    totp_pending TEXT,                                                -- sealed; made, but not confirmed yet
    totp_step INTEGER NOT NULL DEFAULT 0,                             -- of the code that was used last: none counts twice
    created_at_ms INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE recovery_codes (
    hash TEXT PRIMARY KEY NOT NULL,                                   -- SHA-256
    user_id TEXT NOT NULL REFERENCES users (id) ON DELETE CASCADE
) STRICT, WITHOUT ROWID;
CREATE INDEX recovery_codes_user_id ON recovery_codes (user_id);

CREATE TABLE sessions (
    id TEXT PRIMARY KEY NOT NULL,                                     -- by which it is shown and ended
    hash TEXT NOT NULL UNIQUE,                                        -- SHA-256 of what the browser has
    user_id TEXT NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    address TEXT NOT NULL,                                            -- from where it was used last
    agent TEXT NOT NULL,                                              -- what the browser says that it is
    created_at_ms INTEGER NOT NULL,
    used_at_ms INTEGER NOT NULL,
    expires_at_ms INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX sessions_user_id ON sessions (user_id);

CREATE TABLE api_tokens (
    id TEXT PRIMARY KEY NOT NULL,
    hash TEXT NOT NULL UNIQUE,                                        -- SHA-256
    name TEXT NOT NULL UNIQUE,
    scope TEXT NOT NULL CHECK (scope IN ('read', 'deploy', 'admin')),
    created_at_ms INTEGER NOT NULL,
    used_at_ms INTEGER NOT NULL DEFAULT 0,                            -- 0: never
    expires_at_ms INTEGER NOT NULL DEFAULT 0                          -- 0: never
) STRICT, WITHOUT ROWID;
