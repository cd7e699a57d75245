import { type AwsSim, createAwsSim, openSimClients, withContext } from "@stackyard/aws-sim";
import type { ExecutorContext } from "@stackyard/core";
import { parseMachine } from "@stackyard/core/machine";
import { createRandom, createSimulator, type Simulator } from "@stackyard/core/testing";
import { createAsgExecutor } from "@stackyard/executor-asg";
import { addExample, PLACE } from "../../demo/world.ts";

/** The machine in a yard in virtual time, over an account with the example's resources. */
export interface SimulatedYard {
  readonly yard: Simulator;
  readonly sim: AwsSim;
  /** Sends an event and lets time pass until the stack rests in one of these states. Returns that state. */
  send(event: string, metadata: Readonly<Record<string, string>>, resting: readonly string[]): Promise<string>;
}

const STACK = "deploy-test";
const STEP_MS = 1_000;
const MAX_STEPS = 3_600;

/** Creates it. */
export function createSimulatedYard(source: string): SimulatedYard {
  const executor = createAsgExecutor({ random: createRandom(1) });
  const registry = new Map([[executor.name, executor]]);
  const { machine, problems } = parseMachine(source, { name: STACK, executors: registry });
  if (machine === undefined || problems.length > 0) throw new Error(problems.map(({ message }) => message).join("\n"));
  const account: { aws?: ExecutorContext["aws"] } = {};
  const bound = withContext(executor, (ctx) => ({ ...ctx, aws: account.aws ?? ctx.aws }));
  const yard = createSimulator({ machines: [{ machine, source }], executors: [bound] });
  const sim = createAwsSim({ clock: yard.clock });
  addExample(sim);
  account.aws = openSimClients(sim, { ...PLACE, name: "runner" });
  let events = 0;

  async function send(event: string, metadata: Readonly<Record<string, string>>, resting: readonly string[]) {
    events += 1;
    const at = new Date(yard.clock.now()).toISOString();
    const before = (await yard.listHistory(STACK)).length;
    await yard.publish({ id: `event-${events}`, event, stackId: STACK, machine: STACK, at, metadata });
    for (let step = 0; step < MAX_STEPS; step++) {
      await yard.advance(STEP_MS);
      for (let turn = 0; turn < 8; turn++) await yard.settle();
      const history = (await yard.listHistory(STACK)).slice(before);
      const state = (await yard.findStack(STACK))?.state ?? "";
      if (resting.includes(state) && history.some(({ to, from }) => to === state && from !== state)) return state;
    }
    throw new Error(`After ${event} the stack comes to no rest.`);
  }

  return { yard, sim, send };
}
