// SPDX-License-Identifier: AGPL-3.0-or-later
"use client";

import type { JoinToken, Server } from "@nanoscale/contracts";
import { useQuery, useQueryClient } from "@tanstack/react-query";
import { LoaderCircleIcon } from "lucide-react";
import { useEffect, useState } from "react";
import { Button } from "@/components/ui/button";
import { Code } from "@/components/ui/code";
import { CopyButton } from "@/components/ui/copy-button";
import { Dialog, DialogClose, DialogContent, DialogFooter } from "@/components/ui/dialog";
import { Notice, Problem } from "@/components/ui/problem";
import { Skeleton } from "@/components/ui/skeleton";
import { Countdown } from "@/components/ui/time";
import { call, part } from "@/lib/api";
import { useGo } from "@/lib/leave";
import { useNow } from "@/lib/now";
import { servers } from "@/lib/queries";
import { toast } from "@/lib/toast";

/** The stream of state says at once when it is there; this is for when the stream is broken. */
const ASK_MS = 5000;

/** A token for one server, the command with it, and the wait for that server. The token is a secret: it is in no cache. */
function useJoinToken() {
  const [token, setToken] = useState<JoinToken | null>(null);
  const [error, setError] = useState<Error | null>(null);
  const [attempt, setAttempt] = useState(0);
  useEffect(() => {
    let stale = false;
    call<JoinToken>("POST", "/cluster/generate-token").then(
      (made) => (stale ? undefined : setToken(made)),
      (failure: unknown) =>
        stale ? undefined : setError(failure instanceof Error ? failure : new Error(String(failure))),
    );
    return () => {
      stale = true;
    };
  }, [attempt]);
  const again = () => {
    setToken(null);
    setError(null);
    setAttempt((n) => n + 1);
  };
  return { token, error, again };
}

export function AddServer({ onClose, known }: { onClose: () => void; known: Server[] | undefined }) {
  return (
    <Dialog open onOpenChange={(open) => (open ? undefined : onClose())}>
      <DialogContent
        title="Add a server"
        description="Any Debian or Ubuntu machine that this one can reach. It joins by itself when you run this on it, as root, in a clone of NanoScale:"
        className="max-w-xl"
      >
        {known ? <Join onClose={onClose} known={known} /> : <Skeleton className="h-24" />}
      </DialogContent>
    </Dialog>
  );
}

function Join({ onClose, known }: { onClose: () => void; known: Server[] }) {
  const { token, error, again } = useJoinToken();
  const go = useGo();
  const client = useQueryClient();
  const [before] = useState(() => new Set(known.map((s) => s.id)));
  const { data } = useQuery({ ...servers(), refetchInterval: ASK_MS });
  const joined = data?.find((s) => !before.has(s.id));
  const online = joined?.status === "online";
  const now = useNow();
  const expired = token !== null && now > 0 && Date.parse(token.expires_at) <= now && !joined;

  useEffect(() => {
    if (!online) return;
    toast.success(`${joined.name} is online`, {
      detail: joined.ip_address,
      action: { label: "Open it", run: () => go(`/servers/${part(joined.id)}`) },
    });
    void client.invalidateQueries({ queryKey: ["servers"] });
    onClose();
  }, [online, joined, go, client, onClose]);

  // As `nanoscale servers add` prints it; the API's own command reads the secret from its input instead.
  const command = token ? `./scripts/install.sh --join ${token.join}` : null;
  if (error)
    return <Problem title="No server can join now" error={error} onRetry={again} className="px-0 py-4" />;
  return (
    <>
      {command ? <Code value={command} label="Copy the command" wrap /> : <Skeleton className="h-20" />}
      {expired ? (
        <Notice
          tone="warning"
          role="alert"
          title="The command has expired"
          action={
            <Button size="sm" onClick={again}>
              New command
            </Button>
          }
        >
          It was good for ten minutes and one server.
        </Notice>
      ) : (
        <p role="status" className="flex items-center gap-2 text-sm text-muted-foreground">
          <LoaderCircleIcon aria-hidden className="size-4 shrink-0 animate-spin text-primary" />
          {joined ? `${joined.name} has joined. Waiting until it is online.` : "Waiting for the server."}
          {token && !joined ? (
            <span aria-hidden className="ml-auto whitespace-nowrap">
              Good for one server, for <Countdown at={token.expires_at} />
            </span>
          ) : null}
        </p>
      )}
      <DialogFooter>
        <DialogClose asChild>
          <Button variant="secondary">Close</Button>
        </DialogClose>
        {command && !expired ? (
          <CopyButton value={command} label="Copy the command" variant="primary" size="md">
            Copy command
          </CopyButton>
        ) : null}
      </DialogFooter>
    </>
  );
}
