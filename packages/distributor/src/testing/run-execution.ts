import { defined } from "@stackyard/core";
import type { AskedExecution, createFleet } from "./a-fleet.ts";

/** Runs an execution to its end; messages are answered after each step. Returns the last step's result. */
export async function runExecution(
  { handle, clock }: Pick<ReturnType<typeof createFleet>, "handle" | "clock">,
  { name, input }: AskedExecution,
  answer: () => Promise<void>,
): Promise<unknown> {
  let Step: unknown;
  for (let steps = 0; steps < 400; steps += 1) {
    Step = await handle({
      op: "initial-set",
      execution: name,
      input: { ...input, ...defined({ Step }) },
    });
    await answer();
    const { kind, seconds } = Object(Step);
    if (kind !== "wait") return Step;
    await clock.advance(seconds * 1_000);
  }
  throw new Error("The execution does not end.");
}
