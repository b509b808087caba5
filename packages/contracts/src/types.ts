// SPDX-License-Identifier: AGPL-3.0-or-later
/** What the API answers with, as docs/api.md says. Times are ISO 8601 in UTC. */

export type Problem = { type: string; title: string; status: number; detail: string; field?: string };

export type Me = {
  user: { name: string; created_at: string; second_factor: boolean; recovery_codes_left: number };
  session: { id: string; created_at: string; expires_at: string } | null;
  token: { id: string; name: string; scope: TokenScope } | null;
  site: Site;
  version: string;
  server: string;
  base_domain: string;
};
export type Site = { name: string; has_logo: boolean };
/** Before sign-in. `setup`: a claim code is good, because there is no user yet or its password is to be set anew. */
export type AuthState = { setup: boolean; user: string | null; site: Site; version: string | null };
export type Session = {
  id: string;
  created_at: string;
  used_at: string;
  expires_at: string;
  address: string;
  agent: string;
  current: boolean;
};
export type TokenScope = "read" | "deploy" | "admin";
export type ApiToken = {
  id: string;
  name: string;
  scope: TokenScope;
  created_at: string;
  used_at: string | null;
  expires_at: string | null;
};
export type AuditEntry = {
  id: number;
  at: string;
  actor: { kind: "user" | "token" | "root" | "system"; name: string };
  action: string;
  project: string | null;
  target: string | null;
  status: number;
  detail: string | null;
  address: string | null;
  /** How many refusals like this one it stands for. */
  count: number;
};
export type Settings = {
  site_name: string;
  logo: string | null;
  base_domain: string;
  dashboard_domain: string | null;
  version: string;
  registry: string | null;
  acme: { server: string | null; email: string | null };
  repositories: { allow_private: boolean };
  metrics: { has_token: boolean };
};

export type ServerStatistics = {
  at: string;
  cpu_percent: number | null;
  memory_bytes: number | null;
  swap_bytes: number | null;
  disk_bytes: number | null;
  network_received_per_second: number | null;
  network_sent_per_second: number | null;
  load: number | null;
  processors: number;
  memory_total_bytes: number;
  swap_total_bytes: number;
  disk_total_bytes: number;
  disk_free_bytes: number;
  load_averages: [number, number, number];
  uptime_seconds: number;
};
export type Warning = { type: string; sentence: string };
export type Server = {
  id: string;
  name: string;
  ip_address: string;
  port: number;
  created_at: string;
  status: "online" | "offline";
  reason: string | null;
  changed_at: string | null;
  seen_at: string | null;
  warnings: Warning[];
  certificate_not_after: string | null;
  clock_difference_seconds?: number | null;
  version: string;
  draining: boolean;
  projects: number;
  statistics: ServerStatistics | null;
};
export type JoinToken = { join: string; expires_at: string; command: string };

export type ProjectStatus = "new" | "deploying" | "live" | "sleeping" | "crashed" | "failed" | "unreachable";
export type SleepKind = "dozing" | "armed" | "asleep";
export type Wakes = {
  count: number;
  p50_ms: number | null;
  p99_ms: number | null;
  last_ms: number | null;
  last_at: string | null;
};
export type Wake = { at: string; kind: SleepKind; duration_ms: number };
export type Crash = {
  sentence: string;
  since: string;
  attempts: number;
  next_attempt: string | null;
  last_lines: string[];
};
export type MoveState = "queued" | "placing" | "deploying" | "building" | "lingering" | "undoing" | "failed";
export type Move = {
  from: string | null;
  to: string | null;
  state: MoveState;
  failure: string | null;
  deployment: string | null;
  linger_seconds: number;
  changed_at: string;
};

/** Settings of a project that PATCH takes. */
export type ProjectSettings = {
  branch: string;
  repo_url: string;
  root_directory: string;
  node_version: string;
  bun_version: string;
  install_command: string;
  build_command: string;
  start_command: string;
  static_directory: string;
  build_memory_mib: number;
  build_cpu_percent: number;
  build_seconds: number;
  port: number;
  domain: string | null;
  health_path: string;
  memory_mib: number;
  cpu_percent: number;
  tasks_max: number;
  exclusive: boolean;
  scale_to_zero: boolean;
  idle_seconds: number;
  doze: boolean;
  drain_seconds: number;
  gate: { user: string; password?: string } | null;
  allow: string[];
  rate: number;
  maintenance: boolean;
  security_headers: boolean;
};
export type ProjectDraft = Partial<ProjectSettings> & {
  name: string;
  repo_url: string;
  env?: Record<string, string>;
  server?: string;
};
export type Project = ProjectSettings & {
  id: string;
  name: string;
  server: string;
  url: string;
  host: string;
  status: ProjectStatus;
  live_release: number | null;
  live_commit: string | null;
  live_kind: ReleaseKind | null;
  env_count: number;
  latest_deployment: Deployment | null;
  domains: Domain[];
  site_problem: string | null;
  created_at: string;
  memory_bytes: number | null;
  sleep: { kind: SleepKind | null; since: string | null; ram_saved_bytes: number | null; wakes: Wakes };
  crash: Crash | null;
  move?: Move;
  pending?: boolean;
  statistics?: { cpu_percent: number | null; memory_bytes: number | null; cpu_seconds: number } | null;
};

export type ReleaseKind = "app" | "proxy" | "static";
export type Release = {
  number: number;
  commit: string;
  subject: string;
  kind: ReleaseKind;
  created_at: string;
  live: boolean;
};

export type DeploymentKind = "deploy" | "rollback" | "restart";
export type DeploymentState =
  | "queued"
  | "fetch"
  | "install"
  | "build"
  | "release"
  | "start"
  | "check"
  | "live"
  | "failed"
  | "canceled"
  | "superseded";
export type StepName = "fetch" | "install" | "build" | "release" | "start" | "check";
export type Step = {
  name: StepName;
  result: "running" | "ok" | "failed" | "skipped";
  started_at: string;
  finished_at: string | null;
  duration_ms: number | null;
};
export type Failure = { step: StepName; sentence: string; exit_code: number | null; last_lines: string[] };
export type Receipt = {
  started_at: string;
  healthy_at: string;
  switched_at: string;
  drained_at: string;
  healthy_ms: number;
  drain_ms: number;
  connections_drained: number;
  connections_cut: number;
};
export type Deployment = {
  id: string;
  project: string;
  project_id: string;
  number: number;
  kind: DeploymentKind;
  state: DeploymentState;
  source: string;
  branch: string;
  commit: string | null;
  author: string | null;
  subject: string | null;
  release: number | null;
  failure: Failure | null;
  receipt: Receipt | null;
  created_at: string;
  started_at: string | null;
  finished_at: string | null;
  duration_ms: number | null;
  url: string | null;
  /** Only where one deployment is asked for, and in the event `end`. */
  steps?: Step[];
};
export type BuildLine = { at: string; step: StepName; line: string };
export type LogLine = { at: string; line: string; slot: string };

export type EnvVariable = { key: string; masked: string; length: number };
export type Env = { env: EnvVariable[]; changed_since_deploy: boolean };

export type DomainState = "waiting" | "issuing" | "valid" | "failed";
export type Domain = {
  name: string;
  primary: boolean;
  redirect_to: string | null;
  hsts: boolean;
  source: "acme" | "own";
  state: DomainState;
  problem: { type: string; sentence: string } | null;
  not_after: string | null;
  issued_at: string | null;
  ends_soon: boolean;
  next_try: string | null;
  created_at: string;
  project?: string;
  pending?: boolean;
};

export type Range = "hour" | "day" | "month";
export type Series<Name extends string = string> = {
  range: Range;
  start: string;
  step_seconds: number;
  count: number;
  series: Record<Name, (number | null)[]>;
};
export type ServerSeries = Series<
  | "cpu_percent"
  | "memory_bytes"
  | "swap_bytes"
  | "disk_bytes"
  | "network_received_per_second"
  | "network_sent_per_second"
  | "load"
>;
export type ProjectSeries = Series<"cpu_percent" | "memory_bytes">;

export type RepositoryCheck = {
  reachable: true;
  default_branch: string | null;
  branches: string[];
  commit: { id: string; subject: string; author: string } | null;
  framework: "nextjs" | "vite" | "astro" | "node" | "bun" | "static" | null;
  framework_version: string | null;
  install_command: string | null;
  build_command: string | null;
  start_command: string | null;
  node_version: string | null;
  root_directories: string[];
};

/** GET /api/events, each ten seconds. */
export type Usage = {
  servers: ({ id: string; seen_at: string | null } & Pick<ServerStatistics, "cpu_percent" | "memory_bytes" | "disk_bytes">)[];
  projects: { id: string; memory_bytes: number | null; cpu_percent: number | null }[];
};
