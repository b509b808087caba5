// SPDX-License-Identifier: AGPL-3.0-or-later
"use client";

import type { Me } from "@nanoscale/contracts";
import { useQuery } from "@tanstack/react-query";
import Link from "next/link";
import { Card, CardHeader, CardTitle } from "@/components/ui/card";
import { RelativeTime } from "@/components/ui/time";
import { me } from "@/lib/queries";
import { Loaded } from "./loaded";
import { PasswordForm } from "./password-form";

function Row({ label, children }: { label: string; children: React.ReactNode }) {
  return (
    <div className="flex flex-wrap justify-between gap-x-6 gap-y-0.5 px-5 py-2.5">
      <dt className="text-muted-foreground">{label}</dt>
      <dd className="min-w-0 break-words">{children}</dd>
    </div>
  );
}

function Profile({ me: { user, session, server } }: { me: Me }) {
  return (
    <Card>
      <CardHeader>
        <CardTitle>Profile</CardTitle>
      </CardHeader>
      <dl className="divide-y text-sm">
        <Row label="User name">{user.name}</Row>
        <Row label="Orchestrator">{server}</Row>
        <Row label="Account made">
          <RelativeTime at={user.created_at} />
        </Row>
        {session ? (
          <>
            <Row label="Signed in">
              <RelativeTime at={session.created_at} />
            </Row>
            <Row label="This session ends">
              <RelativeTime at={session.expires_at} />
            </Row>
          </>
        ) : null}
        <Row label="Second factor">
          <Link href="/settings?tab=second-factor" className="underline underline-offset-4">
            {user.second_factor ? "On" : "Off"}
          </Link>
        </Row>
      </dl>
    </Card>
  );
}

export function Account() {
  return (
    <Loaded query={useQuery(me())} what="Your account">
      {(data) => (
        <div className="grid gap-6">
          <Profile me={data} />
          <PasswordForm user={data.user.name} />
        </div>
      )}
    </Loaded>
  );
}
