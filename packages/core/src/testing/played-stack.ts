import type { EngineOptions } from "../engine/engine.ts";
import { createPlanner, type Planner } from "../engine/plans/planner.ts";
import { failed, type Step, succeeded } from "../ports/executor.ts";
import type { Store } from "../ports/store.ts";
import { countingIds } from "./fake-clock.ts";
import { createTrial, type Trial, type TrialInput } from "./trial.ts";

/** The machine `app` of a played stack. */
export const PLAYED_SOURCE = `
version: 2
events: { OPENED: {}, PUSHED: { metadata: [image] }, MERGED: {} }
metadata:
  password: { type: string, pattern: "^[a-z0-9]{8}$", sensitive: true }
states:
  INIT: { on: { OPENED: BUILD } }
  BUILD: { tasks: [network, db], on: { NEXT: LIVE, FAILED: BROKEN } }
  LIVE: { on: { PUSHED: BUILD, MERGED: CLEAN-UP } }
  BROKEN: { on: { PUSHED: BUILD } }
  CLEAN-UP: { terminal: true, tasks: [remove] }
tasks:
  network: { executor: work, config: {} }
  db: { executor: work, config: {}, needs: [network], retry: { attempts: 3, backoff: { from: 1s, to: 1s } } }
  remove: { executor: work, config: {} }
`;

/** Metadata of a stack that may have the instant at which it closes. */
export const UNTIL = "$" + "{metadata.until}";

/** Returns a document whose stacks live as the text says, and may close. */
export const closingMachine = (live: string, more = "") => `
version: 2
${more}
events: [GO, KEEP, CLOSED]
states:
  INIT: { on: { GO: LIVE } }
  LIVE: ${live}
  GONE: { terminal: true, tasks: [off] }
tasks:
  off: { executor: work, config: {} }
`;

/** The events of a played stack's history. */
export const opened = { id: "e1", stackId: "pr-1", event: "OPENED", machine: "app" };
export const pushed = { id: "e2", stackId: "pr-1", event: "PUSHED", metadata: { image: "a:1", password: "hunter22" } };

/** Plays the stack `pr-1`: it was opened, failed twice at its database, continued, and was pushed to. */
export async function playStack(input: TrialInput = {}): Promise<Trial> {
  let failures = 2;
  const script = ({ task }: { readonly task: string }): Step => {
    if (task !== "db" || failures === 0) return succeeded({});
    failures -= 1;
    return failed({ code: "QUOTA", message: "no room", retryable: true });
  };
  const trial = createTrial({ source: PLAYED_SOURCE, script, ...input });
  await trial.yard.publish(opened);
  await trial.yard.advance(10_000);
  await trial.yard.publish(pushed);
  await trial.yard.advance(10_000);
  return trial;
}

/** Returns the planner of a trial. */
export function planOf(
  { yard, locator, executors }: Trial,
  { engine, ...store }: Partial<Store> & { readonly engine?: EngineOptions } = {},
): Planner {
  return createPlanner({
    store: { ...yard.store, ...store },
    clock: yard.clock,
    ids: countingIds(),
    locator,
    executors,
    engine,
  });
}
