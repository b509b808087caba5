"use client";

import { zodResolver } from "@hookform/resolvers/zod";
import { useRouter } from "next/navigation";
import { useForm } from "react-hook-form";
import "@nanoscale/contracts/zod-config";
import * as z from "zod/mini";
import { Button } from "@/components/ui/button";
import { Field, Input } from "@/components/ui/field";

const schema = z.object({
  email: z.email("An e-mail address"),
  password: z.string().check(z.minLength(12, "At least 12 characters")),
});

export function AuthForm({ mode, title }: { mode: "login" | "setup"; title: string }) {
  const router = useRouter();
  const { register, handleSubmit, formState } = useForm({
    resolver: zodResolver(schema),
    defaultValues: { email: "", password: "" },
  });
  const e = formState.errors;
  return (
    <main className="grid min-h-dvh place-items-center px-4">
      <div className="w-full max-w-sm">
        <span
          aria-hidden
          className="mb-6 grid size-9 place-items-center rounded-lg bg-primary font-bold text-primary-foreground"
        >
          H
        </span>
        <h1 className="mb-6 text-xl font-semibold tracking-tight">{title}</h1>
        <form noValidate onSubmit={handleSubmit(() => router.push("/"))} className="grid gap-4">
          <Field id="email" label="E-mail" error={e.email?.message}>
            <Input
              id="email"
              type="email"
              autoComplete="username"
              aria-invalid={!!e.email || undefined}
              aria-describedby={e.email && "email-msg"}
              {...register("email")}
            />
          </Field>
          <Field id="password" label="Password" error={e.password?.message}>
            <Input
              id="password"
              type="password"
              autoComplete={mode === "login" ? "current-password" : "new-password"}
              aria-invalid={!!e.password || undefined}
              aria-describedby={e.password && "password-msg"}
              {...register("password")}
            />
          </Field>
          <Button type="submit" className="mt-2">
            {mode === "login" ? "Sign in" : "Create account"}
          </Button>
        </form>
      </div>
    </main>
  );
}
