import { defined } from "@stackyard/core";
import type { AskedExecution, createFleet } from "./a-fleet.ts";

/** Works on an execution to its end, while what is sent is answered after each step. Gives the last step's answer. */
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
