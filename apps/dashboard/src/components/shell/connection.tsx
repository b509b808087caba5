// SPDX-License-Identifier: AGPL-3.0-or-later
"use client";

import { useQueryClient } from "@tanstack/react-query";
import { CloudOffIcon } from "lucide-react";
import { useEffect, useState } from "react";
import { follow, type Connection } from "@/lib/events";

/** Follows the stream of state while somebody is signed in. */
export function useEvents(signedIn: boolean): Connection {
  const client = useQueryClient();
  const [connection, setConnection] = useState<Connection>("connecting");
  useEffect(() => (signedIn ? follow(client, setConnection) : undefined), [client, signedIn]);
  return connection;
}

export function ConnectionBanner({ connection }: { connection: Connection }) {
  return (
    <div role="status" className="sticky top-0 z-40">
      {connection === "lost" ? (
        <p className="flex items-center justify-center gap-2 border-b border-warning/40 bg-elevated px-4 py-1.5 text-sm text-warning">
          <CloudOffIcon aria-hidden className="size-4 shrink-0" />
          Connection lost, trying again. What you see may be old.
        </p>
      ) : null}
    </div>
  );
}
