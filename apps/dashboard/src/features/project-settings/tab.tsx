// SPDX-License-Identifier: AGPL-3.0-or-later
"use client";

import type { Project } from "@nanoscale/contracts";
import { useRef, useState } from "react";
import { Card, CardBody, CardHeader, CardTitle } from "@/components/ui/card";
import { SaveBar } from "@/components/ui/save-bar";
import { Advanced } from "../projects/form/advanced";
import { BuildCard, RunningCard } from "../projects/form/cards";
import { ADVANCED } from "../projects/form/fields";
import { TextInput } from "../projects/form/inputs";
import { effectOf, namesOf } from "./effect";
import { MoveCard } from "./move";
import { NameCard } from "./name";
import { Protection } from "./protection";
import { useSettings } from "./use-settings";

export function SettingsTab({ project }: { project: Project }) {
  const { controls, fields, refused, busy, error, discard, save } = useSettings(project);
  const [advanced, setAdvanced] = useState(false);
  const element = useRef<HTMLFormElement>(null);
  const isRefusedBelow = refused !== null && ADVANCED.includes(refused);

  const submit = () => {
    if (busy || fields.length === 0) return;
    const wrong = save();
    if (wrong.length === 0) return;
    if (wrong.some((field) => ADVANCED.includes(field))) setAdvanced(true);
    // After the errors are drawn.
    requestAnimationFrame(() => element.current?.querySelector<HTMLElement>("[aria-invalid=true]")?.focus());
  };
  return (
    <div className="grid items-start gap-6 lg:grid-cols-[minmax(0,1fr)_22rem]">
      <div>
        <form
          ref={element}
          noValidate
          aria-label="Settings"
          className="grid gap-6"
          onSubmit={(event) => {
            event.preventDefault();
            submit();
          }}
        >
          <Card>
            <CardHeader>
              <CardTitle>Source</CardTitle>
            </CardHeader>
            <CardBody className="grid gap-4 sm:grid-cols-[minmax(0,1fr)_14rem]">
              <TextInput controls={controls} field="repo_url" hint="Public, by https" />
              <TextInput controls={controls} field="branch" />
            </CardBody>
          </Card>
          <BuildCard controls={controls} />
          <RunningCard controls={controls} />
          <Advanced controls={controls} open={advanced || isRefusedBelow} onOpen={setAdvanced} />
          <Protection controls={controls} isKept={project.gate !== null} />
          {/* Enter in an input saves. */}
          <button type="submit" hidden />
        </form>
        <SaveBar
          changes={namesOf(fields)}
          effect={fields.length > 0 ? effectOf(fields, project) : null}
          busy={busy}
          error={error}
          onSave={submit}
          onDiscard={discard}
        />
      </div>
      <div className="grid gap-6">
        <NameCard project={project} />
        <MoveCard project={project} />
      </div>
    </div>
  );
}
