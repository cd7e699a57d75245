import type { AwsAccess } from "../../engine/attempts/executor-context.ts";
import { parseMachine } from "../../machine/parse-machine.ts";
import { type Executor, failed, succeeded } from "../../ports/executor.ts";
import type { FakeClock } from "../fake-clock.ts";
import { createSimulator, type Simulator } from "../simulator.ts";
import type { Ending, Sky, Story } from "./story.ts";
import { watchStoreOf } from "./watch-store-of.ts";

/** The simulated services of one task, and the executor that works on them. */
export interface TaskBench {
  /** The clock of the simulated services; the yard has the same. */
  readonly clock: FakeClock;
  readonly executor: Executor;
  /** The config of the task. */
  readonly config: object;
  readonly aws?: AwsAccess["client"];
  /** Asks the simulated services what became of the work. */
  judge(end: TaskEnd): Promise<Omit<Ending, "verdict" | "said">>;
}

/** The yard's answer about the task. */
export interface TaskEnd {
  /** `LIVE` or `BROKEN`. */
  readonly state: string;
  /** The code of its last failure, or nothing. */
  readonly code: string;
  /** When it ended. */
  readonly endedAt: number;
}

/** A story of one task of a machine, by an engine and a worker. */
export interface TaskStoryInput extends Pick<Story, "name" | "repeatable" | "decisions" | "reported"> {
  /** Creates fresh simulated services, whose calls pass through the sky. */
  create(sky: Sky): Promise<TaskBench>;
  /** The codes of failures which say that the end of the work is unknown. */
  readonly unknown?: readonly string[];
  /** The timeout of the task. Default: `24h`. */
  readonly timeout?: string;
  /**
   * The looks after which a person cancels the task. A cancelled task has no code and its verdict is `failed`: `judge`
   * asks the simulation alone, and names in `left` what still works. Default: never.
   */
  readonly cancelAfterLooks?: number;
  /** What an executor says that does nothing, and must be found out. Default: that the work has succeeded. */
  readonly lie?: "succeeded" | "failed";
}

const TARGET = '{ account: "111122223333", region: eu-west-1 }';
const LOOK_EVERY_MS = 10_000;
const MAX_LOOKS = 8_640;
const FAIR_MS = 2 * 3_600_000;

/** Creates the story of a task that a machine tries three times within a day. */
export function taskStory({
  create,
  unknown = [],
  timeout = "24h",
  cancelAfterLooks = Number.POSITIVE_INFINITY,
  lie = "succeeded",
  ...story
}: TaskStoryInput): Story {
  const toPlay = (create: TaskStoryInput["create"]): Story["play"] => {
    return async (sky) => {
      const bench = await create(sky);
      const yard = createTaskYard(bench, { timeout, sky });
      // The worker of the yard sleeps while only the clock advances.
      sky.under(bench.clock, bench.clock.advance, yard.findWorking);
      await yard.publish({ id: "e1", stackId: "web", machine: "web", event: "GO" });
      await yard.settle();
      const state = await lookUntilEnd(yard, sky, cancelAfterLooks);
      const endedAt = bench.clock.now();
      await sky.clear();
      await yard.advance(FAIR_MS);
      const history = JSON.stringify(await yard.listHistory("web"));
      const code = [...history.matchAll(/"code":"([A-Z_]+)"/g)].at(-1)?.[1] ?? "";
      const verdict = state === "LIVE" ? "succeeded" : unknown.includes(code) ? "unknown" : "failed";
      return { verdict, said: `${state} ${code}`.trim(), ...(await bench.judge({ state, code, endedAt })) };
    };
  };
  const createLying: TaskStoryInput["create"] = async (sky) => {
    const bench = await create(sky);
    return { ...bench, executor: toLiar(bench.executor, lie) };
  };
  const bug = `the executor does nothing, and says that it has ${lie}`;
  return { ...story, play: toPlay(create), planted: [{ bug, invariant: "true", play: toPlay(createLying) }] };
}

function toLiar(executor: Executor, lie: "succeeded" | "failed"): Executor {
  const refusal = failed({ code: "REFUSED", message: "It was refused.", retryable: false });
  // Its outputs would not be those that the executor declares.
  const { outputs: _, ...declared } = executor;
  return { ...declared, start: async () => (lie === "succeeded" ? succeeded({}) : refusal) };
}

function createTaskYard(
  { executor, config, aws, clock }: TaskBench,
  { timeout, sky }: { readonly timeout: string; readonly sky: Sky },
): Simulator {
  const source = `
version: 2
events: { GO: {} }
targets: { here: ${TARGET} }
states:
  INIT: { on: { GO: WORK } }
  WORK: { tasks: [work], on: { NEXT: LIVE, FAILED: BROKEN } }
  LIVE: {}
  BROKEN: {}
tasks:
  work:
    executor: ${executor.name}
    target: here
    config: ${JSON.stringify(config)}
    retry: { attempts: 3 }
    timeout: ${timeout}
`;
  const { machine, problems } = parseMachine(source, { name: "web", executors: new Map([[executor.name, executor]]) });
  if (machine === undefined) throw new Error(JSON.stringify(problems));
  const credentials = () => Promise.reject(new Error("The story has no credentials."));
  return createSimulator({
    machines: [{ machine, source }],
    executors: [executor],
    engines: 1,
    workers: 1,
    clock,
    wrapStore: (store) => watchStoreOf(store, sky),
    ...(aws !== undefined && { aws: { client: aws, credentials } }),
  });
}

async function lookUntilEnd(yard: Simulator, sky: Sky, cancelAfterLooks: number): Promise<string> {
  for (let looks = 0; looks < MAX_LOOKS; looks += 1) {
    const state = (await yard.findStack("web"))?.state ?? "";
    if (state === "LIVE" || state === "BROKEN") return state;
    if (looks === cancelAfterLooks)
      await yard.publish({ id: "c1", stackId: "web", event: "CANCEL_TASK", task: { name: "work" } });
    await sky.meet("look.worker", {}, () => yard.advance(LOOK_EVERY_MS));
  }
  throw new Error("The stack is still in the state WORK after a day.");
}
