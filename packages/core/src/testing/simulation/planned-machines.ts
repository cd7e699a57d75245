import { type Static, Type } from "typebox";
import { defined } from "../../machine/json.ts";
import type { Machine } from "../../machine/machine.ts";
import { parseMachine } from "../../machine/parse-machine.ts";
import {
  defineExecutor,
  type Executor,
  type ExecutorContext,
  failed,
  running,
  type Step,
  succeeded,
} from "../../ports/executor.ts";
import type { LocatedMachine, Locator } from "../../ports/locator.ts";
import { type KeyOf, toAttemptKey } from "./call-keys.ts";
import type { Chance } from "./chance.ts";
import type { StartedCall } from "./invariants/invariant.ts";
import type { Life, Scheduler } from "./scheduler.ts";
import { PLANNED_MACHINE, type PlannedMachine, type PlannedPlugins, type WorkStep } from "./simulation-plan.ts";

/** The revisions of a plan's machine, one of which each process reads as the newest. */
export interface PlannedMachines {
  /** Returns the document that a process reads. */
  read(node: number): LocatedMachine;
  /** Finds a revision by its hash. */
  find(hash: string): Machine | undefined;
  /** Replaces the document of all processes. */
  revise(to: number): void;
  /** Replaces the document of one process. */
  deploy(node: number, to: number): void;
}

/** Compiles all of them. Throws when one does not compile: then the plan is invalid. */
export function createPlannedMachines(machines: readonly PlannedMachine[]): PlannedMachines {
  const located = machines.map(compile);
  const byHash = new Map(located.flatMap((each) => (each.kind === "found" ? [[each.machine.hash, each.machine]] : [])));
  const locate = (to: number): LocatedMachine => located[to] ?? { kind: "unknown" };
  const ofNodes = new Map<number, LocatedMachine>();
  let newest = locate(0);
  return {
    read: (node) => ofNodes.get(node) ?? newest,
    find: (hash) => byHash.get(hash),
    revise(to) {
      ofNodes.clear();
      newest = locate(to);
    },
    deploy: (node, to) => void ofNodes.set(node, locate(to)),
  };
}

/** Creates a locator of one process: each look-up takes its time. */
export function createPlannedLocator(
  machines: PlannedMachines,
  {
    incarnation,
    keyOf,
    scheduler,
  }: { readonly incarnation: Life; readonly keyOf: KeyOf; readonly scheduler: Scheduler },
): Locator {
  return {
    find: (name) =>
      scheduler.enter({
        key: keyOf("find"),
        incarnation,
        describe: () => name,
        act: (): LocatedMachine => (name === PLANNED_MACHINE ? machines.read(incarnation.node) : { kind: "unknown" }),
      }),
    list: async () => [],
  };
}

function compile(document: PlannedMachine): LocatedMachine {
  const source = JSON.stringify(document);
  const { machine, problems } = parseMachine(source, { name: PLANNED_MACHINE, executors: PLANNED_DEFINITIONS });
  if (machine === undefined)
    throw new InvalidPlan(problems.map(({ path, message }) => `${path}: ${message}`).join("\n"));
  return { kind: "found", machine, revision: { name: PLANNED_MACHINE, hash: machine.hash, source }, problems };
}

/** A plan that cannot be run, such as one whose machine does not compile. */
export class InvalidPlan extends Error {
  constructor(reason: string) {
    super(`The plan cannot be run. ${reason}`);
    this.name = "InvalidPlan";
  }
}

/** Dependencies of a process's executors. */
interface PlannedExecutorsDeps {
  readonly incarnation: Life;
  readonly keyOf: KeyOf;
  readonly scheduler: Scheduler;
  readonly chance: Chance;
  /** Numbers the calls for one attempt, over all processes. */
  readonly countCall: (attempt: string) => number;
  readonly plugins: PlannedPlugins;
  /** Hears of each call that begins. */
  readonly noteStarted: (call: StartedCall) => Promise<void>;
}

const Config = Type.Object(
  { key: Type.Optional(Type.String()), limitMs: Type.Optional(Type.Integer({ minimum: 1 })) },
  { additionalProperties: false },
);
/** As of a later version of the plugin: nothing that was sent before fits. */
const StrictConfig = Type.Unsafe<Static<typeof Config>>(
  Type.Object({ ...Config.properties, owner: Type.String() }, { additionalProperties: false }),
);
const Progress = Type.Object({ calls: Type.Integer() });

/** The longest that an attempt of these executors takes, unless its config or its machine sets another limit. */
const LIMIT_MS = 240_000;
// An attempt ends even when its steps do not.
const MAX_CALLS = 6;
// Longer than any deadline.
const HANGING_MS = 900_000;

/** Creates the executors of a process, which follow the plan. */
export function createPlannedExecutors(deps: PlannedExecutorsDeps): ReadonlyMap<string, Executor> {
  const executors = defineExecutors((ctx, exclusiveKey) => callPlanned(deps, ctx, exclusiveKey), deps.plugins);
  const missing = MISSING[deps.plugins];
  return new Map([...executors].filter(([name]) => name !== missing));
}

const MISSING: Readonly<Partial<Record<PlannedPlugins, string>>> = { "no-solo": "solo", "no-work": "work" };

type Call = (ctx: ExecutorContext, exclusiveKey: string | undefined) => Promise<Step<{ calls: number }>>;

/**
 * Defines the executors. `work`: may be suspended and cancelled. `solo`: runs to its end in one process, and requires
 * an exclusive key.
 */
function defineExecutors(call: Call, plugins: PlannedPlugins = "all"): ReadonlyMap<string, Executor> {
  const work = defineExecutor({
    name: "work",
    config: plugins === "strict" ? StrictConfig : Config,
    progress: Progress,
    cancelWithin: "1m",
    timeout: ({ limitMs }) => limitMs ?? LIMIT_MS,
    exclusiveKey: (_subject, { key }) => key,
    start: (ctx, config) => call(ctx, toWorkKey(config)),
    poll: (ctx, config) => call(ctx, toWorkKey(config)),
    cancel: (ctx, config) => call(ctx, toWorkKey(config)),
  });
  const solo = defineExecutor({
    name: "solo",
    config: Config,
    resumable: false,
    cancelWithin: "30s",
    timeout: ({ limitMs }) => limitMs ?? LIMIT_MS,
    exclusiveKey: (subject, { key }) => key ?? `${subject.machine}/${subject.task}`,
    start: async (ctx, { key }) => {
      const step = await call(ctx, `solo:${key ?? `${ctx.machine}/${ctx.task}`}`);
      return step.kind === "running" ? succeeded({}) : step;
    },
  });
  return new Map([work, solo].map((executor) => [executor.name, executor]));
}

function toWorkKey({ key }: Static<typeof Config>): string | undefined {
  return key === undefined ? undefined : `work:${key}`;
}

/** The definitions for compiling machines; must not be called. */
export const PLANNED_DEFINITIONS = defineExecutors(() => Promise.reject(new Error("No process runs this.")));

async function callPlanned(
  deps: PlannedExecutorsDeps,
  ctx: ExecutorContext,
  exclusiveKey: string | undefined,
): Promise<Step<{ calls: number }>> {
  const { scheduler, chance, incarnation, keyOf, countCall } = deps;
  const attempt = toAttemptKey(ctx.attempt.id);
  const calls = countCall(attempt);
  const key = `${attempt}/${calls}`;
  const planned: WorkStep = chance.findWork(key) ?? { answer: "succeed" };
  const point = (what: string, act: () => void | Promise<void> = () => undefined) =>
    scheduler.enter({
      key: keyOf(what, attempt),
      place: "point",
      incarnation,
      describe: () => planned.answer,
      act,
    });
  const { id: attemptId, token } = ctx.attempt;
  const started = { attemptId, token, idempotencyKey: ctx.idempotencyKey, cancelling: ctx.cancelling };
  await point("begin", () => deps.noteStarted({ ...started, ...defined({ exclusiveKey }) }));
  const { takesMs = planned.answer === "hang" ? HANGING_MS : 0, deaf = false } = planned;
  await ctx.clock.sleep(takesMs, deaf ? undefined : ctx.signal);
  await point("end");
  if (ctx.signal.aborted && !deaf) {
    return failed({ code: "WORK_STOPPED", message: "asked to stop", retryable: true });
  }
  return toStep(planned, calls);
}

function toStep({ answer, pollAfterMs = 0 }: WorkStep, calls: number): Step<{ calls: number }> {
  switch (answer) {
    case "succeed":
    case "hang":
      return succeeded({ n: calls });
    case "fail":
      return failed({ code: "WORK_FAILED", message: "failed as planned", retryable: true });
    case "fail-for-good":
      return failed({ code: "WORK_IMPOSSIBLE", message: "failed as planned", retryable: false });
    case "throw":
      throw new Error("threw as planned");
    case "nonsense":
      // As a plugin in plain JavaScript may.
      return JSON.parse('{"kind": "nonsense"}');
    case "go-on":
      return calls >= MAX_CALLS
        ? succeeded({})
        : running({ progress: { calls }, pollAfterMs, message: `call ${calls}` });
    case "follow-up":
      return succeeded({}, { followUp: { inMs: 5_000, config: {} } });
  }
}
