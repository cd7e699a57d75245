import { type ChildProcess, execFile, execFileSync, spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { BlockList } from "node:net";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { setTimeout } from "node:timers/promises";
import { promisify } from "node:util";
import { type PostgresServer, startPostgres } from "@stackyard/postgres-server";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { parseCompose, toAddresses, toStartOrder, withAddresses } from "../src/testing/compose.ts";
import { parseDockerfile, toImageConfig } from "../src/testing/dockerfile.ts";
import { findNginx } from "../src/testing/find-nginx.ts";

// Starts the processes of deploy/compose.yaml without containers: the commands, environments, secrets and configurations of the
// file, with an address of the loopback for each name. Postgres is real; nginx and Prometheus are, where the machine has them.

const repository = join(import.meta.dirname, "../../..");
const deploy = join(repository, "deploy");
const compose = parseCompose(readFileSync(join(deploy, "compose.yaml"), "utf8"));
const { services } = compose;
const { env: imageEnv, entrypoint } = toImageConfig(
  parseDockerfile(readFileSync(join(deploy, "Dockerfile"), "utf8")),
  "terraform",
);
const ours = Object.entries(services).filter(([, { build }]) => build !== undefined);
const temp = mkdtempSync(join(tmpdir(), "stackyard-compose-"));
const secrets = join(temp, "secrets");
const addresses = toAddresses(services, 1 + (process.pid % 200));
const addressOf = (name: string) => addresses.get(name) ?? "";
const proxyInFile = services["proxy"]?.networks?.default.ipv4_address ?? "";
const processes = new Map<string, ChildProcess>();
const outputs = new Map<string, string>();
const call = promisify(execFile);
let postgres: PostgresServer | undefined;

const nginx = findNginx(temp);
const hasPrometheus = spawnSync("prometheus", ["--version"]).status === 0;

/** What a container sees, as this machine does. */
function place(text: string, name: string): string {
  return withAddresses(text, addresses)
    .replaceAll("0.0.0.0", addressOf(name))
    .replaceAll("/run/secrets", secrets)
    .replaceAll(proxyInFile, addressOf("proxy"))
    .replaceAll("http://localhost:8080", `http://${addressOf("proxy")}:8080`);
}

function start(
  name: string,
  program: string,
  words: readonly string[],
  env: NodeJS.ProcessEnv,
  cwd: string,
): ChildProcess {
  const child = spawn(program, words, { cwd, env: { PATH: process.env["PATH"], ...env } });
  processes.set(name, child);
  for (const stream of [child.stdout, child.stderr])
    stream.on("data", (chunk: Buffer) => outputs.set(name, `${outputs.get(name) ?? ""}${chunk}`));
  return child;
}

/** Starts a service of our image. */
function startOurs(name: string): ChildProcess {
  const { command = [], environment = {}, volumes = [] } = services[name] ?? {};
  const project = volumes.find((volume) => volume.endsWith(":/srv/yard:ro"))?.split(":")[0] ?? "";
  const flags = entrypoint.slice(entrypoint.indexOf("node") + 1, -1);
  const state = join(temp, name);
  mkdirSync(state);
  const given = Object.entries({ ...imageEnv, ...environment, HOME: state, STATE_DIRECTORY: state });
  const env = Object.fromEntries(given.map(([key, value]) => [key, place(String(value), name)]));
  const words = [...flags, join(repository, "packages/cli/dist/bin.js"), ...command.map((word) => place(word, name))];
  return start(name, process.execPath, words, env, join(deploy, project));
}

/** Starts a service with the configuration that compose.yaml mounts. */
function startConfigured(name: string, program: string, toWords: (config: string) => readonly string[]): void {
  const [from = "", to = ""] = services[name]?.volumes?.[0]?.split(":") ?? [];
  const config = join(temp, name, to);
  mkdirSync(dirname(config), { recursive: true });
  const text = place(readFileSync(join(deploy, from), "utf8"), name);
  writeFileSync(config, text.replace(/listen (\d+);/, `listen ${addressOf(name)}:$1;`));
  start(name, program, toWords(config), {}, join(temp, name));
}

const starts: Readonly<Record<string, () => Promise<void>>> = {
  postgres: async () => {
    postgres = await startPostgres({ durable: false });
    const file = join(secrets, "database-url");
    // The database is another one; its address has the form that secrets.sh writes.
    expect(readFileSync(file, "utf8")).toMatch(/^postgres:\/\/stackyard:[0-9a-f]{48}@postgres:5432\/stackyard$/);
    writeFileSync(file, postgres.url);
  },
  migrate: async () => {
    const [code] = await once(startOurs("migrate"), "close");
    expect(code, outputs.get("migrate")).toBe(0);
  },
  proxy: async () => {
    if (nginx === undefined) return;
    const folders = ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"].map(
      (each) => `${each}_temp_path ${temp}/proxy/${each};`,
    );
    mkdirSync(join(temp, "proxy"));
    startConfigured("proxy", nginx, (config) => {
      const text = readFileSync(config, "utf8").replace("http {", `http {\naccess_log off;\n${folders.join("\n")}`);
      writeFileSync(config, text);
      return ["-c", config, "-p", join(temp, "proxy"), "-e", "stderr", "-g", `daemon off; pid ${temp}/nginx.pid;`];
    });
  },
  prometheus: async () => {
    if (!hasPrometheus) return;
    startConfigured("prometheus", "prometheus", (config) => {
      const words = services["prometheus"]?.command ?? [];
      return words.map((word) =>
        place(word, "prometheus")
          .replace("/etc/prometheus/prometheus.yaml", config)
          .replace("=/prometheus", `=${join(temp, "prometheus-data")}`),
      );
    });
  },
};

const isUp = (url: string) =>
  fetch(url).then(
    ({ ok }) => ok,
    () => false,
  );

async function untilTrue(what: string, check: () => Promise<boolean>): Promise<void> {
  const until = Date.now() + 120_000;
  while (!(await check())) {
    if (Date.now() > until)
      throw new Error(`Not ${what}:\n${[...outputs].map(([name, text]) => `${name}: ${text}`).join("\n")}`);
    await setTimeout(200);
  }
}

beforeAll(async () => {
  execFileSync(join(deploy, "secrets.sh"), [secrets]);
  for (const name of toStartOrder(services)) {
    const own = starts[name];
    if (own === undefined) startOurs(name);
    else await own();
  }
  for (const [name, { command = [] }] of ours)
    if (command.includes("7070"))
      await untilTrue(`${name} is up`, () => isUp(`http://${addressOf(name)}:7070/health/ready`));
}, 300_000);

afterAll(async () => {
  for (const [name, child] of processes) {
    const isRunning = child.exitCode === null && child.signalCode === null;
    // A master of nginx that is killed leaves its workers behind.
    child.kill(name === "proxy" ? "SIGTERM" : "SIGKILL");
    if (isRunning) await once(child, "exit");
  }
  await postgres?.stop();
  rmSync(temp, { recursive: true, force: true });
});

function stackyard(url: string, ...words: readonly string[]) {
  const [, token = ""] = /^admin=(.*)$/m.exec(readFileSync(join(secrets, "api-tokens"), "utf8")) ?? [];
  const env = { PATH: process.env["PATH"], STACKYARD_URL: url, STACKYARD_TOKEN: token, HOME: temp };
  return call(process.execPath, [join(repository, "packages/cli/dist/bin.js"), ...words], { cwd: temp, env });
}

describe("compose.yaml", () => {
  it("closes the containers of the yard, and gives workers no API tokens", () => {
    for (const [, service] of ours) {
      expect(service).toMatchObject({
        read_only: true,
        cap_drop: ["ALL"],
        security_opt: ["no-new-privileges:true"],
        build: { dockerfile: "../../deploy/Dockerfile" },
      });
    }
    const workers = ours.filter(([name]) => name.startsWith("worker"));
    expect(workers).toHaveLength(2);
    for (const [, { secrets: given, environment = {} }] of workers)
      expect([given, Object.keys(environment)]).not.toContainEqual(
        expect.arrayContaining([expect.stringMatching(/token/i)]),
      );
  });

  it("names secrets that secrets.sh writes", () => {
    const used = Object.values(services).flatMap(({ secrets: given = [] }) => given);

    expect([...new Set(used)].sort()).toEqual(Object.keys(compose.secrets).sort());
    for (const [name, { file }] of Object.entries(compose.secrets)) {
      expect(file).toBe(`./secrets/${name}`);
      expect(readFileSync(join(secrets, name), "utf8").trim()).not.toBe("");
    }
  });

  it("lets servers take the address of a client from the proxy alone, and keeps its address out of what containers are given", () => {
    const { subnet = "", ip_range = "" } = compose.networks.default.ipam.config[0] ?? {};
    const servers = ours.filter(([name]) => name.startsWith("server"));
    const list = (network: string) => {
      const [address = "", bits = ""] = network.split("/");
      const all = new BlockList();
      all.addSubnet(address, Number(bits));
      return all;
    };

    expect(servers).toHaveLength(2);
    for (const [, { environment = {} }] of servers) expect(environment["TRUSTED_PROXIES"]).toBe(proxyInFile);
    expect([list(subnet).check(proxyInFile), list(ip_range).check(proxyInFile)]).toEqual([true, false]);
  });

  it("publishes ports on this machine only", () => {
    for (const { ports = [] } of Object.values(services))
      for (const port of ports) expect(port).toMatch(/^127\.0\.0\.1:/);
  });
});

describe("the processes of compose.yaml", () => {
  const server = `http://${addressOf("server-1")}:7070`;
  const proxy = `http://${addressOf("proxy")}:8080`;

  /** The address that the audit log has of a client that says it is another. */
  async function findAddress(url: string): Promise<unknown> {
    const [, token = ""] = /^admin=(.*)$/m.exec(readFileSync(join(secrets, "api-tokens"), "utf8")) ?? [];
    const headers = {
      authorization: `Bearer ${token}`,
      "x-forwarded-for": "198.51.100.9",
      "content-type": "application/json",
    };
    const list = async () => JSON.parse(await (await fetch(`${url}/v1/audit?limit=1000`, { headers })).text()).items;
    const before = (await list()).length;
    const body = JSON.stringify({ name: "probe", role: "viewer" });
    await fetch(`${url}/v1/tokens`, { method: "POST", headers, body });
    // Lines are sealed some time later.
    await untilTrue("the audit log has the new token", async () => (await list()).length > before);
    return (await list())[0].who.address;
  }

  it("are two servers and two workers of one yard", async () => {
    const { stdout } = await stackyard(server, "ps", "--json");

    const roles = stdout
      .trim()
      .split("\n")
      .map((line) => JSON.parse(line).roles.join());
    expect(roles.sort()).toEqual(["engine", "engine", "worker", "worker"]);
  });

  it("do not take an address from another container than the proxy", async () => {
    expect(await findAddress(server)).toMatch(/^127\./);
  });

  it.skipIf(nginx === undefined)(
    "see who asks the proxy, not whom a client names (skipped without nginx)",
    async () => {
      await untilTrue("the proxy is up", () => isUp(`${proxy}/health/ready`));

      expect(await findAddress(proxy)).toMatch(/^127\./);
      expect(await findAddress(proxy)).not.toBe(addressOf("proxy"));
    },
  );

  it("run a task of the project", async () => {
    const { stdout } = await stackyard(server, "send", "web-1", "OPENED", "--machine", "hello", "--until", "LIVE");

    expect(stdout).toContain("LIVE");
  });

  it.skipIf(nginx === undefined)(
    "send live updates through the proxy at once [argo-workflows#9286] (skipped without nginx)",
    async () => {
      const [, token = ""] = /^admin=(.*)$/m.exec(readFileSync(join(secrets, "api-tokens"), "utf8")) ?? [];
      await untilTrue("the proxy is up", () => isUp(`${proxy}/health/ready`));
      const response = await fetch(`${proxy}/v1/watch`, { headers: { authorization: `Bearer ${token}` } });
      const reader = response.body?.pipeThrough(new TextDecoderStream()).getReader();
      let text = "";
      const read = (async () => {
        for (let part = await reader?.read(); part && !part.done; part = await reader?.read()) text += part.value;
      })();

      await untilTrue("the stream begins", async () => text.includes("event: ready"));
      await stackyard(proxy, "send", "web-2", "OPENED", "--machine", "hello", "--until", "LIVE");
      // The stream is still open: a proxy that collects would hold these lines back.
      await untilTrue("the stream says so", async () => text.includes("web-2"));

      await reader?.cancel();
      await read;
    },
  );

  it.skipIf(!hasPrometheus)("are read by Prometheus (skipped without it)", async () => {
    const url = `http://${addressOf("prometheus")}:9090/api/v1/targets`;
    const readHealth = async (): Promise<readonly string[]> => {
      const text = await fetch(url).then(
        (response) => response.text(),
        () => "",
      );
      return [...text.matchAll(/"health":"(\w+)"/g)].map(([, health = ""]) => health);
    };

    await untilTrue("all targets are up", async () => (await readHealth()).join() === "up,up,up,up");
  });

  it.skipIf(nginx === undefined)(
    "answer through the proxy while one server is gone (skipped without nginx)",
    async () => {
      const child = processes.get("server-1");
      child?.kill("SIGTERM");
      if (child) await once(child, "close");

      for (let count = 0; count < 6; count++) expect((await fetch(`${proxy}/health/ready`)).status).toBe(200);
      expect(child?.exitCode).toBe(0);
    },
  );
});
