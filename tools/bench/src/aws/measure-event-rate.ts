import { callFunction, startFunction } from "./call-function.ts";
import { toBatch, toResult, toStart } from "./chain-machine.ts";
import type { FunctionYard, YardStore } from "./function-yard.ts";

/** What one warm instance of the state manager carries. */
export interface EventRateFigures {
  readonly store: YardStore;
  readonly batchSize: number;
  readonly events: number;
  readonly perSecond: number;
  /** Of an invocation, on average. */
  readonly invocationMs: number;
  /** Of the function's own process, for each event. */
  readonly cpuMsPerEvent: number;
}

/** How much is measured. */
export interface EventRatePlan {
  readonly stacks: number;
  readonly rounds: number;
  readonly warmUpRounds: number;
}

/** Calls one instance, one batch after the other, with results that move stacks on. No batch has a stack twice. */
export async function measureEventRate(
  bundle: string,
  yard: FunctionYard,
  { store, batchSize, plan }: { readonly store: YardStore; readonly batchSize: number; readonly plan: EventRatePlan },
): Promise<EventRateFigures> {
  const instance = startFunction(bundle, await yard.createEnvironment(store));
  try {
    const ids = Array.from({ length: plan.stacks }, (_, index) => `pr-${index}`);
    const callAll = async (toEvent: (id: string) => unknown) => {
      const figures = [];
      for (let from = 0; from < ids.length; from += batchSize) {
        figures.push(await callFunction(instance, toBatch(ids.slice(from, from + batchSize).map(toEvent))));
      }
      return figures;
    };
    await callAll(toStart);
    for (let round = 0; round < plan.warmUpRounds; round += 1) await callAll(toResult);
    const calls = [];
    for (let round = 0; round < plan.rounds; round += 1) calls.push(...(await callAll(toResult)));
    const events = plan.rounds * ids.length;
    const wallMs = calls.reduce((sum, call) => sum + call.wallMs, 0);
    const cpuMs = calls.reduce((sum, call) => sum + call.cpuMs, 0);
    return {
      store,
      batchSize,
      events,
      perSecond: (events * 1_000) / wallMs,
      invocationMs: wallMs / calls.length,
      cpuMsPerEvent: cpuMs / events,
    };
  } finally {
    await instance.end();
  }
}
