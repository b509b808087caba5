// SPDX-License-Identifier: AGPL-3.0-or-later
"use client";

import type { RepositoryCheck } from "@nanoscale/contracts";
import { Card, CardBody, CardHeader, CardTitle } from "@/components/ui/card";
import { Switch } from "@/components/ui/checkbox";
import type { Controls } from "./controls";
import { LABELS } from "./fields";
import { NumberInput, TextInput } from "./inputs";

export function BuildCard({ controls, found }: { controls: Controls; found?: RepositoryCheck }) {
  return (
    <Card>
      <CardHeader>
        <CardTitle>Build and start</CardTitle>
      </CardHeader>
      <CardBody className="grid gap-4">
        <TextInput
          controls={controls}
          field="root_directory"
          placeholder="the repository itself"
          list="root-directories"
          hint="Of the app, in a repository with several"
          mono
        />
        <datalist id="root-directories">
          {found?.root_directories.map((directory) => (
            <option key={directory} value={directory} />
          ))}
        </datalist>
        <TextInput controls={controls} field="install_command" placeholder="nothing to install" mono />
        <TextInput controls={controls} field="build_command" placeholder="nothing to build" mono />
        <TextInput
          controls={controls}
          field="start_command"
          hint={
            found?.framework === "static" ? "Not used by a static site" : "It listens on the port in PORT"
          }
          mono
        />
      </CardBody>
    </Card>
  );
}

/** How it runs: what most want to see before the first deployment. */
export function RunningCard({ controls }: { controls: Controls }) {
  return (
    <Card>
      <CardHeader>
        <CardTitle>Running</CardTitle>
      </CardHeader>
      <CardBody className="grid gap-5">
        <div className="grid gap-4 sm:grid-cols-3">
          <TextInput controls={controls} field="health_path" hint="Answers below 500 when it is well" mono />
          <NumberInput controls={controls} field="memory_mib" unit="MiB" />
          <NumberInput controls={controls} field="cpu_percent" unit="%" hint="100 is one core" />
        </div>
        <Switch
          checked={controls.form.scale_to_zero}
          onCheckedChange={(on) => controls.turn("scale_to_zero", on)}
          label={LABELS.scale_to_zero}
          hint="It takes no RAM then, and the next request wakes it."
        />
        {controls.form.scale_to_zero ? (
          <div className="sm:w-1/3">
            <NumberInput controls={controls} field="idle_minutes" unit="min" />
          </div>
        ) : null}
      </CardBody>
    </Card>
  );
}
