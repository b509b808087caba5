"use client";

import { zodResolver } from "@hookform/resolvers/zod";
import { newProject, type NewProject } from "@nanoscale/contracts";
import { useMutation, useQueryClient } from "@tanstack/react-query";
import { useRouter } from "next/navigation";
import { useForm } from "react-hook-form";
import { toast } from "sonner";
import { PageHeader } from "@/components/page-header";
import { Button } from "@/components/ui/button";
import { Card, CardBody } from "@/components/ui/card";
import { Field, Input } from "@/components/ui/field";
import { api, type Project } from "@/lib/api";

export function NewProjectForm() {
  const router = useRouter();
  const qc = useQueryClient();
  const form = useForm({
    resolver: zodResolver(newProject),
    defaultValues: { name: "", repo: "", branch: "main", port: 3000 } satisfies NewProject,
  });
  const create = useMutation({
    mutationFn: (v: NewProject) => api<Project>("/projects", { method: "POST", body: JSON.stringify(v) }),
    onSuccess: async (p) => {
      await qc.invalidateQueries({ queryKey: ["projects"] });
      toast.success(`${p.name} created`, { description: "The first build has started." });
      router.push(`/projects/${p.id}`);
    },
    onError: (e) => toast.error("Could not create the project", { description: e.message }),
  });
  const { errors } = form.formState;
  const attrs = (k: keyof NewProject) => ({
    id: k,
    "aria-invalid": errors[k] ? true : undefined,
    "aria-describedby": errors[k] ? `${k}-msg` : undefined,
    ...form.register(k),
  });
  return (
    <div className="mx-auto max-w-xl">
      <PageHeader title="New project" description="Harbor builds from a Git repository." />
      <Card>
        <CardBody>
          <form noValidate onSubmit={form.handleSubmit((v) => create.mutate(v))} className="grid gap-5">
            <Field id="name" label="Name" error={errors.name?.message}>
              <Input autoFocus autoComplete="off" placeholder="storefront" {...attrs("name")} />
            </Field>
            <Field id="repo" label="Repository" error={errors.repo?.message}>
              <Input inputMode="url" placeholder="https://github.com/acme/storefront" {...attrs("repo")} />
            </Field>
            <div className="grid gap-5 sm:grid-cols-2">
              <Field id="branch" label="Branch" error={errors.branch?.message}>
                <Input {...attrs("branch")} />
              </Field>
              <Field id="port" label="Port" error={errors.port?.message}>
                <Input inputMode="numeric" {...attrs("port")} />
              </Field>
            </div>
            <div className="flex justify-end gap-2">
              <Button variant="ghost" onClick={() => router.back()}>
                Cancel
              </Button>
              <Button type="submit" disabled={create.isPending}>
                {create.isPending ? "Creating…" : "Create project"}
              </Button>
            </div>
          </form>
        </CardBody>
      </Card>
    </div>
  );
}
