import { type ChildProcess, spawn, spawnSync } from "node:child_process";
import {
  cpSync,
  existsSync,
  globSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { delimiter, dirname, join } from "node:path";
import { setTimeout } from "node:timers/promises";
import { createTestBrowser, findFreePort, startTestIssuer, type TestIssuer } from "@stackyard/oidc-issuer";
import { type PostgresServer, startPostgres } from "@stackyard/postgres-server";
import { afterAll, beforeAll, describe, expect, it, vi } from "vitest";
import { findNginx } from "../src/testing/find-nginx.ts";
import { type PlayedMachine, place } from "../src/testing/play-systemd.ts";

// Plays docs/deployment.md: every piece marked `sh play`, in one terminal, in a folder that replaces `/`. Postgres, nginx and
// Prometheus are real (Debian's); the services are started as their units say. The two lists name what is replaced or left out.

/** Lines of played pieces that are left out. */
const NOT_PLAYED: readonly (readonly [line: RegExp, why: string])[] = [
  [/^cp ~\/stackyard-/, "one-file.test.ts installs the file; here the packages of the clone are linked"],
  [/^npm install --offline /, "see one-file.test.ts"],
  [/^systemd-sysusers /, "makes users of this machine; systemd-units.int.test.ts reads the file with systemd-sysusers"],
  [/^systemd-tmpfiles /, "gives files to root; systemd-units.int.test.ts does it in a folder"],
  [
    /^systemctl daemon-reload$/,
    "systemd is not the first process here; a program of that name starts what the units say",
  ],
  [/ca-certificates/, "changes which certificates this machine trusts"],
  [/^chgrp prometheus /, "the group belongs to Debian's package, and needs root"],
  [/^chown -R root: /, "needs root"],
  [/^for name in .*userdel/, "removes users of this machine"],
];

/** Pieces of shell that are not played, by a command of them. */
const NOT_MARKED: readonly (readonly [command: string, why: string])[] = [
  [
    "stackyard-server-2",
    "a copy of a unit that is played; systemd-units.int.test.ts checks the unit, and no second server runs here",
  ],
  ["scp -r", "the second machine is missing, and the bundle takes a minute to build"],
  ["apt-get install", "changes this machine"],
];

const repository = join(import.meta.dirname, "../../..");
const page = readFileSync(join(repository, "docs/deployment.md"), "utf8");
const pieces = [...page.matchAll(/^```(?:sh play|ts file=(\S+))\n(.*?)^```$/gms)].map(
  ({ 1: file, 2: text = "", index }) => ({
    file,
    text,
    line: page.slice(0, index).split("\n").length,
  }),
);
/** Takes away what that page has made. */
const leaving = readFileSync(join(repository, "docs/leaving.md"), "utf8");
const removal = /^```sh play\n(systemctl disable.*?)^```$/ms.exec(leaving)?.[1] ?? "";
const root = mkdtempSync(join(tmpdir(), "stackyard-team-"));
const programs = readdirSync("/usr/lib/postgresql")
  .map((version) => `/usr/lib/postgresql/${version}/bin`)
  .at(-1);
const nginx = findNginx(root);
const has = (program: string) => spawnSync(program, ["--version"]).status === 0;
const isPlayable = programs !== undefined && nginx !== undefined && has("prometheus") && has("psql");

let postgres: PostgresServer;
let issuer: TestIssuer;
let machine: PlayedMachine;
let terminal: ChildProcess;
let output = "";
const ports = { tls: 0, server: 0, prometheus: 0 };

async function setUp(): Promise<void> {
  for (const folder of [
    "bin",
    "root",
    "log",
    "run",
    "etc/ssl",
    "etc/nginx/conf.d",
    "etc/prometheus",
    "etc/systemd/system",
  ])
    mkdirSync(join(root, folder), { recursive: true });
  for (const folder of ["usr/lib/sysusers.d", "usr/lib/tmpfiles.d", "srv", "prometheus"])
    mkdirSync(join(root, folder), { recursive: true });
  postgres = await startPostgres({ durable: false, ...(programs === undefined ? {} : { programs }) });
  for (const name of ["tls", "server", "prometheus"] as const) ports[name] = await findFreePort();
  const workers = [await findFreePort(), await findFreePort(), await findFreePort()];
  issuer = await startTestIssuer({ yardUrl: `https://localhost:${ports.tls}` });
  machine = {
    root,
    places: [
      [
        "(?<!\\w)(?=/(?:srv/stackyard|etc/(?:stackyard|systemd|nginx|prometheus|ssl)/?|usr/lib/sys|usr/lib/tmp|var/lib/(?:stackyard|systemd)))",
        root,
      ],
      ["/usr/bin/node", process.execPath],
      ["https://id\\.example\\.org", issuer.url],
      ["https://yard\\.example\\.org", `https://localhost:${ports.tls}`],
      ["(?<![/\\w])yard\\.example\\.org(?!\\.)", "localhost"],
      ["listen 443 ssl", `listen 127.0.0.1:${ports.tls} ssl`],
      ["\\b5432\\b", String(postgres.port)],
      ["\\b7070\\b", String(ports.server)],
      ["\\b7071\\b", String(workers[0])],
      ["\\b7072\\b", String(workers[1])],
      ["\\b7073\\b", String(workers[2])],
    ],
    others: {
      nginx: {
        command: `${nginx} -c ${root}/etc/nginx/nginx.conf -p ${root} -e stderr -g 'daemon off; pid ${root}/run/nginx;'`,
        config: "etc/nginx/conf.d/stackyard.conf",
      },
      prometheus: {
        command: `prometheus --config.file=${root}/etc/prometheus/prometheus.yml --storage.tsdb.path=${root}/prometheus --web.listen-address=127.0.0.1:${ports.prometheus}`,
        config: "etc/prometheus/prometheus.yml",
      },
    },
  };
}

/** Programs that replace those of the machine, in front of the PATH. */
function writePrograms(): void {
  const shims = {
    // Commands of the user postgres are for the server of this test.
    runuser: `shift 3; PGHOST=127.0.0.1 PGPORT=${postgres.port} PGUSER=postgres PGPASSWORD=postgres exec "$@"`,
    systemctl: `exec "${process.execPath}" "${join(repository, "tools/package/src/testing/play-systemd.ts")}" "$@"`,
  };
  for (const [name, line] of Object.entries(shims))
    writeFileSync(join(root, "bin", name), `#!/bin/sh\n${line}\n`, { mode: 0o755 });
  const folders = ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"].map((each) => `${each}_temp_path ${root}/run;`);
  const http = [`access_log off;`, ...folders, `include ${root}/etc/nginx/conf.d/*.conf;`].join("\n");
  writeFileSync(join(root, "etc/nginx/nginx.conf"), `events {}\nhttp {\n${http}\n}\n`);
}

function link(target: string, path: string): void {
  const from = join(root, "srv/stackyard", path);
  mkdirSync(dirname(from), { recursive: true });
  symlinkSync(join(repository, target), from);
}

/** Enters a piece into the terminal, and returns what it prints. */
async function enter(text: string): Promise<string> {
  const lines = text.split("\n").filter((line) => !NOT_PLAYED.some(([pattern]) => pattern.test(line)));
  const file = join(root, "piece.sh");
  writeFileSync(file, place(lines.join("\n"), machine.places));
  output = "";
  terminal.stdin?.write(`. ${file} < /dev/null\necho "@@ done"\n`);
  while (!output.includes("@@ done")) {
    if (terminal.exitCode !== null) throw new Error(`${place(text, machine.places)}\nended:\n${output}\n${readLogs()}`);
    await setTimeout(50);
  }
  return output;
}

const readLogs = () =>
  readdirSync(join(root, "log"))
    .map((name) => `${name}: ${readFileSync(join(root, "log", name), "utf8").slice(-2_000)}`)
    .join("\n");

/** What is true after the piece that contains the words. */
const CHECKS: Readonly<Record<string, (printed: string) => Promise<void>>> = {
  "systemctl enable": async () => {
    const credentials = (unit: string) => readdirSync(join(root, "run/credentials", unit)).sort();
    expect(credentials("stackyard-worker@1")).toEqual(["database-url", "seal-key"]);
    expect(credentials("stackyard-server")).toEqual(["api-tokens", "database-url", "seal-key"]);
  },
  "send web-1": async (printed) => {
    expect(printed).toMatch(/^web-1 +hello +LIVE/m);
  },
  "stackyard console": async (printed) => {
    const browser = createTestBrowser();
    const url = new URL(/https:\/\/\S+/.exec(printed)?.[0] ?? "");
    // What the page at this address does with a click.
    await browser.submit(`${url.origin}${url.pathname}`, { code: url.searchParams.get("code") ?? "" });
    expect(await whoIs(browser)).toMatchObject({ name: "ada (code of admin)", rights: [{ role: "operator" }] });
  },
  pg_restore: async (printed) => {
    expect(printed).toMatch(/web-1 +\| LIVE/);
  },
  "restart prometheus": async () => {
    const url = `http://127.0.0.1:${ports.prometheus}/api/v1/query?query=up`;
    const ask = () =>
      fetch(url).then(
        (response) => response.text(),
        () => "",
      );
    await expect.poll(ask, { timeout: 60_000, interval: 500 }).toMatch(/(?:"value":\[[\d.]+,"1"\].*){3}/);
    const rules = await fetch(`http://127.0.0.1:${ports.prometheus}/api/v1/rules`).then((response) => response.text());
    expect(rules).toContain("StackyardDown");
  },
  "stackyard-worker@2\n": async () => {
    const printed = await enter("npx --no stackyard send web-2 OPENED --machine hello --until LIVE");
    expect(printed).toContain("LIVE");
  },
};

async function whoIs(browser: ReturnType<typeof createTestBrowser>): Promise<unknown> {
  return (await browser.call(`https://localhost:${ports.tls}/v1/me`)).json();
}

/** A page's reader needs longer to type than a server to start. */
async function untilReady(): Promise<void> {
  const isReady = () =>
    fetch(`http://127.0.0.1:${ports.server}/health/ready`).then(
      ({ ok }) => ok,
      () => false,
    );
  await expect.poll(isReady, { timeout: 60_000 }).toBe(true);
}

describe("the lists", () => {
  it("name only lines that the page has", () => {
    const lines = [...pieces.map(({ text }) => text), removal].flatMap((text) => text.split("\n"));

    expect(NOT_PLAYED.filter(([pattern]) => !lines.some((line) => pattern.test(line)))).toEqual([]);
    expect(Object.keys(CHECKS).filter((words) => !pieces.some(({ text }) => text.includes(words)))).toEqual([]);
  });

  // Reported: netdata/netdata#6933 (what a removed user owned belongs to whoever gets its number), nicolargo/glances#2013 (users and
  // links of units are left), archledger/irlume#533 (a timer stays enabled), kmicki/SteamDeckGyroDSU#29 (a removed service restarts).
  it("of what is removed ends services before their files, and gives dumps to root before their user goes", () => {
    const order = [
      "systemctl disable --now",
      "systemctl stop 'stackyard-*'",
      "rm -r /etc/systemd/system/",
      "systemctl daemon-reload",
      "chown -R root: ",
      "userdel",
    ];

    const places = order.map((words) => removal.indexOf(words));

    expect(places).not.toContain(-1);
    expect(places).toEqual(places.toSorted((a, b) => a - b));
    const users = [
      ...readFileSync(join(repository, "deploy/systemd/stackyard.sysusers.conf"), "utf8").matchAll(/^u (\S+)/gm),
    ];
    const units = readdirSync(join(repository, "deploy/systemd")).filter((name) => /\.(service|timer)$/.test(name));
    expect(users.filter(([, name = ""]) => !/^for name in (.*);/m.exec(removal)?.[1]?.includes(name))).toEqual([]);
    expect(units.filter((name) => !name.startsWith("stackyard-"))).toEqual([]);
  });

  it("name each piece of shell that is not played", () => {
    const all = [...page.matchAll(/^ *```sh( play)?\n(.*?)^ *```$/gms)];
    const others = all.filter(([, mark]) => mark === undefined).map(([, , text = ""]) => text);

    expect(others.filter((text) => !NOT_MARKED.some(([command]) => text.includes(command)))).toEqual([]);
    expect(NOT_MARKED.filter(([command]) => !others.some((text) => text.includes(command)))).toEqual([]);
  });
});

describe.skipIf(!isPlayable)("docs/deployment.md (skipped without Postgres, nginx and Prometheus of Debian)", () => {
  beforeAll(async () => {
    await setUp();
    writePrograms();
    cpSync(join(repository, "deploy"), join(root, "root/deploy"), { recursive: true });
    link("packages/cli", "node_modules/stackyard");
    link("packages/store-postgres", "node_modules/@stackyard/store-postgres");
    link("packages/cli/bin/stackyard.js", "node_modules/.bin/stackyard");
    const path = [join(root, "bin"), dirname(process.execPath), process.env["PATH"]].join(delimiter);
    const env = { PATH: path, HOME: join(root, "root"), PLAYED_MACHINE: JSON.stringify(machine) };
    terminal = spawn("bash", ["-euo", "pipefail"], { cwd: root, env: { ...env, npm_config_update_notifier: "false" } });
    for (const stream of [terminal.stdout, terminal.stderr])
      stream?.on("data", (chunk: Buffer) => (output += chunk.toString()));
    // The certificate is the page's own.
    vi.stubEnv("NODE_TLS_REJECT_UNAUTHORIZED", "0");
  }, 120_000);

  afterAll(async () => {
    vi.unstubAllEnvs();
    const files = existsSync(join(root, "run"))
      ? readdirSync(join(root, "run")).filter((name) => name.endsWith(".pid"))
      : [];
    for (const file of files) process.kill(-Number(readFileSync(join(root, "run", file), "utf8")), "SIGKILL");
    terminal?.kill("SIGKILL");
    await issuer?.stop();
    await postgres?.stop();
    rmSync(root, { recursive: true, force: true });
  });

  it.each(pieces.map((piece) => [piece.line, piece] as const))(
    "line %s works as written",
    async (_, { file: saved, text }) => {
      if (saved !== undefined) {
        writeFileSync(join(root, "srv/stackyard", saved), place(text, machine.places));
        return;
      }
      const printed = await enter(text);
      if (text.includes("systemctl restart stackyard-server")) await untilReady();
      for (const [words, check] of Object.entries(CHECKS)) if (text.includes(words)) await check(printed);
    },
    120_000,
  );

  it("ends with a yard where people of the issuer sign in with the rights of their group", async () => {
    const browser = createTestBrowser();

    await browser.open(`https://localhost:${ports.tls}/auth/login`);

    expect(await whoIs(browser)).toMatchObject({ name: "ada@example.org", rights: [{ role: "operator" }] });
  });

  it("is gone after docs/leaving.md: no process, file, database or user of it is left but dumps and what is shared", async () => {
    const pids = readdirSync(join(root, "run")).filter((name) => /^stackyard-.*\.pid$/.test(name));
    // A server, two workers, and the worker that was added.
    expect(pids.length).toBeGreaterThan(3);
    // What the page tells readers to write, and what commands leave.
    for (const path of ["etc/systemd/system/stackyard-worker@1.service.d", "root/.cache/stackyard"])
      mkdirSync(join(root, path), { recursive: true });

    await enter(removal);

    expect(existsSync(join(root, "root/.cache/stackyard"))).toBe(false);
    expect(readdirSync(join(root, "run")).filter((name) => /^stackyard-.*\.pid$/.test(name))).toEqual([]);
    expect(await listDatabaseNames()).not.toContain("stackyard");
    expect(listOurs()).toEqual([
      "etc/ssl/yard.example.org.key",
      "etc/ssl/yard.example.org.pem",
      "var/lib/stackyard-backup",
    ]);
  });
});

/** Returns the databases and roles of the server. */
async function listDatabaseNames(): Promise<readonly string[]> {
  return (
    await enter(
      "runuser -u postgres -- psql --tuples-only --no-align -c 'select datname from pg_database union select rolname from pg_roles'",
    )
  ).split("\n");
}

/** Returns what is named after the yard or the product, without what is in a folder that is. */
function listOurs(): readonly string[] {
  const played = new Set(["bin", "log", "nginx", "prometheus", "run"]);
  const found = globSync("**/*{stackyard,yard.}*", { cwd: root }).filter(
    (path) => !played.has(path.split("/")[0] ?? ""),
  );
  return found.filter((path) => !found.some((other) => path.startsWith(`${other}/`))).sort();
}
