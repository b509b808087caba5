// SPDX-License-Identifier: AGPL-3.0-or-later
"use client";

import { keepPreviousData, useInfiniteQuery } from "@tanstack/react-query";
import { DownloadIcon, ScrollTextIcon } from "lucide-react";
import { usePathname, useSearchParams } from "next/navigation";
import { PageHeader } from "@/components/page-header";
import { AddressInput } from "@/components/ui/address-input";
import { Button } from "@/components/ui/button";
import { Card } from "@/components/ui/card";
import { CliHint } from "@/components/ui/cli-hint";
import { Empty } from "@/components/ui/empty";
import { Field } from "@/components/ui/field";
import { Problem } from "@/components/ui/problem";
import { Select } from "@/components/ui/select";
import { Skeleton } from "@/components/ui/skeleton";
import { Table, TableBody, TableHead } from "@/components/ui/table";
import { auditPages } from "@/lib/queries";
import { AREAS, auditCommand, filtersFrom, type Filters, NO_FILTERS, toParams } from "./filters";
import { ActivityRow } from "./row";

const COLUMNS = ["When", "Who", "What", "About", "Outcome"];

function FilterBar({ filters, onChange }: { filters: Filters; onChange: (changed: Filters) => void }) {
  const set = (name: keyof Filters) => (event: { target: { value: string } }) =>
    onChange({ ...filters, [name]: event.target.value });
  return (
    <div className="mb-4 grid gap-3 sm:grid-cols-3">
      <Field label="Area">
        <Select value={filters.action} onChange={set("action")}>
          {AREAS.map((area) => (
            <option key={area.value} value={area.value}>
              {area.label}
            </option>
          ))}
        </Select>
      </Field>
      <Field label="Project">
        <AddressInput
          value={filters.project}
          onChange={set("project")}
          placeholder="All"
          autoComplete="off"
        />
      </Field>
      <Field label="Who">
        <AddressInput
          value={filters.actor}
          onChange={set("actor")}
          placeholder="Everybody"
          autoComplete="off"
        />
      </Field>
    </div>
  );
}

function Waiting() {
  return (
    <Card className="grid gap-3 p-5" aria-busy="true">
      {Array.from({ length: 8 }, (_, i) => (
        <Skeleton key={i} className="h-9" />
      ))}
    </Card>
  );
}

export function ActivityView() {
  const filters = filtersFrom(useSearchParams());
  const path = usePathname();
  const log = useInfiniteQuery({
    ...auditPages(toParams(filters)),
    // While somebody types, what fits so far stays.
    placeholderData: keepPreviousData,
  });
  const entries = log.data?.pages.flatMap((page) => page.entries) ?? [];
  const isFiltered = toParams(filters).size > 0;
  const change = (changed: Filters) => {
    const params = toParams(changed).toString();
    window.history.replaceState(null, "", params ? `${path}?${params}` : path);
  };
  const csv = toParams(filters);
  csv.set("format", "csv");
  return (
    <>
      <PageHeader
        title="Activity"
        description="Who changed what, through the dashboard, the API and the command line"
        actions={
          <>
            <CliHint command={[auditCommand(filters), `${auditCommand(filters)} --csv > activity.csv`]} />
            <Button variant="secondary" asChild>
              <a href={`/api/audit?${csv.toString()}`} download="activity.csv">
                <DownloadIcon aria-hidden /> Export CSV
              </a>
            </Button>
          </>
        }
      />
      <FilterBar filters={filters} onChange={change} />
      {log.isPending ? (
        <Waiting />
      ) : log.isLoadingError ? (
        <Card>
          <Problem
            title="The activity could not be loaded"
            error={log.error}
            onRetry={() => void log.refetch()}
            busy={log.isFetching}
          />
        </Card>
      ) : entries.length === 0 ? (
        <Card>
          <Empty
            icon={<ScrollTextIcon aria-hidden />}
            title={isFiltered ? "Nothing like that" : "Nothing has happened yet"}
            action={
              isFiltered ? (
                <Button variant="secondary" onClick={() => change(NO_FILTERS)}>
                  Show everything
                </Button>
              ) : undefined
            }
          >
            {isFiltered
              ? "No entry fits all three filters."
              : "Each change, and each attempt to sign in, is written down here."}
          </Empty>
        </Card>
      ) : (
        <Card className={log.isPlaceholderData ? "opacity-60 transition-opacity" : undefined}>
          <Table label="Activity">
            <TableHead columns={COLUMNS} />
            <TableBody>
              {entries.map((entry) => (
                <ActivityRow key={entry.id} entry={entry} />
              ))}
            </TableBody>
          </Table>
        </Card>
      )}
      {log.hasNextPage ? (
        <div className="mt-4 flex justify-center">
          <Button variant="secondary" busy={log.isFetchingNextPage} onClick={() => void log.fetchNextPage()}>
            Show older
          </Button>
        </div>
      ) : null}
    </>
  );
}
