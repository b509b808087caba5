// SPDX-License-Identifier: AGPL-3.0-or-later
"use client";

import dynamic from "next/dynamic";
import { usePathname, useSearchParams } from "next/navigation";
import { Activity, useState } from "react";
import { PageHeader } from "@/components/page-header";
import { CliHint } from "@/components/ui/cli-hint";
import { Skeleton } from "@/components/ui/skeleton";
import { Tabs, TabsContent, TabsList, TabsTrigger } from "@/components/ui/tabs";
import { pushAddress } from "@/lib/address";
import { COMMANDS, isSection, SECTIONS, type Section } from "./sections";

const loading = () => <Skeleton className="h-80 max-w-3xl rounded-xl" />;
const lazy = (load: () => Promise<React.ComponentType>) => dynamic(load, { ssr: false, loading });

const PANELS: Record<Section, React.ComponentType> = {
  general: lazy(() => import("./general").then((m) => m.General)),
  account: lazy(() => import("./account").then((m) => m.Account)),
  sessions: lazy(() => import("./sessions").then((m) => m.Sessions)),
  tokens: lazy(() => import("./tokens").then((m) => m.Tokens)),
  "second-factor": lazy(() => import("./second-factor").then((m) => m.SecondFactor)),
  metrics: lazy(() => import("./metrics").then((m) => m.Metrics)),
};

export function SettingsView() {
  const path = usePathname();
  const asked = useSearchParams().get("tab");
  const section: Section = isSection(asked) ? asked : "general";
  const [visited, setVisited] = useState<ReadonlySet<Section>>(new Set([section]));
  if (!visited.has(section)) setVisited(new Set([...visited, section]));
  const open = (value: string) => pushAddress(value === "general" ? path : `${path}?tab=${value}`);
  return (
    <>
      <PageHeader
        title="Settings"
        description="Of this site, and of your account"
        actions={<CliHint {...COMMANDS[section]} />}
      />
      <Tabs value={section} onValueChange={open}>
        <TabsList aria-label="Settings">
          {SECTIONS.map(({ value, label }) => (
            <TabsTrigger key={value} value={value}>
              {label}
            </TabsTrigger>
          ))}
        </TabsList>
        {SECTIONS.filter(({ value }) => visited.has(value)).map(({ value }) => {
          const Panel = PANELS[value];
          return (
            <TabsContent
              key={value}
              value={value}
              tabIndex={-1}
              forceMount
              hidden={value !== section}
              className="max-w-3xl"
            >
              {/* What is half-typed, or shown this once, is there when one comes back. */}
              <Activity mode={value === section ? "visible" : "hidden"}>
                <Panel />
              </Activity>
            </TabsContent>
          );
        })}
      </Tabs>
    </>
  );
}
