import { createAwsSim, createSimPlugin, watchSim } from "@stackyard/aws-sim";
import { parseJson, silentLogger, succeeded } from "@stackyard/core";
import { createStaticLocator } from "@stackyard/core/engine";
import { parseMachine } from "@stackyard/core/machine";
import { findKeptState, loadKeptContent } from "@stackyard/core/services";
import { type ActBeside, countingIds, createSimulator, type Simulator, type Sky } from "@stackyard/core/testing";
import { terraformDefinition } from "@stackyard/executor-terraform";
import { createServer } from "@stackyard/server";
import type { HttpAnswer } from "@stackyard/tf-sim";
import { parseLines, runCli } from "../run-cli.ts";
import { createCallCount, runVirtually } from "./virtual-process.ts";

/** The kind of place in which an old workflow has its states. */
export type OldBackend = "s3" | "http";

const YARD = "http://127.0.0.1:7070";
const OLD = "http://states.example";
const BUCKET = "acme-states";
const PLACE = { account: "111122223333", region: "eu-west-1" } as const;
const TOKEN = "a-token-of-the-tests";
const toKey = (stack: string) => `app/${stack}/local/app`;
const STEP_MS = 1_000;
/** The state of an environment that no one adopts. */
const OTHER = "docs.tfstate";

const SOURCE = `version: 2
events: { ADOPTED: {} }
states:
  INIT: { on: { ADOPTED: CHECK } }
  CHECK:
    tasks: [plan]
    on:
      NEXT:
        - { when: tasks.plan.outputs.unchanged, action: advance, state: LIVE }
        - { action: advance, state: DIFFERS }
      FAILED: DIFFERS
  DIFFERS: { on: { ADOPTED: CHECK } }
  LIVE: {}
tasks:
  plan: { executor: terraform, config: { action: plan, source: { type: local, location: app } } }
`;

/** A program with a bug. */
export interface AdoptBugs {
  /** The yard loses the copy after the command has ended. */
  readonly isDropped?: boolean;
  /** The command takes the lock of the old backend. */
  readonly isLocked?: boolean;
}

/** The place of a story. */
export interface AdoptPlace extends AdoptBugs {
  readonly old: OldBackend;
  /** The environments that one command adopts. Default: `shop` alone. */
  readonly stacks?: readonly string[];
  /** The yard has the state of another environment under the key. */
  readonly isTaken?: boolean;
}

/** One run of the command. */
export interface AdoptRun {
  readonly exitCode: number;
  /** The outcome of each stack, by its id; those that the command has not reached are missing. */
  readonly outcomes: Readonly<Record<string, unknown>>;
  /** The reasons of the outcomes, and the error. */
  readonly message: string;
  /** True if a stack is said to be refused, and none to be changed. */
  readonly isRefused: boolean;
}

/** A yard, the backend of an old workflow, and a person who adopts its environments. */
export interface AdoptYard {
  readonly yard: Simulator;
  /** The address of the states, as messages begin with it. */
  readonly from: string;
  /** Runs `stackyard adopt` to its end. */
  adopt(): Promise<AdoptRun>;
  look(stack?: string): Promise<AdoptView>;
}

/** The facts. */
export interface AdoptView {
  /** The state of the stack; nothing if it does not exist. */
  readonly state: string;
  /** True if the yard has the newest state of the old backend. */
  readonly isCopied: boolean;
  /** True if the yard has any state of the stack. */
  readonly isKept: boolean;
  /** The changes of the program in the old backend. */
  readonly changed: readonly string[];
}

/** Returns the state of an environment, as Terraform writes it. */
export function toState(serial: number, lineage = "of-shop"): string {
  const instances = [{ schema_version: 0, attributes: { id: "1" } }];
  const resource = {
    mode: "managed",
    type: "terraform_data",
    name: "app",
    provider: 'provider["terraform.io/builtin/terraform"]',
    instances,
  };
  return JSON.stringify({
    version: 4,
    terraform_version: "1.9.0",
    serial,
    lineage,
    outputs: {},
    resources: [resource],
  });
}

const TAKEN = toState(7, "of-another");

/** Creates the yard and the backend. */
export async function createAdoptYard(sky: Sky, place: AdoptPlace): Promise<AdoptYard> {
  const yard: Simulator = openYard((stack) => findHead(yard, stack));
  const { clock } = yard;
  const calls = createCallCount();
  const old = place.old === "s3" ? openBucket(sky, yard, calls, place) : openHttp(sky, calls);
  const server = createServer(
    {
      store: yard.store,
      locator: createStaticLocator([MACHINE]),
      executors: new Map([["terraform", planner(async () => undefined)]]),
      clock,
      ids: countingIds("s"),
      logger: silentLogger,
      version: "0.0.0-test",
    },
    { port: 0, tokens: [{ name: "ada", token: TOKEN }], console: false },
  );
  if (place.isTaken) {
    const headers = { authorization: `Bearer ${TOKEN}`, "content-type": "application/json" };
    const request = { method: "POST", headers, body: TAKEN };
    await server.app.fetch(new Request(`${YARD}/terraform/state/${toKey("shop")}`, request));
  }
  const ask = async (request: Request): Promise<HttpAnswer & { readonly stream?: Response["body"] }> => {
    const response = await server.app.fetch(request);
    const isStream = response.headers.get("content-type")?.startsWith("text/event-stream") === true;
    if (isStream) return { status: response.status, body: "", stream: response.body };
    return { status: response.status, body: await response.text() };
  };
  const fetch: typeof globalThis.fetch = async (input, init) => {
    const request = new Request(input, init);
    const { pathname } = new URL(request.url);
    const end = toEnd(request.signal);
    await calls.begin();
    if (request.url.startsWith(OLD)) return toResponse(await Promise.race([end, old.answer(request)]));
    const operation = `Yard.${pathname === "/v1/watch" ? "STREAM" : request.method}`;
    const proceed = () => calls.during(() => ask(request.clone()));
    return toResponse(await Promise.race([end, sky.meet(operation, { pathname }, proceed)]));
  };
  sky.under(clock, clock.advance);
  const around = { clock, fetch, s3: old.plugin, environment: old.environment };
  const { stacks = ["shop"] } = place;
  const words = ["adopt", ...stacks, "--machine", "app", "--from", `${old.from}{stack}${old.suffix}`, "--json"];
  const env = { STACKYARD_URL: YARD, STACKYARD_TOKEN: TOKEN };
  return {
    yard,
    from: old.from,
    adopt: () =>
      runVirtually(around, async () => {
        let isOver = false;
        const running = runCli(words, { env }).finally(() => {
          isOver = true;
        });
        for (;;) {
          await calls.rest();
          if (isOver) break;
          await sky.meet("look.worker", {}, () => calls.pass(() => yard.advance(STEP_MS)));
        }
        return toRun(await running);
      }),
    async look(stack = "shop") {
      const kept = place.isDropped ? undefined : await findKept(yard, stack);
      return {
        state: (await yard.findStack(stack))?.state ?? "",
        isCopied: kept === old.newest(stack),
        isKept: kept !== undefined,
        changed: [...old.changed(), ...(place.isTaken && kept !== TAKEN ? ["the state of another environment"] : [])],
      };
    },
  };
}

function toRun({ exitCode, stdout, stderr }: Awaited<ReturnType<typeof runCli>>): AdoptRun {
  const rows = parseLines(stdout);
  const error = Object(Object(parseJson(stderr)).error);
  const said = rows.map(({ outcome }) => String(outcome));
  return {
    exitCode,
    outcomes: Object.fromEntries(rows.map(({ stack, outcome }) => [stack, outcome])),
    message: [...rows.flatMap(({ stack, reason }) => [stack, reason]), error.code, error.message, error.hint]
      .filter((part) => part !== undefined)
      .join(" "),
    isRefused: said.includes("refused") && !said.some((each) => /adopted|stale|unverified|differs/.test(each)),
  };
}

function toEnd(signal: AbortSignal): Promise<never> {
  const end = Promise.withResolvers<never>();
  end.promise.catch(() => undefined);
  signal.addEventListener("abort", () => end.reject(signal.reason));
  return end.promise;
}

function toResponse(answer: unknown): Response {
  const { status, body, stream } = Object(answer);
  return new Response(status === 204 ? null : (stream ?? body), { status });
}

type Load = (stack: string) => Promise<unknown>;

function planner(load: Load) {
  return {
    ...terraformDefinition,
    async start({ stackId }: { readonly stackId: string }) {
      const unchanged = (await load(stackId)) !== undefined;
      return succeeded({ unchanged, summary: unchanged ? "Nothing would change." : "1 to add." });
    },
  };
}

const MACHINE = (() => {
  const executors = new Map([["terraform", planner(async () => undefined)]]);
  const { machine, problems } = parseMachine(SOURCE, { name: "app", executors });
  if (machine === undefined) throw new Error(JSON.stringify(problems));
  return { machine, source: SOURCE };
})();

function openYard(load: Load): Simulator {
  return createSimulator({ machines: [MACHINE], executors: [planner(load)], engines: 1, workers: 1 });
}

/** Finds what the yard says about a state, without its content: that is unpacked in another thread, while virtual time passes. */
function findHead({ store, clock }: Simulator, stack: string): ReturnType<typeof findKeptState> {
  return findKeptState({ records: store.records, clock }, toKey(stack));
}

async function findKept(yard: Simulator, stack: string): Promise<string | undefined> {
  const head = await findHead(yard, stack);
  return head && loadKeptContent({ records: yard.store.records, clock: yard.clock }, head);
}

/** A backend of an old workflow, in which someone may write a newer state. */
interface Old {
  /** The address of a state is this, the stack and the suffix. */
  readonly from: string;
  readonly suffix: string;
  readonly environment: Readonly<Record<string, string>>;
  readonly plugin: ReturnType<typeof createSimPlugin>;
  answer(request: Request): Promise<unknown>;
  /** The newest state that the workflow has written. */
  newest(stack: string): string;
  changed(): readonly string[];
}

type Calls = ReturnType<typeof createCallCount>;

function openBucket(sky: Sky, { clock }: Simulator, calls: Calls, { isLocked = false }: AdoptBugs): Old {
  const sim = createAwsSim({ clock });
  const { accessKeyId, secretAccessKey } = sim.iam.addUser({ account: PLACE.account, name: "ada" });
  sim.s3.createBucket({ ...PLACE, name: BUCKET });
  sim.s3.write(BUCKET, "shop.tfstate", toState(1));
  sim.s3.write(BUCKET, "blog.tfstate", toState(1, "of-blog"));
  sim.s3.write(BUCKET, OTHER, toState(1, "of-docs"));
  const written: string[] = [];
  const newest = new Map<string, string>();
  sim.intercept((request, proceed) => {
    if (!/^(Get|Head|List)/.test(request.operation)) written.push(`${request.operation} of the old bucket`);
    if (isLocked && String(request.input["Key"]).endsWith(".tflock")) sim.s3.write(BUCKET, "shop.tfstate.tflock", "{}");
    return calls.during(proceed);
  });
  watchSim(sim, sky);
  sim.intercept(async (_, proceed) => {
    await calls.begin();
    return proceed();
  });
  return {
    from: `s3://${BUCKET}/`,
    suffix: ".tfstate",
    environment: { AWS_REGION: PLACE.region, AWS_ACCESS_KEY_ID: accessKeyId, AWS_SECRET_ACCESS_KEY: secretAccessKey },
    plugin: createSimPlugin(sim),
    answer: async () => ({ status: 404, body: "" }),
    newest(stack) {
      const text = sim.s3.findObject(BUCKET, `${stack}.tfstate`)?.body.toString() ?? "";
      if (text.startsWith('{"version":4')) newest.set(stack, text);
      return newest.get(stack) ?? toState(1, `of-${stack}`);
    },
    changed: () => [
      ...written,
      ...(sim.s3.findObject(BUCKET, "shop.tfstate.tflock") && isLocked ? ["a lock in the old bucket"] : []),
      ...(sim.s3.findObject(BUCKET, OTHER)?.body.toString() === toState(1, "of-docs") ? [] : ["a state of others"]),
    ],
  };
}

function openHttp(sky: Sky, calls: Calls): Old {
  let text = toState(1);
  const written: string[] = [];
  const sim = createAwsSim({ clock: { now: () => 0, sleep: async () => undefined } });
  const act: ActBeside = async (_, { Body }) => {
    text = String(Body);
  };
  return {
    from: `${OLD}/`,
    suffix: "",
    environment: {},
    plugin: createSimPlugin(sim),
    answer(request) {
      if (request.method !== "GET") written.push(`${request.method} of the old backend`);
      const proceed = () => calls.during(async () => ({ status: 200, body: text }));
      return sky.meet(`Backend.${request.method}`, {}, proceed, act);
    },
    newest: () => text,
    changed: () => written,
  };
}
