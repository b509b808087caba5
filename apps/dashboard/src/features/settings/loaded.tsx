// SPDX-License-Identifier: AGPL-3.0-or-later
import type { UseQueryResult } from "@tanstack/react-query";
import { Card, CardBody } from "@/components/ui/card";
import { Problem } from "@/components/ui/problem";
import { Skeleton } from "@/components/ui/skeleton";

/** What a section shows of an answer, while there is none, and when there will be none. */
export function Loaded<T>({
  query,
  what,
  children,
}: {
  query: UseQueryResult<T>;
  /** "The sessions" */
  what: string;
  children: (data: T) => React.ReactNode;
}) {
  if (query.data !== undefined) return children(query.data);
  return (
    <Card aria-busy={query.isPending || undefined}>
      {query.isPending ? (
        <CardBody className="grid gap-4">
          <Skeleton className="h-5 w-40" />
          <Skeleton className="h-9" />
          <Skeleton className="h-9" />
          <Skeleton className="h-9 w-2/3" />
        </CardBody>
      ) : (
        <Problem
          title={`${what} could not be loaded`}
          error={query.error}
          onRetry={() => void query.refetch()}
          busy={query.isFetching}
        />
      )}
    </Card>
  );
}
