// SPDX-License-Identifier: AGPL-3.0-or-later
"use client";

import { useQuery, useQueryClient } from "@tanstack/react-query";
import { useState } from "react";
import { Button } from "@/components/ui/button";
import { Card, CardBody, CardFooter, CardHeader, CardTitle } from "@/components/ui/card";
import { ConfirmDialog } from "@/components/ui/confirm";
import { call } from "@/lib/api";
import { useLeaveWarning } from "@/lib/leave";
import { settings } from "@/lib/queries";
import { toast } from "@/lib/toast";
import { Loaded } from "./loaded";
import { ShownOnce } from "./shown-once";

/** Of the gateway, at which every server answers. */
const PORT = 4000;

export function Metrics() {
  return (
    <Loaded query={useQuery(settings())} what="The settings">
      {({ metrics }) => <Token exists={metrics.has_token} />}
    </Loaded>
  );
}

/** One at a time. */
function Token({ exists }: { exists: boolean }) {
  const client = useQueryClient();
  const [asking, setAsking] = useState<"create" | "revoke" | null>(null);
  const [token, setToken] = useState<string | null>(null);
  useLeaveWarning(token !== null);
  const close = (open: boolean) => (open ? undefined : setAsking(null));
  const create = async () => {
    const made = await call<{ token: string }>("POST", "/metrics/token");
    setToken(made.token);
    void client.invalidateQueries(settings());
  };
  const revoke = async () => {
    await call<null>("DELETE", "/metrics/token");
    setToken(null);
    void client.invalidateQueries(settings());
    toast.success("No metrics token is good any more");
  };
  return (
    <>
      <Card>
        <CardHeader>
          <CardTitle>Metrics for Prometheus</CardTitle>
        </CardHeader>
        <CardBody className="grid grid-cols-[minmax(0,1fr)] gap-4 text-sm">
          <p>
            With a token, Prometheus reads the figures of this server and its projects at port {PORT}, path{" "}
            <code className="font-mono text-xs">/metrics</code>. There is one token at a time: a new one ends
            the one before.
          </p>
          {token ? null : (
            <p className="text-muted-foreground">
              {exists ? "There is a token. It is not shown again." : "There is none now: nobody reads them."}
            </p>
          )}
          {token ? (
            <>
              <ShownOnce
                secret={token}
                command={`curl --insecure -H "Authorization: Bearer ${token}" https://${window.location.hostname}:${PORT}/metrics`}
              />
              <p className="text-muted-foreground">
                The certificate at that port is the server’s own, so Prometheus has to be told to take it (
                <code className="font-mono text-xs">insecure_skip_verify</code>
                ).
              </p>
            </>
          ) : null}
        </CardBody>
        <CardFooter className="justify-start">
          {token ? (
            <Button onClick={() => setToken(null)}>I have copied it</Button>
          ) : (
            <Button onClick={() => setAsking("create")}>
              {exists ? "Create another token" : "Create token"}
            </Button>
          )}
          {exists ? (
            <Button variant="danger" onClick={() => setAsking("revoke")}>
              Revoke the token
            </Button>
          ) : null}
        </CardFooter>
      </Card>
      <ConfirmDialog
        open={asking === "create"}
        onOpenChange={close}
        title={exists ? "Create another metrics token?" : "Create a metrics token?"}
        description={
          exists ? "The one before ends at once: Prometheus needs the new one." : "It is shown once."
        }
        confirmLabel="Create"
        tone="primary"
        onConfirm={create}
      />
      <ConfirmDialog
        open={asking === "revoke"}
        onOpenChange={close}
        title="Revoke the metrics token?"
        description="Nobody reads the metrics with it any more."
        confirmLabel="Revoke"
        onConfirm={revoke}
      />
    </>
  );
}
