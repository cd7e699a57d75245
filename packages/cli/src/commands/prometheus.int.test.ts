import { type ChildProcess, spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { StackyardError, type Store } from "@stackyard/core";
import { loadYardMetrics, toExposition } from "@stackyard/telemetry";
import { afterEach, describe, expect, it } from "vitest";
import { parseLines, type RunningCli, runCli, startCli } from "../testing/run-cli.ts";
import { makeSharedStore } from "../testing/shared-store.ts";
import { makeTempProject } from "../testing/temp-project.ts";

const MACHINE = `version: 2
events: [OPEN, REST]
states:
  INIT: {on: {OPEN: WORK, REST: DONE}}
  WORK: {tasks: [dig], on: {NEXT: DONE}}
  DONE: {}
tasks:
  dig: {executor: fail, config: {}}
`;
/** A stack moves on after its failure. */
const PATIENT = MACHINE.replace("{NEXT: DONE}", "{NEXT: DONE, FAILED: DONE}");
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

/** A yard of a server and, unless it has none, a worker. */
interface TestYard {
  readonly cwd: string;
  readonly store: Store;
  readonly server: RunningCli & { readonly url: string };
  readonly worker: (RunningCli & { readonly url: string }) | undefined;
  /** Methods of the store that fail. */
  readonly broken: Set<string>;
  /** Runs the command line with the token of the yard. */
  run(...words: string[]): ReturnType<typeof runCli>;
}

async function startYard({ hasWorker = true }: { readonly hasWorker?: boolean } = {}): Promise<TestYard> {
  const { files, store } = makeSharedStore();
  const broken = new Set<string>();
  const unless =
    <Input extends readonly unknown[], Result>(method: string, call: (...input: Input) => Promise<Result>) =>
    async (...input: Input): Promise<Result> => {
      if (broken.has(method)) throw new StackyardError("STORE_UNAVAILABLE", "The disk is full.");
      return call(...input);
    };
  Object.assign(store, { commit: unless("commit", store.commit) });
  Object.assign(store.queries, { listStacks: unless("listStacks", store.queries.listStacks) });
  const { folder: cwd, remove } = makeTempProject({
    ...files,
    "stackyard.config.json": JSON.stringify({ store: "./store.mjs", plugins: ["./plugin.mjs"] }),
    "plugin.mjs": PLUGIN,
    "machines/m.yaml": MACHINE,
    "machines/patient.yaml": PATIENT,
  });
  cleanUps.push(remove);
  const env = { STACKYARD_API_TOKENS: `prometheus=${TOKEN}` };
  const server = await start(["server", "--port", "0"], cwd, env);
  const worker = hasWorker ? await start(["worker", "--health-port", "0", "--url", server.url], cwd, env) : undefined;
  const at = { cwd, env: { STACKYARD_URL: server.url, STACKYARD_TOKEN: TOKEN } };
  return { cwd, store, server, worker, broken, run: (...words) => runCli(words, at) };
}

/** Sends an event that the machine does not have, as a program that does not look at what becomes of it. */
async function sendBlindly(url: string, stackId: string) {
  const headers = { authorization: `Bearer ${TOKEN}`, "content-type": "application/json" };
  const body = JSON.stringify({ stackId, event: "NEVER", machine: "m" });
  await fetch(`${url}/v1/events`, { method: "POST", headers, body });
}

/** Starts a yard with one stack whose task has failed, and one event that was dead-lettered. */
async function startFailedYard() {
  const { cwd, server, worker, run } = await startYard();
  await run("send", "pr-1", "OPEN", "--machine", "m");
  await sendBlindly(server.url, "pr-2");
  return { cwd, run, server: server.url, worker: worker?.url ?? "" };
}

async function start(words: readonly string[], cwd: string, env: Readonly<Record<string, string>>) {
  const running: RunningCli = startCli([...words, "--json"], { cwd, env });
  cleanUps.push(() => {
    running.interrupt();
    return running.result;
  });
  const ready = parseLines(await running.line((line) => line.includes('"kind":"ready"')))[0] ?? {};
  return { ...running, url: String(ready["healthUrl"] ?? ready["url"]) };
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
    readonly result?: readonly unknown[];
    readonly alerts?: readonly { readonly labels: Readonly<Record<string, string>>; readonly state: string }[];
    readonly activeTargets?: readonly { readonly health: string; readonly lastError: string }[];
  };
}

const hasPrometheus = spawnSync("prometheus", ["--version"]).status === 0;
const RULES = readFileSync(new URL("../../../../deploy/prometheus/alerts.yaml", import.meta.url), "utf8");
const CONFIG = readFileSync(new URL("../../../../deploy/prometheus/prometheus.yaml", import.meta.url), "utf8");
const DASHBOARD = readFileSync(new URL("../../../../deploy/grafana/stackyard.json", import.meta.url), "utf8");

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

  it("has data for each query of the dashboard", async () => {
    const { run, ...yard } = await startFailedYard();
    const prometheus = await startPrometheus(yard);
    const queries = [...DASHBOARD.matchAll(/"expr": ("(?:[^"\\]|\\.)*")/g)].map(([, text = ""]) =>
      String(JSON.parse(text)).replaceAll("$yard", "main").replaceAll("$__rate_interval", "1m"),
    );
    let sent = 0;
    const findEmpty = async () => {
      // A rate needs what happens between two reads.
      sent += 1;
      await run("send", `pr-${sent}-again`, "OPEN", "--machine", "patient", "--wait");
      const answers = await Promise.all(
        queries.map(async (query) => {
          const answer = await fetch(`${prometheus}/api/v1/query?query=${encodeURIComponent(query)}`);
          return { query, result: ((await answer.json()) as Answer).data?.result ?? [] };
        }),
      );
      return answers.filter(({ result }) => result.length === 0).map(({ query }) => query);
    };

    expect(queries.length).toBeGreaterThan(20);
    await expect.poll(findEmpty, { timeout: 60_000, interval: 1_000 }).toEqual([]);
  });
});

/** What Prometheus reads at one time: by series its value. */
type Scrape = ReadonlyMap<string, number>;

const toSeries = (name: string, labels: string, instance: string) =>
  `${name}{${[labels, `job="${instance.replace(/-\d$/, "")}"`, `instance="${instance}"`, 'yard="main"'].filter(Boolean).join(", ")}}`;

function parseMetrics(text: string, instance: string): readonly (readonly [string, number])[] {
  return [...text.matchAll(/^(stackyard_\w+)(?:\{(.*)\})? (\S+)$/gm)].map(
    ([, name = "", labels = "", value]) => [toSeries(name, labels, instance), Number(value)] as const,
  );
}

async function scrape({ server, worker }: TestYard): Promise<Scrape> {
  const read = async (instance: string, url: string) => {
    const text = await readMetrics(url).catch(() => undefined);
    return [[toSeries("up", "", instance), text === undefined ? 0 : 1] as const, ...parseMetrics(text ?? "", instance)];
  };
  const workers = worker === undefined ? [] : await read("stackyard-worker-1", worker.url);
  return new Map([...(await read("stackyard-server-1", server.url)), ...workers]);
}

/** The gauges of the yard that grow with time, as they are some minutes later. */
async function scrapeAges(yard: TestYard, minutes: number): Promise<Scrape> {
  const later = toExposition(await loadYardMetrics(yard.store, Date.now() + minutes * 60_000));
  return new Map(parseMetrics(later, "stackyard-server-1").filter(([series]) => series.includes("_age_seconds")));
}

const shows = (yard: TestYard, line: string) => expect.poll(() => readMetrics(yard.server.url)).toContain(line);

// The first failure after a start goes unseen where its counter begins to exist with it: supercronic#83, kyverno#6962, strimzi-canary#215,
// aws-node-termination-handler#374, webhookx#348, client_js#63.

/** A fault of a real yard, and every alert that fires when no one repairs it. */
interface Scenario {
  readonly fires: readonly string[];
  readonly hasWorker?: boolean;
  /** Lets the fault happen, and waits until metrics show it. */
  readonly fault: (yard: TestYard) => Promise<unknown>;
}

const SCENARIOS: Readonly<Record<string, Scenario>> = {
  "all is well": {
    fires: [],
    fault: ({ run }) => run("send", "pr-1", "REST", "--machine", "m", "--wait"),
  },
  "the server has ended": {
    fires: ["StackyardDown", "StackyardProcessDown"],
    async fault({ server }) {
      server.interrupt();
      await server.result;
    },
  },
  "the worker has ended": {
    fires: ["StackyardNoWorker", "StackyardProcessDown"],
    async fault(yard) {
      yard.worker?.interrupt();
      await yard.worker?.result;
      await shows(yard, "stackyard_worker_capacity 0\n");
    },
  },
  "the engine fails on an event": {
    fires: ["StackyardEventsWait"],
    async fault(yard) {
      yard.broken.add("commit");
      await yard.run("send", "pr-1", "REST", "--machine", "m");
      await shows(yard, "stackyard_queued_events 1\n");
    },
  },
  "a task finds no worker": {
    hasWorker: false,
    fires: ["StackyardNoWorker", "StackyardTasksWait"],
    async fault(yard) {
      await yard.run("send", "pr-1", "OPEN", "--machine", "m", "--wait");
      await shows(yard, "stackyard_open_attempts 1\n");
    },
  },
  "all tasks of a machine fail": {
    fires: ["StackyardStacksFailed", "StackyardTasksFailOften"],
    async fault(yard) {
      await yard.run("send", "pr-1", "OPEN", "--machine", "m", "--wait");
      await shows(yard, "stackyard_failed_stacks 1\n");
    },
  },
  "a stack has moved on after a failure": {
    fires: ["StackyardStacksStuck", "StackyardTasksFailOften"],
    async fault(yard) {
      await yard.run("send", "pr-1", "OPEN", "--machine", "patient", "--wait");
      await shows(yard, 'stackyard_stacks_in_condition{condition="degraded"} 1\n');
    },
  },
  "an event is dead-lettered": {
    fires: ["StackyardDeadLetters"],
    async fault({ server }) {
      await sendBlindly(server.url, "pr-1");
      await expect.poll(() => readMetrics(server.url)).toMatch(/dead_lettered_events_total [1-9]/);
    },
  },
  "the store refuses reads": {
    fires: ["StackyardRequestsFail"],
    async fault({ run, broken }) {
      broken.add("listStacks");
      await run("stacks", "ls");
      broken.delete("listStacks");
    },
  },
};

const [QUIET_MINUTES, FAULTY_MINUTES] = [10, 30];

/**
 * Returns the series of a yard for promtool, a value each minute: first quiet; then the fault continues, so what it has counted is counted
 * each minute again, and what waits grows older.
 */
async function toInputSeries(yard: TestYard, quiet: Scrape, faulty: Scrape) {
  const minutes = Array.from({ length: FAULTY_MINUTES }, (_, index) => index + 1);
  const ages = await Promise.all(minutes.map((minute) => scrapeAges(yard, minute)));
  return [...new Set([...quiet.keys(), ...faulty.keys()])].map((series) => {
    const [before, after] = [quiet.get(series), faulty.get(series)];
    const isCounter = /_(total|count|sum|bucket)\{/.test(series);
    const grown = (minute: number) =>
      after !== undefined && isCounter ? (before ?? 0) + (after - (before ?? 0)) * minute : after;
    const values = [
      ...Array.from({ length: QUIET_MINUTES }, () => before),
      ...minutes.map((minute, index) => ages[index]?.get(series) ?? grown(minute)),
    ];
    return { series, values: values.map((value) => value ?? "_").join(" ") };
  });
}

describe.skipIf(!hasPrometheus)("the alerts, over what Prometheus reads from a real yard", () => {
  it("each fire in one of the yards", () => {
    const alerts = [...RULES.matchAll(/- alert: (\w+)/g)].map(([, name]) => name);

    expect([...new Set(Object.values(SCENARIOS).flatMap(({ fires }) => fires))].sort()).toEqual(alerts.sort());
  });

  it.each(Object.entries(SCENARIOS))("fire for what happens, and are silent before: %s", async (_, scenario) => {
    const yard = await startYard(scenario);
    const quiet = await scrape(yard);
    await scenario.fault(yard);
    const input_series = await toInputSeries(yard, quiet, await scrape(yard));

    const expr = 'group by (alertname) (ALERTS{alertstate="firing"})';
    const firing = scenario.fires.map((name) => ({ labels: `{alertname="${name}"}`, value: 1 }));
    const [before, after] = [`${QUIET_MINUTES - 1}m`, `${QUIET_MINUTES + FAULTY_MINUTES - 2}m`];
    const promql_expr_test = [
      // A yard without a worker has one alert from the start.
      ...(scenario.hasWorker === false ? [] : [{ expr, eval_time: before, exp_samples: [] }]),
      { expr, eval_time: after, exp_samples: firing },
    ];
    writeFileSync(join(yard.cwd, "alerts.yaml"), RULES);
    const tests = [{ interval: "1m", input_series, promql_expr_test }];
    const file = join(yard.cwd, "test.yaml");
    writeFileSync(file, JSON.stringify({ rule_files: ["alerts.yaml"], evaluation_interval: "1m", tests }));
    const { status, stdout, stderr } = spawnSync("promtool", ["test", "rules", file], { encoding: "utf8" });
    expect([status, stdout + stderr]).toEqual([0, expect.stringContaining("SUCCESS")]);
  });
});
