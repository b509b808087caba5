// SPDX-License-Identifier: AGPL-3.0-or-later
import type { Settings } from "@nanoscale/contracts";
import { Card, CardBody, CardFooter, CardHeader, CardTitle } from "@/components/ui/card";
import { Code } from "@/components/ui/code";

const LETS_ENCRYPT = "https://acme-v02.api.letsencrypt.org/directory";

function authority(server: string | null) {
  return server === null || server === LETS_ENCRYPT ? "Let’s Encrypt" : server;
}

/** What is set in a file of the server, each with its key there, as docs/api.md has them. */
const rows = (s: Settings) => [
  {
    label: "Base domain",
    value: s.base_domain,
    key: "base_domain",
    hint: "Projects answer at NAME.BASE-DOMAIN.",
  },
  {
    label: "Package registry",
    value: s.registry ?? "npm’s own",
    key: "builds.registry",
    hint: "Builds take the dependencies of apps from there.",
  },
  {
    label: "Domain of the dashboard",
    value: s.dashboard_domain ?? "Not set",
    key: "dashboard.domain",
    hint: "It has a certificate, and the server’s addresses only one that browsers warn of.",
  },
  {
    label: "Certificate authority",
    value: authority(s.acme.server),
    key: "acme.server",
    hint: "It is asked for the certificates of domains.",
  },
  {
    label: "E-mail for the authority",
    value: s.acme.email ?? "Not set",
    key: "acme.email",
    hint: "The authority may warn you there.",
  },
  {
    label: "Git servers with private addresses",
    value: s.repositories.allow_private ? "Allowed" : "Refused",
    key: "network.allow_private_repositories",
    hint: s.repositories.allow_private
      ? "Who may create a project can reach your internal network by a build."
      : "A build cannot reach your internal network by the address of a repository.",
  },
];

export function ConfigFile({ settings }: { settings: Settings }) {
  return (
    <Card>
      <CardHeader>
        <CardTitle>This installation</CardTitle>
        <span className="text-sm text-muted-foreground">NanoScale {settings.version}</span>
      </CardHeader>
      <dl className="divide-y text-sm">
        {rows(settings).map(({ label, value, key, hint }) => (
          <div
            key={key}
            className="grid gap-x-6 gap-y-1 px-5 py-3 sm:grid-cols-[minmax(0,1fr)_minmax(0,1fr)] sm:items-baseline"
          >
            <dt>
              <span className="font-medium">{label}</span>
              <code className="block font-mono text-xs break-all text-muted-foreground">{key}</code>
            </dt>
            <dd className="min-w-0 break-words">
              {value}
              <span className="block text-xs text-muted-foreground">{hint}</span>
            </dd>
          </div>
        ))}
      </dl>
      <CardBody className="grid gap-3 border-t text-sm text-muted-foreground">
        <p>
          These are set in{" "}
          <code className="font-mono text-xs break-all text-foreground">
            /opt/nanoscale/config/config.json
          </code>{" "}
          on the orchestrator, each under the key below its name, and count once the agent has started anew:
        </p>
        <Code value="systemctl restart nanoscale-agent" label="Copy the command" />
      </CardBody>
      <CardFooter className="text-muted-foreground">
        <p>
          <b className="font-medium text-foreground">Backup:</b> that file, and{" "}
          <code className="font-mono text-xs text-foreground">/opt/nanoscale/data</code>, which has the
          database and the key that seals environment variables.
        </p>
      </CardFooter>
    </Card>
  );
}
