import { readFileSync } from "node:fs";
import { join } from "node:path";
import { CloudWatchClient, SetAlarmStateCommand } from "@aws-sdk/client-cloudwatch";
import { createAwsSim, openSimClients, withContext } from "@stackyard/aws-sim";
import { defineExecutor, type Executor, type ExecutorContext, failed, succeeded } from "@stackyard/core";
import type { Sender } from "@stackyard/core/access";
import { publishMessages } from "@stackyard/core/engine";
import { parseMachine } from "@stackyard/core/machine";
import { CALENDAR_FILES } from "@stackyard/core/services";
import { countingIds, createSimulator, type Simulator, settlePromises } from "@stackyard/core/testing";
import promotion from "@stackyard/promotion";
import { Type } from "typebox";

/** The target of the machines. */
const PLACE = { account: "111122223333", region: "eu-west-1" };
const ALARMS = ["shop-staging-errors", "shop-prod-errors"];
const HOME = join(import.meta.dirname, "../..");

const person = (name: string, groups: readonly string[]): Sender => ({ kind: "person", id: name, name, groups });

/** Ada starts releases; Grace approves them; Lin is on call. */
export const PEOPLE = {
  ada: person("ada", ["releasers"]),
  grace: person("grace", ["release-managers"]),
  lin: person("lin", ["oncall"]),
} as const satisfies Readonly<Record<string, Sender>>;

/** The machines of this example in virtual time, with its calendar and a simulated CloudWatch. */
export interface SimulatedYard {
  readonly yard: Simulator;
  /** Stacks whose applications cannot be applied. */
  readonly broken: Set<string>;
  /** Sends an event, by default as Ada. */
  send(stackId: string, event: string, message?: object, sender?: Sender): Promise<void>;
  /** Grace gives the approval for which the release waits. */
  approve(release: string): Promise<void>;
  setAlarm(name: string, state: "OK" | "ALARM"): Promise<void>;
  /** Lets time pass until the stack is in the state; fails after so many hours. */
  until(stackId: string, state: string, hours: number): Promise<void>;
  /** Lets time pass, in which nothing is due, until this instant. */
  skipTo(instant: string): Promise<void>;
  pass(minutes: number): Promise<void>;
  stateOf(stackId: string): Promise<string | undefined>;
  /** The version of each environment and tenant. */
  versionsOf(): Promise<Readonly<Record<string, unknown>>>;
  /** When a stack applied the event of a release, in UTC. */
  arrivedAt(stackId: string): Promise<readonly string[]>;
}

/** Stands for Terraform and for the functions of tenants, which the demo runs. */
const apply = (name: string, broken: ReadonlySet<string>): Executor =>
  defineExecutor({
    name,
    config: Type.Object({}, { additionalProperties: true }),
    async start({ stackId }) {
      const fault = { code: "APPLY_FAILED", message: "The disk is full.", retryable: false };
      return broken.has(stackId) ? failed(fault) : succeeded({});
    },
  });

/** Creates one; it has no stacks. */
export function createSimulatedYard(): SimulatedYard {
  const broken = new Set<string>();
  const world: { aws?: ExecutorContext["aws"] } = {};
  const files = { read: async (name: string) => readFileSync(join(HOME, `calendars/${name}.yaml`), "utf8") };
  const within = (ctx: ExecutorContext): ExecutorContext => ({
    ...ctx,
    aws: (type) => world.aws?.(type) ?? ctx.aws(type),
    service: ((key: never) => (key === CALENDAR_FILES ? files : ctx.service(key))) as ExecutorContext["service"],
  });
  const made = promotion.executors(undefined, {} as never);
  const executors = [...made, apply("terraform", broken), apply("lambda", broken)].map((each) =>
    withContext(each, within),
  );
  const yard = createSimulator({ executors, machines: loadMachines(executors) });
  const sim = createAwsSim({ clock: yard.clock });
  const aws = openSimClients(sim, { ...PLACE, name: "runner" });
  world.aws = aws;
  for (const name of ALARMS) sim.cloudWatch.addAlarm({ ...PLACE, name });
  return {
    ...createActs(yard),
    yard,
    broken,
    async setAlarm(AlarmName, StateValue) {
      await aws(CloudWatchClient).send(new SetAlarmStateCommand({ AlarmName, StateValue, StateReason: "test" }));
    },
  };
}

function loadMachines(executors: readonly Executor[]) {
  const registry = new Map(executors.map((executor) => [executor.name, executor]));
  return ["shop-release", "shop", "tenant"].map((name) => {
    const source = readFileSync(join(HOME, `machines/${name}.yaml`), "utf8");
    const { machine, problems } = parseMachine(source, { name, executors: registry });
    if (machine === undefined) throw new Error(problems.map(({ message }) => message).join("\n"));
    return { machine, source };
  });
}

/** A request to CloudWatch goes through a hundred functions, some of which wait for the event loop. */
const TURNS = 3;
const STEP_MS = 60_000;

function createActs(yard: Simulator): Omit<SimulatedYard, "yard" | "broken" | "setAlarm"> {
  const { store, clock } = yard;
  const ids = countingIds();
  let sent = 0;

  async function settle(): Promise<void> {
    for (let turn = 0; turn < TURNS; turn += 1) await settlePromises();
    await yard.settle();
  }

  async function pass(minutes: number): Promise<void> {
    for (let left = minutes * 60_000; left > 0; left -= STEP_MS) {
      await yard.advance(STEP_MS);
      await settle();
    }
  }

  async function send(stackId: string, event: string, message: object = {}, sender: Sender = PEOPLE.ada) {
    sent += 1;
    const body = { id: `e${sent}`, stackId, event, ...message };
    const [result] = await publishMessages({ store, clock, ids }, [body], { sender });
    if (result?.kind !== "accepted") throw new Error(JSON.stringify(result));
    await settle();
  }

  const stateOf = async (stackId: string) => (await yard.findStack(stackId))?.state;

  return {
    send,
    pass,
    stateOf,
    skipTo: (instant) => yard.advance(Date.parse(instant) - clock.now()),
    async approve(release) {
      const stack = await yard.findStack(release);
      const task = stack?.tasks.find(({ name }) => name === "approve");
      const dispatchId = stack?.runs.find((run) => run.task === "approve")?.attemptId;
      if (task === undefined) throw new Error(`${release} does not wait for an approval.`);
      const message = { task: { name: "approve" }, dispatchId, of: stack?.metadata["plan"] };
      await send(release, "APPROVE_TASK", message, PEOPLE.grace);
    },
    async until(stackId, state, hours) {
      for (let minute = 0; minute < hours * 60; minute += 1) {
        if ((await stateOf(stackId)) === state) return;
        await pass(1);
      }
      throw new Error(`${stackId} is still in ${await stateOf(stackId)} after ${hours} h, not in ${state}.`);
    },
    async versionsOf() {
      const { items } = await store.queries.listStacks({}, { limit: 100, sort: "id" });
      return Object.fromEntries(
        items
          .filter(({ stack }) => stack.machine !== "shop-release")
          .map(({ stack }) => [stack.id, stack.metadata["api"]]),
      );
    },
    async arrivedAt(stackId) {
      const entries = await yard.listHistory(stackId);
      return entries
        .filter(({ event, outcome }) => event === "RELEASED" && outcome === "applied")
        .map(({ at }) => new Date(at).toISOString());
    },
  };
}
