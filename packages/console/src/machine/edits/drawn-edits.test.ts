import { describe, expect, it } from "vitest";
import type { Plan } from "./operation.ts";
import { planEdit } from "./plan-edit.ts";
import { drawEdit } from "./testing/try-edits.ts";

/** The edit that is drawn from a seed, with its changes as they are written, and those of what is offered instead. */
function describeEdit(seed: number): string {
  const drawn = drawEdit(seed);
  if (drawn === undefined) return `${seed} nothing to edit`;
  const plan = planEdit(drawn.text, drawn.operation);
  const offers = "refusal" in plan ? plan.refusal.offers : [];
  const offered = offers.map(({ operation }) => planEdit(drawn.text, operation));
  return [`${seed} ${JSON.stringify(drawn.operation)}`, ...[plan, ...offered].map(toLine)].join("\n");
}

function toLine(plan: Plan): string {
  return `  ${JSON.stringify("refusal" in plan ? plan.refusal : plan.changes)}`;
}

const PART = 50;

// The property says that an edit does what it shall; this says how it is written. Mutation runs use it too: the property
// takes too long to repeat for each mutant, and accepts refusals. Review a changed file like code.
describe("the changes of drawn edits", () => {
  it.each([0, 50, 100, 150, 200, 250, 300, 350, 400, 450])("stay as they are from seed %i on", async (first) => {
    const edits = Array.from({ length: PART }, (_, index) => describeEdit(first + index));

    await expect(`${edits.join("\n")}\n`).toMatchFileSnapshot(`testing/drawn-edits-${first}.txt`);
  });
});
