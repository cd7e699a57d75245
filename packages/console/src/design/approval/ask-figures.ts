import type { DeployPlan, PlannedStack, ReleaseVersions } from "@stackyard/sdk";
import { countDestroyed } from "../release/count-destroyed.ts";
import { countMoved } from "../release/count-moved.ts";
import type { ReportedPlan } from "./find-plan.ts";

/** One thing that an approval would let happen, in figures. */
export interface Figure {
  readonly text: string;
  /** Something is lost, or costs more. */
  readonly tone?: "fail" | "warn";
}

/** Returns what a plan of a release does: how many stacks and tasks, and what is destroyed. */
export function toReleaseFigures(
  plan: Pick<DeployPlan, "counts" | "runs">,
  stacks: readonly Pick<PlannedStack, "changes">[],
  isWhole: boolean,
): readonly Figure[] {
  const moved = countMoved(plan);
  const losses = formatLosses(stacks, isWhole);
  return [
    { text: `${count(moved, "stack")} ${moved === 1 ? "moves" : "move"}` },
    ...(plan.counts.create === 0 ? [] : [{ text: `${plan.counts.create.toLocaleString("en")} of them new` }]),
    { text: `${count(plan.runs, "task")} ${plan.runs === 1 ? "runs" : "run"}` },
    ...(losses === undefined ? [] : [{ text: losses.replace(/\.$/, ""), tone: "fail" as const }]),
  ];
}

/** Returns how many resources the plans of these stacks destroy; undefined where none is known to. */
export function formatLosses(stacks: readonly Pick<PlannedStack, "changes">[], isWhole: boolean): string | undefined {
  const destroyed = countDestroyed(stacks);
  if (destroyed === 0) return undefined;
  return `${isWhole ? "" : "At least "}${count(destroyed, "resource")} ${destroyed === 1 ? "is" : "are"} destroyed.`;
}

/** Returns what a plan of Terraform does: what is added, changed and lost, and what that costs more a month. */
export function toPlanFigures(plan: ReportedPlan): readonly Figure[] {
  if (plan.unchanged) return [{ text: "Nothing would change" }];
  const countOf = (word: string) => plan.changes.find((change) => change.word === word)?.count ?? 0;
  const [added, changed, lost] = [countOf("added"), countOf("changed"), countOf("destroyed")];
  const [first, ...others] = plan.resources.filter(({ isLoss }) => isLoss);
  const more = lost > 1 && others.length > 0 ? " and others" : "";
  const name = first === undefined ? "" : `: ${first.address}${more}`;
  return [
    { text: `${added.toLocaleString("en")} to add, ${changed.toLocaleString("en")} to change` },
    ...(lost === 0 ? [] : [{ text: `${lost.toLocaleString("en")} to destroy${name}`, tone: "fail" as const }]),
    ...(plan.problems.length === 0 ? [] : [{ text: count(plan.problems.length, "problem"), tone: "fail" as const }]),
    ...toCost(plan),
  ];
}

function toCost(plan: ReportedPlan): readonly Figure[] {
  const difference = findDifference(plan);
  if (difference !== undefined) {
    const text = `${formatDifference(difference)} USD a month`;
    return [difference > 0 ? { text, tone: "warn" } : { text }];
  }
  return plan.monthlyCost === undefined ? [] : [{ text: `${plan.monthlyCost.toFixed(2)} USD a month, then` }];
}

/** Returns what a plan costs more a month, in USD; undefined where no difference is known. */
export function findDifference({ resources }: Pick<ReportedPlan, "resources">): number | undefined {
  const known = resources.flatMap(({ difference }) => difference ?? []);
  const difference = known.reduce((sum, each) => sum + each, 0);
  return known.length === 0 || Math.abs(difference) < 0.005 ? undefined : difference;
}

/** Formats a difference with its sign. */
export function formatDifference(difference: number): string {
  return `${difference > 0 ? "+" : "−"}${Math.abs(difference).toFixed(2)}`;
}

/** Returns which versions come: `api 1.42.0 → 1.43.0, web 3.8.1 → 3.9.0`. */
export function formatVersions({ versions, more }: ReleaseVersions): string {
  const shown = [...Map.groupBy(versions, ({ key }) => key).values()].map(([first]) =>
    first === undefined ? "" : `${first.key} ${shorten(first.from)} → ${shorten(first.to)}`,
  );
  return [...shown.slice(0, MOST_VERSIONS), ...(shown.length > MOST_VERSIONS || more > 0 ? ["others"] : [])].join(", ");
}

const MOST_VERSIONS = 3;

/** Of a commit only so much as people read. */
function shorten(value: unknown): string {
  return String(value ?? "none").replace(/^([0-9a-f]{9})[0-9a-f]{31,}$/, "$1");
}

function count(number: number, word: string): string {
  return `${number.toLocaleString("en")} ${number === 1 ? word : `${word}s`}`;
}
