import type { AwsUse } from "./aws-prices.ts";
import type { EmulatorAddresses } from "./emulators.ts";
import { createRequestLog } from "./request-log.ts";
import { startCountedYard } from "./start-counted-yard.ts";

/** A way to use a yard. */
export interface RequestScenario {
  readonly name: string;
  readonly stacks: number;
  /** Each with one task. */
  readonly states: number;
  readonly runnerHasStore: boolean;
}

/** The AWS requests for it, by both functions and their event source mappings. */
export interface RequestFigures {
  readonly scenario: string;
  readonly transitions: number;
  readonly counts: Readonly<Record<string, number>>;
  readonly use: AwsUse;
  /** What one sweep of a minute used afterwards, with nothing due. */
  readonly sweep: AwsUse;
}

/** Lets stacks go through all their states, from their events to the end. */
export async function countRequests(
  addresses: EmulatorAddresses,
  { name, stacks, states, runnerHasStore }: RequestScenario,
): Promise<RequestFigures> {
  const [work, sweep] = [createRequestLog(), createRequestLog()];
  const yard = await startCountedYard({ addresses, states, runnerHasStore, logs: [work, sweep] });
  try {
    // The cost of opening, once for each instance, does not belong to a transition.
    await yard.host.tick("state-manager");
    await yard.run(["warm-up"]);
    const before = yard.host.invocations.length;
    work.begin();
    await yard.run(Array.from({ length: stacks }, (_, index) => `pr-${index}`));
    work.end(yard.host.invocations.length - before);
    sweep.begin();
    await yard.host.tick("state-manager");
    sweep.end(1);
    const failed = yard.host.invocations.find(({ outcome }) => outcome.kind !== "answered");
    if (failed !== undefined) throw new Error(`An invocation failed: ${JSON.stringify(failed.outcome)}`);
    return {
      scenario: name,
      transitions: stacks * (states + 1),
      counts: Object.fromEntries(work.counts),
      use: work.use,
      sweep: sweep.use,
    };
  } finally {
    await yard.stop();
  }
}
