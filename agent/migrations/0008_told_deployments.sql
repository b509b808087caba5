-- SPDX-License-Identifier: AGPL-3.0-or-later
-- What other servers said of deployments last: their history stays with them, and the newest of all projects are shown in one list.

ALTER TABLE deployment_places ADD COLUMN told TEXT;                   -- JSON; NULL: nothing yet, or nothing that still holds
CREATE INDEX deployment_places_told ON deployment_places (created_at_ms) WHERE told IS NOT NULL;

UPDATE deployment_places SET told = (
    SELECT json_extract(mirror, '$.latest_deployment') FROM projects WHERE projects.id = deployment_places.project_id
    AND CASE WHEN json_valid(mirror) THEN json_extract(mirror, '$.latest_deployment.id') END = deployment_places.id);
