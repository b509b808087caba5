// SPDX-License-Identifier: AGPL-3.0-or-later
"use client";

import type { ApiToken } from "@nanoscale/contracts";
import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { KeyRoundIcon, PlusIcon } from "lucide-react";
import { useState } from "react";
import { Badge } from "@/components/ui/badge";
import { Button } from "@/components/ui/button";
import { Card, CardFooter, CardHeader, CardTitle } from "@/components/ui/card";
import { ConfirmDialog } from "@/components/ui/confirm";
import { Empty } from "@/components/ui/empty";
import { RelativeTime } from "@/components/ui/time";
import { call, part } from "@/lib/api";
import { useClock } from "@/lib/now";
import { apiTokens } from "@/lib/queries";
import { toast } from "@/lib/toast";
import { CreateToken } from "./create-token";
import { Loaded } from "./loaded";
import { scopeLabel } from "./scopes";

function Row({ token, onRevoke }: { token: ApiToken; onRevoke: () => void }) {
  const ends = token.expires_at;
  const ended = useClock((now) => ends !== null && Date.parse(ends) <= now, false);
  return (
    <li className="flex items-start justify-between gap-4 px-5 py-4 text-sm">
      <div className="min-w-0">
        <p className="flex flex-wrap items-center gap-x-2 gap-y-1">
          <span className="font-medium break-all">{token.name}</span>
          <Badge tone={token.scope === "admin" ? "warning" : "neutral"}>{scopeLabel(token.scope)}</Badge>
          {ended ? <Badge tone="danger">Ended</Badge> : null}
        </p>
        <p className="mt-1 text-muted-foreground">
          {token.used_at ? (
            <>
              Used <RelativeTime at={token.used_at} />
            </>
          ) : (
            "Never used"
          )}{" "}
          · created <RelativeTime at={token.created_at} /> ·{" "}
          {ends ? (
            <>
              {ended ? "ended" : "ends"} <RelativeTime at={ends} />
            </>
          ) : (
            "does not end"
          )}
        </p>
      </div>
      <Button variant="danger" size="sm" aria-label={`Revoke ${token.name}`} onClick={onRevoke}>
        Revoke
      </Button>
    </li>
  );
}

function RevokeDialog({ token, onClose }: { token: ApiToken; onClose: () => void }) {
  const client = useQueryClient();
  const revoke = useMutation({
    mutationFn: () => call<null>("DELETE", `/tokens/${part(token.id)}`),
    onSuccess: () => {
      client.setQueryData(apiTokens().queryKey, (old) => old?.filter((t) => t.id !== token.id));
      toast.success(`The token ${token.name} has been revoked`);
    },
  });
  return (
    <ConfirmDialog
      open
      onOpenChange={(open) => (open ? undefined : onClose())}
      title={`Revoke ${token.name}?`}
      description="Whatever uses it is refused from now on. It cannot be taken back: a new token is another one."
      confirmLabel="Revoke"
      onConfirm={() => revoke.mutateAsync()}
    />
  );
}

export function Tokens() {
  const query = useQuery(apiTokens());
  const [creating, setCreating] = useState(false);
  const [revoking, setRevoking] = useState<ApiToken | null>(null);
  const create = (
    <Button size="sm" onClick={() => setCreating(true)}>
      <PlusIcon aria-hidden /> Create token
    </Button>
  );
  return (
    <>
      <Loaded query={query} what="The tokens">
        {(tokens) => (
          <Card>
            <CardHeader>
              <CardTitle>Tokens for programs</CardTitle>
              {tokens.length > 0 ? create : null}
            </CardHeader>
            {tokens.length === 0 ? (
              <Empty
                icon={<KeyRoundIcon aria-hidden />}
                title="No tokens yet"
                action={create}
                className="py-10"
              >
                A program, such as your CI, uses the API with a token of its own.
              </Empty>
            ) : (
              <ul className="divide-y">
                {tokens.map((token) => (
                  <Row key={token.id} token={token} onRevoke={() => setRevoking(token)} />
                ))}
              </ul>
            )}
            <CardFooter className="text-muted-foreground">
              <span>
                Sent as <code className="font-mono text-xs text-foreground">Authorization: Bearer nst_…</code>{" "}
                to the address of this page, below <code className="font-mono text-xs">/api</code>.
              </span>
            </CardFooter>
          </Card>
        )}
      </Loaded>
      {creating ? <CreateToken onClose={() => setCreating(false)} /> : null}
      {revoking ? <RevokeDialog token={revoking} onClose={() => setRevoking(null)} /> : null}
    </>
  );
}
