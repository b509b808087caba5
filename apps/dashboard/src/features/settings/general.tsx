// SPDX-License-Identifier: AGPL-3.0-or-later
"use client";

import { useQuery } from "@tanstack/react-query";
import { settings } from "@/lib/queries";
import { ConfigFile } from "./config-file";
import { Loaded } from "./loaded";
import { OwnNames } from "./own-names";
import { SiteForm } from "./site-form";

export function General() {
  return (
    <Loaded query={useQuery(settings())} what="The settings">
      {(data) => (
        <div className="grid gap-6">
          <SiteForm settings={data} />
          <OwnNames />
          <ConfigFile settings={data} />
        </div>
      )}
    </Loaded>
  );
}
