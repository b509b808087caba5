// SPDX-License-Identifier: AGPL-3.0-or-later
// Tries what a hostile dependency would try, from a postinstall script (`node attack.js`) and from the running app (server.js). Each attack does
// the least that proves the point, so that a hole does no harm: where it can create a file it could delete all, and so on.
//
// Prints `ATTACK name: blocked|SUCCEEDED detail`, one line each.
const { spawn, spawnSync } = require("node:child_process");
const fs = require("node:fs");
const net = require("node:net");
const os = require("node:os");
const path = require("node:path");

const me = process.getuid();
const own = process.cwd().match(/\/sites\/([a-z0-9]{12})\//)?.[1] ?? "none";
const SITES = "/opt/nanoscale/sites";
const APPS = "/run/nanoscale/apps";

/** What a call says when it fails; null when it did not. */
function failure(call) {
  try {
    call();
    return null;
  } catch (error) {
    return error.code ?? String(error);
  }
}

/** SUCCEEDED with the list of what worked, or blocked with the reasons. */
function judge(tries) {
  const worked = tries.filter(([, reason]) => reason === null).map(([name]) => name);
  const reasons = [...new Set(tries.map(([, reason]) => reason).filter(Boolean))];
  return worked.length ? { succeeded: true, detail: worked.join(" ") } : { succeeded: false, detail: reasons.join(" ") || "nothing there" };
}

const each = (names, call) => judge(names.map((name) => [name, failure(() => call(name))]));
const list = (directory) => {
  try {
    return fs.readdirSync(directory);
  } catch {
    return [];
  }
};
const below = (directory) => list(directory).map((name) => path.join(directory, name));
const pids = () => list("/proc").filter((name) => /^\d+$/.test(name));

function createIn(directory) {
  const file = path.join(directory, `nanoscale-attack-${process.pid}`);
  fs.writeFileSync(file, "x");
  fs.unlinkSync(file);
}

function run(program, ...words) {
  const done = spawnSync(program, words, { timeout: 10000, encoding: "utf8" });
  if (done.error) throw done.error;
  if (done.status !== 0) throw Object.assign(new Error(), { code: `exit-${done.status ?? done.signal}` });
  return done.stdout;
}

/** Null when a connection comes about. */
function connect(where, ms = 3000) {
  return new Promise((resolve) => {
    const socket = net.connect(where);
    const end = (reason) => {
      socket.destroy();
      resolve(reason);
    };
    socket.setTimeout(ms, () => end("timeout"));
    socket.on("connect", () => end(null));
    socket.on("error", (error) => end(error.code));
  });
}

async function connectEach(targets) {
  const tries = [];
  for (const [name, where] of Object.entries(targets)) tries.push([name, await connect(where)]);
  return judge(tries);
}

const paths = (...names) => Object.fromEntries(names.map((name) => [name, { path: name }]));

function addresses() {
  const own = Object.values(os.networkInterfaces()).flat().map((one) => one.address);
  return [...new Set(["127.0.0.1", "::1", ...own])].filter((one) => !one.startsWith("fe80"));
}

const attacks = {
  // rm -rf /
  "delete-system": () => each(["/", "/etc", "/usr", "/usr/bin", "/var", "/var/lib", "/boot", "/root", "/home"], createIn),
  "delete-nanoscale": () =>
    each(["/opt/nanoscale", ...["bin", "lib", "config", "data", "runtimes", "specs", "sites", "certificates", "gates", "acme/webroot"].map((name) => `/opt/nanoscale/${name}`), `/opt/nanoscale/specs/${own}`, "/run/nanoscale", APPS, `${APPS}/${own}`], createIn),
  "overwrite-programs": () =>
    each([...below("/opt/nanoscale/bin"), ...below("/opt/nanoscale/lib"), process.execPath, "/usr/bin/env"], (name) => fs.closeSync(fs.openSync(name, "r+"))),

  "list-sites": () => each([SITES], (name) => {
    const others = fs.readdirSync(name).filter((id) => id !== own);
    if (!others.length) throw Object.assign(new Error(), { code: "alone" });
  }),
  "read-sites": () => each((process.env.ATTACK_SITES ?? "").split(",").filter(Boolean).map((id) => `${SITES}/${id}`).concat(below(SITES).filter((name) => path.basename(name) !== own)), (name) => fs.readdirSync(name)),
  "read-specs": () => each(below("/opt/nanoscale/specs").filter((name) => path.basename(name) !== own), (name) => fs.readdirSync(name)),
  "read-env": () =>
    each(below("/etc/default").filter((name) => path.basename(name).startsWith("nanoscale-") && !name.endsWith(own)), (name) => fs.readFileSync(name)),
  "read-secrets": () =>
    each(["/etc/shadow", "/etc/gshadow", "/etc/sudoers", "/root", "/root/.ssh", "/opt/nanoscale/data/seal.key", "/opt/nanoscale/data/nanoscale.db", "/opt/nanoscale/config/config.json", "/etc/nginx/nginx.conf", "/etc/letsencrypt", "/var/log/journal",
      ...["certificates", "certificates/victim.pem", "gates", "data/acme", "acme", "acme/webroot"].map((name) => `/opt/nanoscale/${name}`),
      ...["rsa", "ecdsa", "ed25519"].map((kind) => `/etc/ssh/ssh_host_${kind}_key`), ...below("/home").map((home) => `${home}/.ssh`)],
      (name) => (fs.statSync(name).isDirectory() ? fs.readdirSync(name) : fs.readFileSync(name))),

  "see-processes": () => each(pids().filter((pid) => fs.existsSync(`/proc/${pid}`) && fs.statSync(`/proc/${pid}`).uid !== me), (pid) => fs.readFileSync(`/proc/${pid}/cmdline`)),
  "read-process": () => each(["1", ...pids().filter((pid) => fs.existsSync(`/proc/${pid}`) && fs.statSync(`/proc/${pid}`).uid !== me)], (pid) => fs.readFileSync(`/proc/${pid}/environ`)),
  "write-memory": () => each(["1", String(process.ppid)], (pid) => fs.closeSync(fs.openSync(`/proc/${pid}/mem`, "r+"))).succeeded && process.ppid !== 1
    ? each(["1"], (pid) => fs.closeSync(fs.openSync(`/proc/${pid}/mem`, "r+")))
    : { succeeded: false, detail: "no access" },
  // Signal 0 asks whether one might. Processes of one's own unit are no others, though some of them, such as the runner, hide in /proc.
  "kill-others": () => {
    const mine = new Set(pids().filter((pid) => fs.existsSync(`/proc/${pid}`) && fs.statSync(`/proc/${pid}`).uid === me));
    for (const line of fs.readFileSync("/proc/self/cgroup", "utf8").trim().split("\n"))
      for (const tree of ["", "/unified", "/systemd"])
        for (const file of ["cgroup.procs", "cgroup.threads", "tasks"]) // a thread's number can be asked for too
          try {
            for (const pid of fs.readFileSync(`/sys/fs/cgroup${tree}${line.split(":")[2]}/${file}`, "utf8").trim().split("\n")) mine.add(pid);
          } catch {}
    return each(Array.from({ length: 40000 }, (_, i) => String(i + 1)).filter((pid) => !mine.has(pid)), (pid) => process.kill(Number(pid), 0));
  },
  // The build's line protocol: whoever writes to the runner's standard output says how the build went.
  "forge-step": () =>
    each(pids().filter((pid) => { try { return fs.readFileSync(`/proc/${pid}/comm`, "utf8").startsWith("nanoscale-run"); } catch { return false; } }), (pid) =>
      fs.writeFileSync(`/proc/${pid}/fd/1`, "done\n")),

  sudo: () => each(["sudo", "/usr/bin/sudo"], (name) => run(name, "-n", "id")),
  su: () => each(["su", "/usr/bin/su"], (name) => run(name, "-c", "id")),
  "helper-program": () => each(["/opt/nanoscale/bin/nanoscale-helper"], (name) => run(name)),
  "set-uid": () => {
    const file = path.join(os.tmpdir(), `suid-${process.pid}`);
    const here = path.join(process.cwd(), `suid-${process.pid}`);
    return each([file, here], (name) => {
      fs.copyFileSync("/usr/bin/id", name);
      try {
        fs.chmodSync(name, 0o4755);
        if (!(fs.statSync(name).mode & 0o4000)) throw Object.assign(new Error(), { code: "dropped" });
      } finally {
        fs.unlinkSync(name);
      }
    });
  },
  "user-namespace": () => each(["-Ur", "-m", "-n", "-p"], (flags) => run("unshare", ...flags.split(" "), "true")),
  mount: () => each(["/mnt", "/tmp"], (name) => run("mount", "-t", "tmpfs", "none", name)),
  devices: () => each(["/dev/mem", "/dev/kmsg", "/dev/sda", "/dev/vda", "/dev/nvme0n1", "/dev/fuse", "/dev/kvm"], (name) => fs.closeSync(fs.openSync(name, "r"))),
  kernel: () => each(["/proc/sys/kernel/core_pattern", "/proc/sysrq-trigger", "/sys/fs/cgroup/cgroup.procs", "/sys/kernel/uevent_helper"], (name) => fs.closeSync(fs.openSync(name, "r+"))),

  "write-unit": () =>
    each(["/etc/systemd/system", "/run/systemd/system", "/usr/lib/systemd/system", "/etc/tmpfiles.d", "/etc/sysusers.d", "/etc/nginx/sites-enabled", "/etc/sudoers.d", "/etc/ld.so.conf.d", "/etc/profile.d", "/etc/default"], createIn),
  crontab: () => judge([
    ...["/etc/cron.d", "/etc/cron.daily", "/var/spool/cron/crontabs", "/var/spool/cron"].map((name) => [name, failure(() => createIn(name))]),
    ["crontab", failure(() => run("crontab", "-l"))],
  ]),

  "helper-socket": () => connectEach(paths("/run/nanoscale/helper.sock")),
  "agent-socket": () => connectEach(paths("/run/nanoscale/agent.sock")),
  "app-sockets": () =>
    connectEach(paths(...(process.env.ATTACK_SITES ?? "").split(",").filter(Boolean).flatMap((id) => ["a.sock", "b.sock", "live"].map((name) => `${APPS}/${id}/${name}`)),
      ...below(APPS).filter((name) => path.basename(name) !== own).map((name) => `${name}/live`))),
  "system-sockets": () => connectEach(paths("/run/dbus/system_bus_socket", "/run/systemd/private", "/run/systemd/notify", "/run/docker.sock", "/run/systemd/userdb/io.systemd.DynamicUser")),
  "journal-forge": async () => {
    const there = ["/run/systemd/journal/socket", "/run/systemd/journal.nanoscale/socket", "/dev/log"].map((name) => [name, failure(() => fs.statSync(name))]);
    const stream = await connect({ path: "/run/systemd/journal/stdout" });
    return judge([...there, ["/run/systemd/journal/stdout", stream]]);
  },
  metadata: () => connectEach({ "169.254.169.254": { host: "169.254.169.254", port: 80 } }),
  "port-4000": () => connectEach(Object.fromEntries(addresses().map((host) => [host, { host, port: 4000 }]))),
  "listen-80": () => new Promise((resolve) => {
    const server = net.createServer();
    server.on("error", (error) => resolve({ succeeded: false, detail: error.code }));
    server.listen(80, "127.0.0.1", () => server.close(() => resolve({ succeeded: true, detail: "port 80" })));
  }),
};

/** Too loud for the list above: the app's own unit may be stopped for it. */
const loud = {
  "fork-bomb": async () => {
    const WANTED = 1500;
    const children = [];
    let reason = null;
    for (let i = 0; i < WANTED && !reason; i++) {
      const child = spawn("sleep", ["60"], { stdio: "ignore" });
      reason = child.pid ? null : await new Promise((resolve) => child.on("error", (error) => resolve(error.code)));
      if (child.pid) children.push(child);
    }
    for (const child of children) child.kill("SIGKILL");
    return { succeeded: !reason, detail: reason ? `${reason} after ${children.length} processes` : `${WANTED} processes` };
  },
  memory: () => {
    const GIB = 4;
    const done = spawnSync(process.execPath, ["-e", `const kept = []; for (let i = 0; i < ${GIB * 16}; i++) kept.push(Buffer.alloc(64 << 20, 1)); console.log(kept.length)`], { timeout: 120000 });
    return { succeeded: done.status === 0, detail: done.status === 0 ? `${GIB} GiB` : `ended by ${done.signal ?? done.status}` };
  },
};

async function attempt(all) {
  const report = {};
  for (const [name, attack] of Object.entries(all)) {
    try {
      report[name] = await attack();
    } catch (error) {
      report[name] = { succeeded: false, detail: error.code ?? String(error) };
    }
  }
  return report;
}

module.exports = { attacks, attempt, loud };

if (require.main === module)
  attempt({ ...attacks, ...loud }).then((report) => {
    for (const [name, { succeeded, detail }] of Object.entries(report))
      console.log(`ATTACK ${name}: ${succeeded ? "SUCCEEDED" : "blocked"} ${detail.slice(0, 400)}`);
  });
