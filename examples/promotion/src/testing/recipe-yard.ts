import { readFileSync } from "node:fs";
import { join } from "node:path";
import { defineExecutor, type Executor, failed, succeeded } from "@stackyard/core";
import { publishMessages } from "@stackyard/core/engine";
import { parseMachine } from "@stackyard/core/machine";
import { countingIds, createSimulator, type Simulator, settlePromises } from "@stackyard/core/testing";
import promotion from "@stackyard/promotion";
import { Type } from "typebox";
import { PEOPLE } from "./simulated-yard.ts";

/** The page whose recipes are tried. */
export const PAGE: string = readFileSync(join(import.meta.dirname, "../../../../docs/promotion-recipes.md"), "utf8");

/** Returns the block of the page below a heading that contains the text. */
export function readRecipe(text: string): string {
  const blocks = [...PAGE.matchAll(/^```\w+(?: fragment)?\n(.*?)^```$/gms)].map(([, block = ""]) => block);
  const found = blocks.filter((block) => block.includes(text));
  const [block] = found;
  if (block === undefined || found.length > 1) throw new Error(`${found.length} blocks of the page have "${text}".`);
  return block;
}

/** What a task did: its stack, and its config with the values of expressions. */
export interface Done {
  readonly stackId: string;
  readonly config: Readonly<Record<string, unknown>>;
}

/** Machines of the page in virtual time. */
export interface RecipeYard {
  readonly yard: Simulator;
  /** What the tasks of environments did, in order. */
  readonly done: Done[];
  /** Environments whose tasks fail. */
  readonly broken: Set<string>;
  /** Sends an event, as Ada, and lets a minute pass. */
  send(stackId: string, event: string, body?: object): Promise<void>;
  /** Grace approves the digest of the release. */
  approve(release: string, digest: unknown): Promise<void>;
  /** Lets minutes pass. */
  pass(minutes: number): Promise<void>;
  stateOf(stackId: string): Promise<string | undefined>;
  metadataOf(stackId: string): Promise<Readonly<Record<string, unknown>>>;
  /** The status and the code of a task. */
  taskOf(release: string, task: string): Promise<string>;
}

/** Stands for executors of environments. A plan has an id by its stack and its number. */
function anExecutor(name: string, { done, broken }: Pick<RecipeYard, "done" | "broken">): Executor {
  return defineExecutor({
    name,
    config: Type.Record(Type.String(), Type.Unknown()),
    outputs: Type.Record(Type.String(), Type.String()),
    async start({ stackId }, config) {
      done.push({ stackId, config });
      if (broken.has(stackId)) return failed({ code: "FAILED", message: "It fails.", retryable: false });
      const count = done.filter((each) => each.stackId === stackId).length;
      return succeeded(config["action"] === "plan" ? { plan: `plan-${stackId}-${count}` } : {});
    },
  });
}

/** A minute passes after each event. */
const STEPS = 30;
const STEP_MS = 2_000;

/** Counts the calls of an executor that have not returned. */
function countCalls(executor: Executor, calls: { open: number }): Executor {
  const { poll, cancel } = executor;
  const count = async <Result>(call: Promise<Result>): Promise<Result> => {
    calls.open += 1;
    return call.finally(() => {
      calls.open -= 1;
    });
  };
  return {
    ...executor,
    start: (ctx, config) => count(executor.start(ctx, config)),
    ...(poll && { poll: (ctx, config, progress) => count(poll(ctx, config, progress)) }),
    ...(cancel && { cancel: (ctx, config, progress) => count(cancel(ctx, config, progress)) }),
  };
}

/** Creates one with these machines, by name. Given executors replace the default ones. */
export function createRecipeYard(
  sources: Readonly<Record<string, string>>,
  given: readonly Executor[] = [],
): RecipeYard {
  const done: Done[] = [];
  const broken = new Set<string>();
  const own = ["terraform", "asg", "lambda"].map((name) => anExecutor(name, { done, broken }));
  const others = own.filter(({ name }) => !given.some((each) => each.name === name));
  const calls = { open: 0 };
  const all = [...promotion.executors(undefined, {} as never), ...others, ...given];
  const executors = all.map((executor) => countCalls(executor, calls));
  const registry = new Map(executors.map((executor) => [executor.name, executor]));
  const machines = Object.entries(sources).map(([name, source]) => {
    const { machine, problems } = parseMachine(source, { name, executors: registry });
    if (machine === undefined) throw new Error(problems.map(({ message }) => message).join("\n"));
    return { machine, source };
  });
  const yard = createSimulator({ executors, machines });
  const ids = countingIds();
  let sent = 0;

  async function publish(body: object, sender: (typeof PEOPLE)[keyof typeof PEOPLE]): Promise<void> {
    sent += 1;
    const [result] = await publishMessages({ ...yard, ids }, [{ id: `e${sent}`, ...body }], { sender });
    if (result?.kind !== "accepted") throw new Error(JSON.stringify(result));
    await pass(1);
  }

  /** What a task needs is loaded when it first does so, however many turns of the event loop that takes. */
  async function pass(minutes: number): Promise<void> {
    for (let step = 0; step < minutes * STEPS; step += 1) {
      await yard.settle();
      do await settlePromises();
      while (calls.open > 0);
      await yard.advance(STEP_MS);
    }
  }

  const find = (stackId: string) => yard.findStack(stackId);
  return {
    yard,
    done,
    broken,
    pass,
    send: (stackId, event, body = {}) => publish({ stackId, event, ...body }, PEOPLE.ada),
    async approve(release, digest) {
      const dispatchId = (await find(release))?.runs.find(({ task }) => task === "approve")?.attemptId;
      const message = { stackId: release, event: "APPROVE_TASK", task: { name: "approve" }, dispatchId, of: digest };
      await publish(message, PEOPLE.grace);
    },
    stateOf: async (stackId) => (await find(stackId))?.state,
    metadataOf: async (stackId) => (await find(stackId))?.metadata ?? {},
    async taskOf(release, task) {
      const found = (await find(release))?.tasks.find(({ name }) => name === task);
      return [found?.status, found?.errorCode].filter(Boolean).join(" ");
    },
  };
}
