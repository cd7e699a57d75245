import { createHmac } from "node:crypto";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type Locator, type Logger, type Records, type ServiceDeps, type Store, silentLogger } from "@stackyard/core";
import type { AccessConfig } from "@stackyard/core/access";
import { createMemoryStore, createStaticLocator } from "@stackyard/core/engine";
import { type ParseMachineOptions, parseMachine } from "@stackyard/core/machine";
import { createKeyedQueue, createSecretReader, createServiceRunner } from "@stackyard/core/services";
import { countingIds, createFakeClock } from "@stackyard/core/testing";
import type { HostsOptions } from "../host-options.ts";
import { createHostsServices } from "../hosts-service.ts";
import { toCommit } from "./builders.ts";

/** The secret of the hosts of test benches. */
export const SECRET = "a-secret-of-the-tests";
/** The secret of Standard Webhooks of test benches. */
export const STANDARD_SECRET = `whsec_${Buffer.from(SECRET).toString("base64")}`;

const DOCUMENT = `host: github
when: "hook.repository.fullName == 'acme/shop' && 'preview' in hook.pull.labels"
machine: preview
stack: "shop-pr-\${hook.pull.number}"
pull:
  open: { send: OPENED, metadata: { sha: "\${hook.pull.head}" } }
  head: { send: PUSHED, metadata: { sha: "\${hook.pull.head}" } }
  closed: { send: CLOSED }
rules:
  seed: { on: pull.labeled, when: "hook.label == 'seed'", send: SEED }
`;

const MACHINE = `version: 2
events: [OPENED, PUSHED, CLOSED, SEED]
revision: follow
states:
  INIT: { on: { OPENED: LIVE } }
  LIVE: { on: { PUSHED: LIVE, SEED: LIVE, CLOSED: GONE } }
  GONE: { terminal: true }
`;

/** Where people reach the yard of a bench. */
const YARD_URL = "https://yard.example.org/";

/** The options of a bench. */
export interface BenchOptions {
  /** The private key of the App, for options with a `key`. */
  readonly appKey?: string;
  readonly options?: HostsOptions;
  readonly document?: string;
  readonly machine?: string;
  readonly access?: AccessConfig;
  readonly logger?: Logger;
  readonly environment?: Readonly<Record<string, string>>;
  /** Reaches the hosts. Default: that of the platform. */
  readonly fetch?: typeof fetch;
}

/** The time of the fake clock of benches. */
export const NOW = createFakeClock().now();

/** The bench of a test. */
export type HostsBench = ReturnType<typeof createHostsBench>;

/** Creates a receiver over a store in memory. No engine claims its events. */
export function createHostsBench({
  options,
  appKey = "",
  document = DOCUMENT,
  machine: source = MACHINE,
  access,
  logger = silentLogger,
  fetch = globalThis.fetch,
  environment = {},
}: BenchOptions = {}) {
  const projectDir = mkdtempSync(join(tmpdir(), "hosts-"));
  mkdirSync(join(projectDir, "hooks"));
  const write = (text: string): void => writeFileSync(join(projectDir, "hooks", "shop.yaml"), text);
  write(document);
  const clock = createFakeClock();
  const store = createMemoryStore();
  let located = toLocator(source);
  const locator: Locator = { find: (name) => located.find(name), list: () => located.list() };
  const given: HostsOptions = options ?? { hosts: { github: { type: "github", secrets: [{ env: "SECRET" }] } } };
  const published: string[] = [];

  /** Starts a process over the store; `toStore` may make it die at one of its calls. `now`: other options. */
  function start(toStore: (own: Store) => Store = (own) => own, now: HostsOptions = given) {
    const counted: Store = {
      ...store,
      async enqueue(events) {
        const added = await store.enqueue(events);
        published.push(...events.filter((_, index) => added[index] !== false).map(({ id }) => id));
        return added;
      },
    };
    const [service, poller, reporter] = createHostsServices(now, { projectDir, url: YARD_URL, environment }, { fetch });
    if (service === undefined || poller === undefined || reporter === undefined)
      throw new Error("The options have no host.");
    const ids = countingIds();
    const yard = { store: toStore(counted), locator, clock, ids, random: () => 1, logger, access };
    const secrets = { SECRET, STANDARD: STANDARD_SECRET, KEY: appKey };
    const readSecret = createSecretReader({
      environment: secrets,
      resolvePath: (path) => path,
      readAwsSecret: async () => "",
    });
    const { deps } = createServiceRunner({ ...yard, readSecret }, [service]);
    return {
      async post(body: string | Uint8Array, headers: Readonly<Record<string, string>> = {}, path = "/hooks/github") {
        const route = service.routes?.find((each) => each.path === path);
        if (route === undefined) throw new Error(`No route has the path ${path}.`);
        const request = { url: new URL(`http://yard${path}`), headers: new Headers(headers), address: undefined };
        return route.answer({ ...request, body: Buffer.from(body), requestId: "r1" }, deps);
      },
      tick: async () => service.tick?.(deps, Number.POSITIVE_INFINITY),
      findDue: async () => service.dueAt?.(deps),
      findPollDue: async () => poller.dueAt?.(deps),
      poll: async () => poller.tick?.(deps, Number.POSITIVE_INFINITY),
      /** Polls the history and the due reports once. */
      report: async () => reporter.tick?.(deps, clock.now()),
    };
  }

  return {
    /** Of the mapping documents. */
    folder: join(projectDir, "hooks"),
    clock,
    store,
    locator,
    published,
    write,
    /** Replaces the machine by another revision; `kept`: one that is stored. */
    install: (revision: string, options: Pick<ParseMachineOptions, "kept"> = {}): void => {
      located = toLocator(revision, options);
    },
    start,
    queue: createKeyedQueue({ records: store.records, clock, random: () => 0 }, "hooks"),
    remove: () => rmSync(projectDir, { recursive: true }),
  };
}

/** Missing: the yard has no machine. */
function toLocator(source: string, options: Pick<ParseMachineOptions, "kept"> = {}): Locator {
  if (source === "") return createStaticLocator([]);
  const { machine, problems } = parseMachine(source, { name: "preview", ...options });
  if (machine !== undefined) return createStaticLocator([{ machine, source }]);
  return { find: async () => ({ kind: "invalid", problems, source }), list: async () => [] };
}

/** Returns the headers with which GitHub would send this body. */
export function signedByGitHub(body: string | Uint8Array, id = "delivery-1", event = "pull_request") {
  return {
    "x-github-event": event,
    "x-github-delivery": id,
    "x-hub-signature-256": `sha256=${createHmac("sha256", SECRET).update(body).digest("hex")}`,
  };
}

/** A test's pull request. */
interface MissedInput {
  readonly action?: string;
  readonly head?: number;
  readonly state?: "open" | "closed";
  readonly label?: string;
  readonly labels?: readonly string[];
  readonly fork?: boolean;
  readonly updatedAt?: number;
}

const repository = { id: 424242, full_name: "acme/shop", html_url: "https://github.com/acme/shop" };

/** Returns a pull request as the API of GitHub returns it. */
function toGitHubPull({ head = 1, state = "open", labels = ["preview"], fork = false, updatedAt = NOW }: MissedInput) {
  return {
    number: 7,
    title: "Add a cart",
    html_url: "https://github.com/acme/shop/pull/7",
    state,
    merged_at: null,
    labels: labels.map((name) => ({ name })),
    user: { id: 583231, login: "octocat" },
    head: { sha: toCommit(head), ref: "cart", repo: fork ? { ...repository, id: 5 } : repository },
    base: { ref: "main", repo: repository },
    updated_at: new Date(updatedAt).toISOString(),
  };
}

/** Returns the body of a delivery about a pull request. */
export function toPullBody(input: MissedInput = {}): string {
  const { action = "opened", label } = input;
  const sender = { id: 583231, login: "octocat", type: "User" };
  const body = { action, pull_request: toGitHubPull(input), repository, sender };
  return JSON.stringify(label === undefined ? body : { ...body, label: { name: label } });
}

/** Dies at a call of the store, before or after it is done: the process does nothing afterwards. */
export function dieAtCall(at: number, when: "before" | "after") {
  let calls = 0;
  const died = new Error("The process has died.");
  const call = async <Result>(work: () => Promise<Result>): Promise<Result> => {
    calls += 1;
    if (calls > at || (calls === at && when === "before")) throw died;
    const result = await work();
    if (calls >= at) throw died;
    return result;
  };
  return {
    /** Returns false when the process ended before that call. */
    hasDied: () => calls >= at,
    toStore(store: Store): Store {
      const { records, queries } = store;
      const dying: Records = {
        get: (...input) => call(() => records.get(...input)),
        put: (input) => call(() => records.put(input)),
        remove: (...input) => call(() => records.remove(...input)),
        list: (...input) => call(() => records.list(...input)),
      };
      const listHistory: ServiceDeps["queries"]["listHistory"] = (...input) =>
        call(() => queries.listHistory(...input));
      return {
        ...store,
        records: dying,
        queries: { ...queries, listHistory },
        load: (ids) => call(() => store.load(ids)),
        enqueue: (events) => call(() => store.enqueue(events)),
      };
    },
  };
}
