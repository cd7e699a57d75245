import { type Store, silentLogger } from "@stackyard/core";
import { createAuditWriter, type Grant, type Sender } from "@stackyard/core/access";
import { createMemoryStore, createStaticLocator, createUlids, systemClock } from "@stackyard/core/engine";
import { createServer } from "@stackyard/server";
import { createPostgresStore } from "@stackyard/store-postgres";
import { measureAuditCosts, sealAll, toAuditTable } from "./aws/audit-costs.ts";
import { answerMessage, startMessage } from "./bench-machine.ts";
import { withStore } from "./bench-store.ts";
import { publish, type ReportOptions, type Table, toMachineLine } from "./report.ts";
import { startBenchPostgres } from "./side-by-side/bench-postgres.ts";
import { median, quantile } from "./side-by-side/statistics.ts";
import { createDrain, publishEvents } from "./transitions.ts";

const ids = createUlids();
const deps = { clock: systemClock, ids, logger: silentLogger };

/** Measures what access control costs: a request, a commit that writes an audit line, sealing, and a page of a list. */
export async function runAccess(options: ReportOptions): Promise<void> {
  const scale = options.quick ? 0.1 : 1;
  const toCount = (full: number) => Math.round(full * scale);
  const requests = await measureRequests(toCount(20_000));
  const stores = [
    await withStore("sqlite", (store) => measureStore("sqlite", store, toCount)),
    await withPostgres((store) => measureStore("postgres", store, toCount)),
  ];
  const dynamodb = await measureAuditCosts(toCount(1_000), { plain: token, audited: person });
  publish(options, {
    section: "access",
    command: "--access",
    machine: toMachineLine(),
    tables: [toRequestTable(requests), toStoreTable(stores), toAuditTable(dynamodb)],
    figures: { requests, stores, dynamodb },
  });
}

interface RequestResult {
  readonly what: string;
  readonly p50Us: number;
  readonly p99Us: number;
  /** Calls of the store's records during the measured requests. */
  readonly recordReads: number;
}

const TOKEN = "a-token-of-the-benchmark-0123456789";
const GRANTS = 100;

/**
 * Returns the same route behind each identity, in turn, so that both meet the same machine. The remembered identity
 * lasts 5 s.
 */
async function measureRequests(count: number): Promise<readonly RequestResult[]> {
  const store = createMemoryStore();
  const reads = { count: 0 };
  const records: Store["records"] = {
    ...store.records,
    get(...input) {
      reads.count += 1;
      return store.records.get(...input);
    },
  };
  const grants: Grant[] = Array.from({ length: GRANTS }, (_, index) => ({
    to: { token: "bench" },
    role: "viewer",
    machines: [`machine-${index}`],
    stacks: [`web-${index}-`],
  }));
  const locator = createStaticLocator([]);
  const base = { ...deps, store: { ...store, records }, locator, executors: new Map(), version: "0.0.0" };
  const tokens = [{ name: "bench", token: TOKEN }];
  const contenders = [
    { what: "no grants, one token", server: createServer(base, { tokens }) },
    { what: `${GRANTS} grants of the token`, server: createServer(base, { tokens, access: { grants } }) },
  ];
  const times = contenders.map((): number[] => []);
  for (let round = -count / 10; round < count; round += 1) {
    if (round === 0) reads.count = 0;
    for (const [index, { server }] of contenders.entries()) {
      const request = new Request("http://127.0.0.1:7070/v1/machines", {
        headers: { authorization: `Bearer ${TOKEN}` },
      });
      const startedAt = performance.now();
      const { status } = await server.app.fetch(request);
      const ms = performance.now() - startedAt;
      if (status !== 200) throw new Error(`GET /v1/machines answered ${status}.`);
      if (round >= 0) times[index]?.push(ms);
    }
  }
  return contenders.map(({ what }, index) => {
    const at = (share: number) => Math.round(quantile(times[index] ?? [], share) * 1_000);
    return { what, p50Us: at(0.5), p99Us: at(0.99), recordReads: reads.count };
  });
}

interface StoreResult {
  readonly store: string;
  /** Microseconds of a commit of an event without and with an audit line, and the second by the first. */
  readonly plainUs: number;
  readonly auditedUs: number;
  readonly ratio: number;
  readonly sealedPerSecond: number;
  /** Milliseconds of a page of 100 among 10,000 stacks, filtered by scopes and sorted by `-enteredAt`: the median of nine. */
  readonly pageMs: number;
}

type ToCount = (full: number) => number;

async function measureStore(name: string, store: Store, toCount: ToCount): Promise<StoreResult> {
  const commits = await measureCommits(store, toCount(5_000));
  const sealedPerSecond = await measureSealing(store, toCount(10_000));
  const pageMs = await measurePage(store, toCount(10_000));
  return { store: name, ...commits, sealedPerSecond, pageMs };
}

const token: Sender = { kind: "token", id: "token bench", name: "bench", groups: [] };
const person: Sender = { kind: "person", id: "https://id.example.org ada", name: "ada", groups: ["team-web"] };
const ROUNDS = 5;

/** Alternates between a sender whose events write no line and one whose events do; the best round of each counts. */
async function measureCommits(store: Store, transitions: number) {
  const drain = createDrain(store);
  const stackIds = Array.from({ length: 1_000 }, (_, index) => `commit-${index}`);
  await publishEvents(store, stackIds.map(startMessage), token);
  await drain(64);
  const best = { plain: Number.POSITIVE_INFINITY, audited: Number.POSITIVE_INFINITY };
  for (let round = 0; round < ROUNDS; round += 1) {
    for (const [kind, sender] of [["plain", token] as const, ["audited", person] as const]) {
      const subjects = Array.from({ length: transitions }, (_, index) => stackIds[index % stackIds.length] ?? "");
      await publishEvents(store, subjects.map(answerMessage), sender);
      const startedAt = performance.now();
      await drain(64);
      best[kind] = Math.min(best[kind], performance.now() - startedAt);
    }
  }
  const toUs = (ms: number) => Math.round((ms / transitions) * 1_000);
  const ratio = Number((best.audited / best.plain).toFixed(2));
  return { plainUs: toUs(best.plain), auditedUs: toUs(best.audited), ratio };
}

async function measureSealing(store: Store, lines: number): Promise<number> {
  const writer = createAuditWriter({ ...deps, records: store.records });
  for (let line = 0; line < lines; line += 1) {
    await writer.write({
      action: "startJob",
      outcome: "done",
      who: person,
      via: "api",
      on: { stackId: `web-${line}` },
    });
  }
  const startedAt = performance.now();
  const sealed = await sealAll(store);
  return Math.round((sealed / (performance.now() - startedAt)) * 1_000);
}

const PAGES = 9;

async function measurePage(store: Store, stacks: number): Promise<number> {
  const stackIds = Array.from({ length: stacks }, (_, index) => `web-${index % 10}-${index}`);
  await publishEvents(store, stackIds.map(startMessage), token);
  await createDrain(store)(256);
  const filter = { scopes: [{ idPrefixes: ["web-1", "web-7"] }, { machines: ["bench"], idPrefixes: ["web-3"] }] };
  const times: number[] = [];
  for (let page = 0; page < PAGES; page += 1) {
    const startedAt = performance.now();
    await store.queries.listStacks(filter, { sort: "-enteredAt", limit: 100 });
    times.push(performance.now() - startedAt);
  }
  return Math.round(median(times));
}

async function withPostgres<Result>(work: (store: Store) => Promise<Result>): Promise<Result> {
  const server = await startBenchPostgres();
  try {
    const store = await createPostgresStore({ connection: await server.createDatabase("access") });
    try {
      return await work(store);
    } finally {
      await store.close();
    }
  } finally {
    await server.stop();
  }
}

function toRequestTable(rows: readonly RequestResult[]): Table {
  return {
    title: "A whole request of `GET /v1/machines`, without the socket: checks, authorization, answer",
    head: ["identity", "p50 µs", "p99 µs", "reads of the store"],
    rows: rows.map(({ what, p50Us, p99Us, recordReads }) => [what, String(p50Us), String(p99Us), String(recordReads)]),
  };
}

function toStoreTable(rows: readonly StoreResult[]): Table {
  return {
    title: "Commits of events, 64 at a time; sealed lines; a page of 100 of 10,000 stacks, limited to scopes",
    head: ["store", "µs without a line", "µs with a line", "ratio", "sealed a second", "page ms"],
    rows: rows.map((row) => [
      row.store,
      ...[row.plainUs, row.auditedUs, row.ratio, row.sealedPerSecond, row.pageMs].map(String),
    ]),
  };
}
