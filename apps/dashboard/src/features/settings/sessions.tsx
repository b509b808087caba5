// SPDX-License-Identifier: AGPL-3.0-or-later
"use client";

import type { Session } from "@nanoscale/contracts";
import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { MonitorIcon, SmartphoneIcon } from "lucide-react";
import { useSignOut } from "@/components/shell/session";
import { Badge } from "@/components/ui/badge";
import { Button } from "@/components/ui/button";
import { Card, CardFooter, CardHeader, CardTitle } from "@/components/ui/card";
import { RelativeTime } from "@/components/ui/time";
import { ApiError, call, part } from "@/lib/api";
import { count } from "@/lib/format";
import { sessions as sessionsQuery } from "@/lib/queries";
import { toast } from "@/lib/toast";
import { Loaded } from "./loaded";
import { agentWords, isHandheld } from "./user-agent";

function useEnd(session: Session) {
  const client = useQueryClient();
  const gone = () =>
    client.setQueryData(sessionsQuery().queryKey, (old) => old?.filter((s) => s.id !== session.id));
  return useMutation({
    mutationFn: () => call<null>("DELETE", `/me/sessions/${part(session.id)}`),
    onSuccess: () => {
      gone();
      toast.success("The session has ended", { detail: agentWords(session.agent) });
    },
    onError: (error) => {
      // It had ended by itself.
      if (error instanceof ApiError && error.type === "session-absent") gone();
      else toast.error("The session has not ended", error);
    },
  });
}

function End({ session }: { session: Session }) {
  const end = useEnd(session);
  return (
    <Button
      variant="secondary"
      size="sm"
      busy={end.isPending}
      onClick={() => end.mutate()}
      aria-label={`End the session of ${agentWords(session.agent)} at ${session.address}`}
    >
      End
    </Button>
  );
}

function Row({ session }: { session: Session }) {
  const signOut = useSignOut();
  const Icon = isHandheld(session.agent) ? SmartphoneIcon : MonitorIcon;
  return (
    <li className="flex items-start gap-4 px-5 py-4 text-sm">
      <Icon aria-hidden className="mt-0.5 size-5 shrink-0 text-muted-foreground" />
      <div className="min-w-0 flex-1">
        <p className="flex flex-wrap items-center gap-x-2 gap-y-1 font-medium">
          <span title={session.agent}>{agentWords(session.agent)}</span>
          {session.current ? <Badge tone="success">This one</Badge> : null}
        </p>
        <p className="font-mono text-xs break-all text-muted-foreground">{session.address}</p>
        <p className="mt-1 text-muted-foreground">
          Used <RelativeTime at={session.used_at} /> · signed in <RelativeTime at={session.created_at} /> ·
          ends <RelativeTime at={session.expires_at} />
        </p>
      </div>
      {session.current ? (
        <Button variant="secondary" size="sm" onClick={() => void signOut()}>
          Sign out
        </Button>
      ) : (
        <End session={session} />
      )}
    </li>
  );
}

const byUse = (a: Session, b: Session) =>
  Number(b.current) - Number(a.current) || Date.parse(b.used_at) - Date.parse(a.used_at);

export function Sessions() {
  return (
    <Loaded query={useQuery(sessionsQuery())} what="The sessions">
      {(sessions) => (
        <Card>
          <CardHeader>
            <CardTitle>Where you are signed in</CardTitle>
            <span className="text-sm text-muted-foreground">{count(sessions.length, "session")}</span>
          </CardHeader>
          <ul className="divide-y">
            {sessions.toSorted(byUse).map((session) => (
              <Row key={session.id} session={session} />
            ))}
          </ul>
          <CardFooter className="text-muted-foreground">
            A session ends by itself after 30 days, or after 7 without use. One that you do not know: end it,
            and change the password.
          </CardFooter>
        </Card>
      )}
    </Loaded>
  );
}
