// SPDX-License-Identifier: AGPL-3.0-or-later
"use client";

import type { Settings } from "@nanoscale/contracts";
import { useMutation, useQueryClient } from "@tanstack/react-query";
import { useState } from "react";
import { Card, CardBody, CardHeader, CardTitle } from "@/components/ui/card";
import { Field } from "@/components/ui/field";
import { Input } from "@/components/ui/input";
import { SaveBar } from "@/components/ui/save-bar";
import { ApiError, call } from "@/lib/api";
import { authState, me, settings as settingsQuery } from "@/lib/queries";
import { toast } from "@/lib/toast";
import { LogoInput } from "./logo-input";

const LONGEST_BYTES = 60;
type Site = { site_name: string; logo: string | null };
type Patch = { site_name?: string | null; logo?: string | null };

/** Nothing typed: the standard name. */
function nameProblem(name: string): string | null {
  const bytes = new TextEncoder().encode(name).length;
  return bytes > LONGEST_BYTES ? `At most ${LONGEST_BYTES} bytes: ${bytes - LONGEST_BYTES} less` : null;
}

export function SiteForm({ settings }: { settings: Settings }) {
  const client = useQueryClient();
  const [edited, setEdited] = useState<Partial<Site>>({});
  const site: Site = { site_name: settings.site_name, logo: settings.logo, ...edited };
  const name = site.site_name.trim();
  const patch: Patch = {};
  if (name !== settings.site_name) patch.site_name = name || null;
  if (site.logo !== settings.logo) patch.logo = site.logo;
  const save = useMutation({
    mutationFn: (body: Patch) => call<Settings>("PATCH", "/settings", body),
    onSuccess: (changed) => {
      client.setQueryData(settingsQuery().queryKey, changed);
      for (const { queryKey } of [me(), authState()]) void client.invalidateQueries({ queryKey });
      setEdited({});
      toast.success("The site was saved");
    },
  });
  const edit = (part: Partial<Site>) => {
    if (save.isError) save.reset();
    setEdited({ ...edited, ...part });
  };
  const refusal = save.error instanceof ApiError ? save.error : null;
  const refused = (field: string) => (refusal?.field === field ? refusal.message : null);
  const problem = nameProblem(name);
  return (
    <form
      onSubmit={(event) => {
        event.preventDefault();
        if (!problem && Object.keys(patch).length > 0) save.mutate(patch);
      }}
    >
      <Card>
        <CardHeader>
          <CardTitle>Site</CardTitle>
        </CardHeader>
        <CardBody className="grid gap-5">
          <Field
            label="Name"
            error={refused("site_name") ?? problem}
            hint="In the menu, on the sign-in page and in authenticator apps. Empty: NanoScale."
          >
            <Input
              value={site.site_name}
              onChange={(event) => edit({ site_name: event.target.value })}
              placeholder="NanoScale"
              autoComplete="off"
              className="max-w-sm"
            />
          </Field>
          <LogoInput logo={site.logo} refused={refused("logo")} onChange={(logo) => edit({ logo })} />
        </CardBody>
      </Card>
      <SaveBar
        changes={[...("site_name" in patch ? ["Name"] : []), ...("logo" in patch ? ["Logo"] : [])]}
        effect="Everybody sees it at once, also who is not signed in."
        busy={save.isPending}
        error={refusal?.field ? null : save.error}
        onSave={() => (problem ? undefined : save.mutate(patch))}
        onDiscard={() => {
          save.reset();
          setEdited({});
        }}
      />
    </form>
  );
}
