import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import {
  type Clock,
  type Locator,
  type PluginService,
  type SecretReference,
  type Store,
  silentLogger,
} from "@stackyard/core";
import { createStaticLocator, createUlids, startYard, systemClock } from "@stackyard/core/engine";
import { parseMachine } from "@stackyard/core/machine";
import { createServiceRunner } from "@stackyard/core/services";
import { createFakeClock } from "@stackyard/core/testing";
import { APP_ID, APP_KEY, type HostSim, startHostSim } from "@stackyard/host-sim";
import hosts from "@stackyard/hosts";
import { createServer } from "@stackyard/server";
import { withFolder, withStore } from "./bench-store.ts";
import { measurePlans, type PlansResult } from "./measure-plans.ts";
import { publish, type ReportOptions, type Table, toMachineLine } from "./report.ts";

const SHOP = "acme/shop";
const SECRET = "a-secret-of-the-benchmark";
const MAPPING = `host: github
when: "'preview' in hook.pull.labels"
machine: preview
stack: "shop-pr-\${hook.pull.number}"
pull:
  open: { send: OPENED, metadata: { sha: "\${hook.pull.head}" } }
  head: { send: PUSHED, metadata: { sha: "\${hook.pull.head}" } }
  closed: { send: CLOSED }
`;
const MACHINE = `version: 2
events: [OPENED, PUSHED, CLOSED]
states:
  INIT: { on: { OPENED: LIVE } }
  LIVE: { on: { PUSHED: LIVE, CLOSED: GONE } }
  GONE: { terminal: true }
`;
const DELIVERIES_MS = 10_000;
const ROUND_MS = 300_000;
const MINUTE_MS = 60_000;
/** Everything that was delivered must be published by then. */
const PATIENCE_MS = 120_000;

/** Measures what deliveries of many open pull requests cost, and how much is written to the code host. */
export async function runPreviews(options: ReportOptions): Promise<void> {
  const toCount = (full: number) => Math.round(options.quick ? full / 10 : full);
  const [pulls, count] = [toCount(1_000), toCount(500)];
  const receipt = await withStore("sqlite", (store) => measureReceipt(store, { pulls, count }));
  const reports = await withStore("memory", (store) => measureReports(store, pulls));
  const plans = await measurePlans(options.quick ? 3 : 20);
  publish(options, {
    section: "previews",
    command: "--previews",
    machine: toMachineLine(),
    tables: [toTable(receipt, reports), ...(plans === undefined ? [] : [toPlansTable(plans)])],
    figures: { receipt, reports, plans: plans ?? null },
  });
}

interface Yard {
  readonly github: HostSim;
  readonly services: readonly PluginService[];
  readonly locator: Locator;
  readonly readSecret: (reference: SecretReference) => Promise<string>;
}

/**
 * Returns a simulated GitHub with open pull requests that no delivery has announced, and the services that a yard has
 * for it.
 */
async function withYard<Result>(
  { pulls, clock }: { readonly pulls: number; readonly clock: Pick<Clock, "now"> },
  work: (yard: Yard) => Promise<Result>,
): Promise<Result> {
  const github = await startHostSim({ secret: SECRET, now: () => clock.now() });
  github.addRepository(SHOP);
  // GitHub says that these deliveries arrived.
  github.settings.deliveryFault = "vanish";
  for (let pull = 1; pull <= pulls; pull++) await github.openPull(SHOP, { head: toCommit(pull) });
  github.settings.deliveryFault = undefined;
  try {
    return await withFolder(async (projectDir) => {
      await mkdir(join(projectDir, "hooks"));
      await writeFile(join(projectDir, "hooks", "shop.yaml"), MAPPING);
      const host = {
        type: "github",
        appId: APP_ID,
        key: { env: "KEY" },
        secrets: [{ env: "SECRET" }],
        url: github.url,
      };
      const context = { projectDir, dataDir: projectDir, environment: {} };
      const services = hosts.services?.({ hosts: { github: host } }, context) ?? [];
      const { machine } = parseMachine(MACHINE, { name: "preview" });
      const locator = createStaticLocator(machine === undefined ? [] : [{ machine, source: MACHINE }]);
      const readSecret = async (reference: SecretReference) =>
        "env" in reference && reference.env === "KEY" ? APP_KEY : SECRET;
      return work({ github, services, locator, readSecret });
    });
  } finally {
    await github.stop();
  }
}

const toCommit = (number: number): string => number.toString(16).padStart(40, "0");

interface Receipt {
  readonly deliveries: number;
  /** Events that were not published. */
  readonly lost: number;
  /** Of the receiver's answers, over HTTP. */
  readonly p50Ms: number;
  readonly p99Ms: number;
  /** The longest time from a delivery to its event in the store. */
  readonly publishedMs: number;
}

/** Deliveries at a steady rate, while the server also reports to the same pull requests. GitHub and the server share a process. */
async function measureReceipt(store: Store, { pulls, count }: Record<"pulls" | "count", number>): Promise<Receipt> {
  // The second event of a stack is that of the push.
  const publishedAt = new Map<string, number[]>();
  const noted: Store = {
    ...store,
    async enqueue(events) {
      const added = await store.enqueue(events);
      for (const { stackId } of events) {
        publishedAt.set(stackId, [...(publishedAt.get(stackId) ?? []), performance.now()]);
      }
      return added;
    },
  };
  return withYard({ pulls, clock: systemClock }, async ({ github, services, locator, readSecret }) => {
    const ports = { store: noted, locator, executors: new Map(), clock: systemClock, ids: createUlids() };
    const base = { ...ports, logger: silentLogger };
    const server = createServer(
      { ...base, version: "0.0.0", services, readSecret },
      { host: "127.0.0.1", port: 0, allowAnonymous: true },
    );
    const yard = startYard(base, { roles: ["engine"], process: { version: "0.0.0", host: "bench" } });
    const { url } = await server.start();
    try {
      await waitUntil(() => publishedAt.size >= pulls);
      const latencies: number[] = [];
      github.settings.receiver = async ({ headers, body }) => {
        const startedAt = performance.now();
        const { status } = await fetch(`${url}/hooks/github`, { method: "POST", headers, body });
        latencies.push(performance.now() - startedAt);
        return status;
      };
      const sentAt = await sendPushes(github, count);
      const listDelays = (): readonly number[] =>
        [...sentAt].flatMap(([stackId, at]) => (publishedAt.get(stackId) ?? []).slice(1, 2).map((later) => later - at));
      await waitUntil(() => listDelays().length === count).catch(() => undefined);
      const found = listDelays();
      const sorted = latencies.sort((one, other) => one - other);
      const at = (share: number) => Math.round(sorted[Math.floor(sorted.length * share)] ?? 0);
      const publishedMs = Math.round(Math.max(0, ...found));
      return { deliveries: count, lost: count - found.length, p50Ms: at(0.5), p99Ms: at(0.99), publishedMs };
    } finally {
      await yard.stop();
      await server.stop();
    }
  });
}

/** Pushes to one pull request after the other, and returns when each began. */
async function sendPushes(github: HostSim, count: number): Promise<ReadonlyMap<string, number>> {
  const sentAt = new Map<string, number>();
  const sent: Promise<void>[] = [];
  const startedAt = performance.now();
  for (let index = 0; index < count; index++) {
    await systemClock.sleep(startedAt + (index * DELIVERIES_MS) / count - performance.now());
    sentAt.set(`shop-pr-${index + 1}`, performance.now());
    sent.push(github.push(SHOP, index + 1, toCommit(100_000 + index)));
  }
  await Promise.all(sent);
  return sentAt;
}

async function waitUntil(isDone: () => boolean): Promise<void> {
  const end = performance.now() + PATIENCE_MS;
  while (!isDone()) {
    if (performance.now() > end) throw new Error("The yard has not done its work in two minutes.");
    await systemClock.sleep(20);
  }
}

interface Reports {
  /** Requests of the comparison of all open pull requests, every five minutes. */
  readonly convergeRequests: number;
  /** The most comments in a minute. */
  readonly commentsAMinute: number;
  readonly minutes: number;
}

/** Reports to all pull requests in virtual time. */
async function measureReports(store: Store, pulls: number): Promise<Reports> {
  const clock = createFakeClock();
  return withYard({ pulls, clock }, async ({ github, services, locator, readSecret }) => {
    const comments: number[] = [];
    github.settings.requestFault = (method, path) => {
      if (method !== "GET" && /\/comments(\/\d+)?$/.test(path)) comments.push(clock.now());
      return undefined;
    };
    const base = { store, locator, clock, ids: createUlids(), logger: silentLogger };
    const yard = startYard(
      { ...base, executors: new Map() },
      { roles: ["engine"], process: { version: "0.0.0", host: "bench" } },
    );
    const { deps } = createServiceRunner({ ...base, random: () => 1, readSecret }, services);
    const tick = async (name: string, until = Number.POSITIVE_INFINITY) =>
      services.find((service) => service.name === name)?.tick?.(deps, until);
    // The follower begins with the newest line.
    await tick("hosts-reports", clock.now());
    await tick("hosts-poll");
    const pass = async (ms: number) => {
      for (let passed = 0; passed < ms; passed += 1_000) {
        await tick("hosts");
        await clock.advance(1_000);
        await tick("hosts-reports", clock.now());
      }
    };
    await pass(ROUND_MS);
    const asked = github.requests.length;
    await tick("hosts-poll");
    // The list of deliveries is read each minute, and grows with the number of deliveries.
    const requests = github.requests.slice(asked).filter((request) => !request.includes("/app/hook/"));
    const convergeRequests = requests.length;
    await pass(ROUND_MS);
    const stopped = yard.stop();
    await clock.advance(MINUTE_MS);
    await stopped;
    const inMinute = comments.map((from) => comments.filter((at) => at >= from && at < from + MINUTE_MS).length);
    return { convergeRequests, commentsAMinute: Math.max(0, ...inMinute), minutes: (2 * ROUND_MS) / MINUTE_MS };
  });
}

function toPlansTable({ plans, bareP50Ms, taskP50Ms }: PlansResult): Table {
  return {
    title: `${plans} Terraform plans of 20 resources`,
    head: ["what", "measured", "budget"],
    rows: [
      ["init and plan by Terraform alone, p50 ms", String(bareP50Ms), ""],
      ["a task that saves a plan, p50 ms", String(taskP50Ms), ""],
      ["above Terraform alone, ms", String(taskP50Ms - bareP50Ms), "300"],
    ],
  };
}

function toTable(receipt: Receipt, reports: Reports): Table {
  const { deliveries, lost, p50Ms, p99Ms, publishedMs } = receipt;
  return {
    title: `${deliveries} deliveries in ${DELIVERIES_MS / 1_000} s, and reports in ${reports.minutes} virtual minutes`,
    head: ["what", "measured", "budget"],
    rows: [
      ["deliveries lost", String(lost), "0"],
      ["answer of the receiver, p50 ms", String(p50Ms), ""],
      ["answer of the receiver, p99 ms", String(p99Ms), "250"],
      ["from the delivery to the event, at most ms", String(publishedMs), "5000"],
      ["comments in a minute, at most", String(reports.commentsAMinute), "60"],
      ["requests to compare all pull requests", String(reports.convergeRequests), "12"],
    ],
  };
}
