import { type ChildProcess, spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterEach, describe, expect, it } from "vitest";
import { parseLines, type RunningCli, runCli, startCli } from "../testing/run-cli.ts";
import { makeSharedStore } from "../testing/shared-store.ts";
import { makeTempProject } from "../testing/temp-project.ts";

const MACHINE = `version: 1
events: [OPEN]
states:
  INIT: {on: {OPEN: [{action: advance, state: WORK}]}}
  WORK: {tasks: [dig], on: {NEXT: [{action: advance, state: DONE}]}}
  DONE: {}
tasks:
  dig: {executor: fail, config: {}}
`;
const PLUGIN = `export default { kind: "stackyard-plugin", name: "p", commands: [], executors: () => [{
  name: "fail", config: { type: "object" },
  start: async () => ({ kind: "failed", code: "NO_ROOM", message: "There is no room.", retryable: false }),
}] };
`;
const TOKEN = "a-secret-of-the-tests-for-metrics";

const cleanUps: (() => unknown)[] = [];
afterEach(async () => {
  for (const cleanUp of cleanUps.splice(0).reverse()) await cleanUp();
});

/** Starts a yard of a server and a worker, with one stack whose task has failed. */
async function startFailedYard() {
  const { files } = makeSharedStore();
  const { folder: cwd, remove } = makeTempProject({
    ...files,
    "stackyard.config.json": JSON.stringify({ store: "./store.mjs", plugins: ["./plugin.mjs"] }),
    "plugin.mjs": PLUGIN,
    "machines/m.yaml": MACHINE,
  });
  cleanUps.push(remove);
  const env = { STACKYARD_API_TOKENS: `prometheus=${TOKEN}` };
  const server = await start(["server", "--port", "0"], cwd, env);
  const worker = await start(["worker", "--health-port", "0", "--url", server.url], cwd, env);
  const at = { cwd, env: { STACKYARD_URL: server.url, STACKYARD_TOKEN: TOKEN } };
  await runCli(["send", "pr-1", "OPEN", "--machine", "m"], at);
  await runCli(["send", "pr-2", "NEVER", "--machine", "m"], at);
  return { cwd, server: server.url, worker: worker.url };
}

async function start(words: readonly string[], cwd: string, env: Readonly<Record<string, string>>) {
  const running: RunningCli = startCli([...words, "--json"], { cwd, env });
  cleanUps.push(() => {
    running.interrupt();
    return running.result;
  });
  const ready = parseLines(await running.line((line) => line.includes('"kind":"ready"')))[0] ?? {};
  return { url: String(ready["healthUrl"] ?? ready["url"]) };
}

async function readMetrics(url: string): Promise<string> {
  const response = await fetch(`${url}/metrics`, { headers: { authorization: `Bearer ${TOKEN}` } });
  return response.text();
}

describe("/metrics", () => {
  it("of a server shows failed stacks and tasks, refused events and dead letters, each with its code", async () => {
    const { server } = await startFailedYard();

    await expect.poll(() => readMetrics(server)).toContain('stackyard_stacks_in_condition{condition="failed"} 1\n');
    const text = await readMetrics(server);

    for (const line of [
      "stackyard_failed_stacks 1",
      'stackyard_task_failures_total{machine="m",code="NO_ROOM"} 1',
      'stackyard_sent_tasks_total{machine="m"} 1',
      "stackyard_dead_lettered_events_total 1",
      'stackyard_events_total{outcome="dead-lettered"} 1',
      "stackyard_worker_capacity 8",
    ])
      expect(text.split("\n")).toContain(line);
    expect(text).toMatch(/^process_resident_memory_bytes [1-9]/m);
  });

  it("of a worker shows steps with their durations and failures, and how long tasks have waited", async () => {
    const { worker } = await startFailedYard();

    await expect
      .poll(() => readMetrics(worker))
      .toContain('stackyard_step_failures_total{executor="fail",code="NO_ROOM"} 1');
    const text = await readMetrics(worker);

    expect(text).toContain('stackyard_step_duration_seconds_count{executor="fail",operation="start"} 1\n');
    expect(text).toContain("stackyard_task_wait_seconds_count 1\n");
    expect(text).toMatch(/^process_start_time_seconds [1-9]/m);
  });
});

/** The used parts of the answers of Prometheus' API. */
interface Answer {
  readonly data: {
    readonly alerts?: readonly { readonly labels: Readonly<Record<string, string>>; readonly state: string }[];
    readonly activeTargets?: readonly { readonly health: string; readonly lastError: string }[];
  };
}

const hasPrometheus = spawnSync("prometheus", ["--version"]).status === 0;
const RULES = readFileSync(new URL("../../../../deploy/prometheus/alerts.yaml", import.meta.url), "utf8");
const CONFIG = readFileSync(new URL("../../../../deploy/prometheus/prometheus.yaml", import.meta.url), "utf8");

/** Starts Prometheus with the files of `deploy`, with short times and this yard's addresses. */
async function startPrometheus({ cwd, server, worker }: Record<"cwd" | "server" | "worker", string>) {
  const folder = join(cwd, "prometheus");
  mkdirSync(folder);
  const config = CONFIG.replaceAll("30s", "1s")
    .replace(/\["server-1.*\]/, JSON.stringify([new URL(server).host]))
    .replace(/\["worker-1.*\]/, JSON.stringify([new URL(worker).host]));
  writeFileSync(join(folder, "prometheus.yaml"), config);
  writeFileSync(join(folder, "alerts.yaml"), RULES.replaceAll(/for: \d+m/g, "for: 0s"));
  writeFileSync(join(folder, "stackyard-token"), TOKEN);
  const words = ["--config.file=prometheus.yaml", "--storage.tsdb.path=data", "--web.listen-address=127.0.0.1:0"];
  const child = spawn("prometheus", words, { cwd: folder, stdio: ["ignore", "ignore", "pipe"] });
  cleanUps.push(() => stop(child));
  return `http://${await findAddress(child)}`;
}

async function stop(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  child.kill("SIGTERM");
  await once(child, "exit");
}

function findAddress(child: ChildProcess): Promise<string> {
  return new Promise((resolve, reject) => {
    let text = "";
    child.once("exit", () => reject(new Error(`Prometheus ended:\n${text}`)));
    child.stderr?.on("data", (part: Buffer) => {
      text += String(part);
      const address = /msg="Listening on" address=([\d.:]+)/.exec(text)?.[1];
      if (address !== undefined) resolve(address);
    });
  });
}

// Debian's package `prometheus`; where it is absent, this test is left out.
describe.skipIf(!hasPrometheus)("Prometheus", () => {
  it("scrapes servers and workers, and the alert on failed stacks fires", async () => {
    const yard = await startFailedYard();
    const prometheus = await startPrometheus(yard);

    const read = async (path: string) => (await (await fetch(`${prometheus}/api/v1/${path}`)).json()) as Answer;
    await expect
      .poll(async () => {
        const { data } = await read("alerts");
        return data.alerts?.map(({ labels, state }) => [labels["alertname"], labels["yard"], state]);
      })
      .toEqual([["StackyardStacksFailed", "main", "firing"]]);

    await expect
      .poll(async () => {
        const { data } = await read("targets");
        return data.activeTargets?.map(({ health, lastError }) => [health, lastError]);
      })
      .toEqual([
        ["up", ""],
        ["up", ""],
      ]);
  });
});
