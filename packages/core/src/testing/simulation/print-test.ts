import type { SimulationRun } from "./run-plan.ts";
import type { SimulationPlan } from "./simulation-plan.ts";

/** Prints a failing run as a test to paste: it passes once the invariant is fulfilled. */
export function printTest({ plan, violations }: SimulationRun): string {
  const [violation] = violations;
  const name = violation === undefined ? "holds all invariants" : `holds ${violation.invariant}`;
  return `import { runPlan } from "@stackyard/core/testing";
import { expect, it } from "vitest";

it(${JSON.stringify(`${name} (seed ${plan.seed})`)}, async () => {
  // ${(violation?.sentence ?? "Nothing was wrong.").replaceAll("\n", " ")}
  const { violations } = await runPlan(${printPlan(plan)});

  expect(violations).toEqual([]);
});
`;
}

/** Prints the plan as a literal: short values are on one line. */
function printPlan(plan: SimulationPlan): string {
  return printValue(plan, "  ");
}

// The width of a line of 120 columns, with a key before and a comma after.
const LINE = 112;

function printValue(value: unknown, indent: string): string {
  const short = printShort(value);
  if (short.length + indent.length <= LINE || typeof value !== "object" || value === null) return short;
  const inner = `${indent}  `;
  if (Array.isArray(value)) {
    return `[\n${value.map((item) => `${inner}${printValue(item, inner)},\n`).join("")}${indent}]`;
  }
  const entries = Object.entries(value).map(([key, item]) => `${inner}${printKey(key)}: ${printValue(item, inner)},\n`);
  return `{\n${entries.join("")}${indent}}`;
}

function printShort(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map(printShort).join(", ")}]`;
  if (typeof value !== "object" || value === null) return JSON.stringify(value);
  const entries = Object.entries(value).map(([key, item]) => `${printKey(key)}: ${printShort(item)}`);
  return entries.length === 0 ? "{}" : `{ ${entries.join(", ")} }`;
}

function printKey(key: string): string {
  return /^[A-Za-z_$][\w$]*$/.test(key) ? key : JSON.stringify(key);
}
