import {
  type Clock,
  defineExecutor,
  type Executor,
  type Locator,
  type Logger,
  type Store,
  silentLogger,
  succeeded,
} from "@stackyard/core";
import {
  createMemoryStore,
  createStaticLocator,
  createUlids,
  publishMessages,
  startYard,
  systemClock,
} from "@stackyard/core/engine";
import { parseMachine } from "@stackyard/core/machine";
import { Type } from "typebox";
import { createServer, type Server } from "../create-server.ts";
import type { ServerDeps, ServerOptions } from "../server-options.ts";

/** The token of test servers. */
export const TOKEN = "a-token-of-the-tests";

/** INIT → UP (one task) → IDLE, from where DOWN removes the stack. */
export const REVIEW_APP = `
version: 1
events: [LAUNCH, DEPLOY, DOWN]
states:
  INIT: { on: { LAUNCH: [{ action: advance, state: UP }] } }
  UP: { tasks: [create], on: { NEXT: [{ action: advance, state: IDLE }] } }
  IDLE: { on: { DEPLOY: [{ action: advance, state: UP }], DOWN: [{ action: advance, state: GONE }] } }
  GONE: { terminal: true }
tasks:
  create: { executor: script, config: {} }
`;

/** A server over a store, with an engine and a worker when `run` is called. */
export interface TestYard {
  readonly store: Store;
  readonly server: Server;
  readonly locator: Locator;
  readonly clock: Clock;
  /** Puts another revision of the machine `review-app` there; it may have errors. */
  write(source: string): void;
  /** Sets the yard's clock forward; the machine's own clock is unchanged. */
  advance(ms: number): void;
  run(): void;
  /** Takes an event as from a queue: its sender gets no answer. */
  receive(message: object): Promise<void>;
  /** Stops the engine and the worker; the server keeps running. */
  halt(): Promise<void>;
  /** Calls the app without a socket, as an operator unless the headers say otherwise. */
  call(path: string, init?: CallInit): Promise<Response>;
  /** Returns the JSON of a call's response. */
  json<Answer>(path: string, init?: CallInit): Promise<Answer>;
  stop(): Promise<void>;
}

export interface CallInit {
  readonly method?: string;
  readonly body?: unknown;
  readonly headers?: Readonly<Record<string, string>>;
}

export interface TestYardOptions extends ServerOptions {
  /** The yard's time passes only by `advance`. Default: false. */
  readonly hasStillClock?: boolean;
  readonly executor?: Executor;
  /** Of the machine `review-app`. Default: `REVIEW_APP`. */
  readonly source?: string;
  readonly logger?: Logger;
  /** Closed with the yard. Default: a memory store. */
  readonly store?: Store;
  /** Further dependencies of the server. */
  readonly deps?: Partial<ServerDeps>;
}

/** Succeeds immediately. */
const obliging = defineExecutor({ name: "script", config: Type.Object({}), start: async () => succeeded({}) });

/** Creates a yard; the task's executor succeeds immediately unless another is given. */
export function createTestYard(options: TestYardOptions = {}): TestYard {
  const {
    executor = obliging,
    source = REVIEW_APP,
    logger = silentLogger,
    deps: more,
    hasStillClock,
    ...rest
  } = options;
  const { store = createMemoryStore(), ...serverOptions } = rest;
  const executors = new Map([["script", executor]]);
  let located = locate(source, executors);
  const locator: Locator = {
    find: (name, options) => located.find(name, options),
    list: () => located.list(),
  };
  let aheadMs = 0;
  const start = systemClock.now();
  const clock: Clock = { ...systemClock, now: () => (hasStillClock ? start : systemClock.now()) + aheadMs };
  const deps = { store, locator, executors, clock, ids: createUlids(), logger };
  const tokens = [{ name: "tester", token: TOKEN }];
  const server = createServer(
    { ...deps, ...more, version: "0.0.0-test" },
    { port: 0, tokens, console: false, ...serverOptions },
  );
  let yard: ReturnType<typeof startYard> | undefined;
  const call: TestYard["call"] = async (path, init) => server.app.fetch(toRequest(path, init));
  return {
    store,
    server,
    locator,
    clock,
    call,
    write(newer) {
      located = locate(newer, executors);
    },
    advance(ms) {
      aheadMs += ms;
    },
    // The tests check what they expect of the JSON.
    json: async <Answer>(path: string, init?: CallInit) => (await (await call(path, init)).json()) as Answer,
    run() {
      yard = startYard(deps, { drainMs: 100, process: { version: "0.0.0-test", host: "blue" } });
    },
    async receive(message) {
      await publishMessages(deps, [message]);
    },
    async halt() {
      await yard?.stop();
      yard = undefined;
    },
    async stop() {
      await server.stop();
      await yard?.stop();
      await store.close();
    },
  };
}

function locate(source: string, executors: ReadonlyMap<string, Executor>): Locator {
  const name = "review-app";
  const { machine, problems } = parseMachine(source, { name, executors });
  if (machine !== undefined) return createStaticLocator([{ machine, source }]);
  const invalid = { kind: "invalid", problems, source } as const;
  return {
    find: async (wanted) => (wanted === name ? invalid : { kind: "unknown" }),
    list: async () => [{ name, origin: "a test", located: invalid }],
  };
}

function toRequest(path: string, { method, body, headers = {} }: CallInit = {}): Request {
  const raw = typeof body === "string" || body instanceof Uint8Array ? Buffer.from(body) : JSON.stringify(body);
  return new Request(`http://127.0.0.1${path}`, {
    method: method ?? (body === undefined ? "GET" : "POST"),
    headers: { authorization: `Bearer ${TOKEN}`, "content-type": "application/json", ...headers },
    ...(body === undefined ? {} : { body: raw }),
  });
}
