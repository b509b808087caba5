// SPDX-License-Identifier: AGPL-3.0-or-later
"use client";

import type { Me } from "@nanoscale/contracts";
import { useQuery } from "@tanstack/react-query";
import { ShieldCheckIcon } from "lucide-react";
import { useState } from "react";
import { Button } from "@/components/ui/button";
import { Card, CardBody, CardFooter, CardHeader, CardTitle } from "@/components/ui/card";
import { Notice } from "@/components/ui/problem";
import { count } from "@/lib/format";
import { useLeaveWarning } from "@/lib/leave";
import { me } from "@/lib/queries";
import { Loaded } from "./loaded";
import { RecoveryCodes } from "./recovery-codes";
import { RemoveFactor } from "./remove-factor";
import { SetUpFactor } from "./set-up-factor";

/** So few recovery codes are worth a word. */
const FEW = 3;

function Off({ onBegin }: { onBegin: () => void }) {
  return (
    <>
      <CardBody className="grid gap-3 text-sm">
        <p>
          With a second factor, who signs in also gives six digits that an authenticator app shows. A stolen
          password alone is then good for nothing.
        </p>
        <p className="text-muted-foreground">
          Any app for TOTP codes will do: Aegis, 2FAS, Google Authenticator, or a password manager.
        </p>
      </CardBody>
      <CardFooter className="justify-start">
        <Button onClick={onBegin}>Set up</Button>
      </CardFooter>
    </>
  );
}

function On({ user, onRemove }: { user: Me["user"]; onRemove: () => void }) {
  const left = user.recovery_codes_left;
  return (
    <>
      <CardBody className="grid gap-3 text-sm">
        <p>Who signs in gives the code of your authenticator app, or one of the recovery codes.</p>
        {left <= FEW ? (
          <Notice
            tone="warning"
            title={left === 0 ? "No recovery code is left" : `Only ${count(left, "recovery code")} left`}
          >
            Without the app nobody gets in then. Remove the second factor and set it up again: that makes ten
            new ones.
          </Notice>
        ) : (
          <p className="text-muted-foreground">{count(left, "recovery code")} left. Each works once.</p>
        )}
      </CardBody>
      <CardFooter className="justify-start">
        <Button variant="danger" onClick={onRemove}>
          Remove
        </Button>
      </CardFooter>
    </>
  );
}

function View({ user }: { user: Me["user"] }) {
  const [step, setStep] = useState<"rest" | "set-up" | "remove">("rest");
  const [codes, setCodes] = useState<string[] | null>(null);
  useLeaveWarning(codes !== null);
  const rest = () => setStep("rest");
  const body = () => {
    if (codes) return <RecoveryCodes codes={codes} user={user.name} onDone={() => setCodes(null)} />;
    if (step === "set-up" && !user.second_factor)
      return (
        <SetUpFactor
          onCancel={rest}
          onDone={(made) => {
            setCodes(made);
            rest();
          }}
        />
      );
    if (step === "remove" && user.second_factor) return <RemoveFactor onCancel={rest} onDone={rest} />;
    return user.second_factor ? (
      <On user={user} onRemove={() => setStep("remove")} />
    ) : (
      <Off onBegin={() => setStep("set-up")} />
    );
  };
  return (
    <Card>
      <CardHeader>
        <CardTitle>{codes ? "Recovery codes" : "Second factor"}</CardTitle>
        {user.second_factor ? (
          <span className="inline-flex items-center gap-1.5 text-sm text-success [&_svg]:size-4">
            <ShieldCheckIcon aria-hidden /> On
          </span>
        ) : (
          <span className="text-sm text-muted-foreground">Off</span>
        )}
      </CardHeader>
      {body()}
    </Card>
  );
}

export function SecondFactor() {
  return (
    <Loaded query={useQuery(me())} what="Your account">
      {({ user }) => <View user={user} />}
    </Loaded>
  );
}
