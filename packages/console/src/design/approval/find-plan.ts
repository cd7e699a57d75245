import { isMap } from "@stackyard/core";
import type { Approval, Attempt, HistoryEntry } from "@stackyard/sdk";

/** A change by a plan, by kind. */
export interface PlanChange {
  readonly sign: string;
  readonly word: string;
  readonly count: number;
  /** True if something is lost. */
  readonly isLoss: boolean;
}

/** The plan that an approval is about, as the task that made it reported it. */
export interface ReportedPlan {
  readonly task: string;
  readonly at: string;
  readonly changes: readonly PlanChange[];
  readonly unchanged: boolean;
  readonly replacements: number;
  /** One line each, such as a protected resource that would be lost. */
  readonly problems: readonly string[];
  /** In USD, estimated, of all resources after the plan. */
  readonly monthlyCost: number | undefined;
  readonly unpriced: number;
  readonly summary: string | undefined;
  /** The change of each resource, losses first; empty in plans of earlier versions. */
  readonly resources: readonly PlannedResource[];
  /** Resources that the list does not have. */
  readonly missing: number;
}

/** The change of a resource by a plan. */
export interface PlannedResource {
  readonly sign: string;
  readonly word: string;
  readonly isLoss: boolean;
  readonly address: string;
  /** In USD a month, more than now; undefined where it is not known. */
  readonly difference: number | undefined;
}

const RESOURCE_WORDS: Readonly<Record<string, readonly [string, boolean]>> = {
  destroys: ["−", true],
  replaces: ["±", true],
  forgets: ["·", false],
  changes: ["~", false],
  adds: ["+", false],
  imports: ["↓", false],
  moves: [">", false],
};

const LINE = /^([a-z]+) (.+?)(?: (-?\d+\.\d\d))?$/;

/** Reads the list of a plan's resources. Lines of kinds that are not known are left out. */
function readResources(text: string): readonly PlannedResource[] {
  return text.split("\n").flatMap((line) => {
    const [, word = "", address = "", difference] = LINE.exec(line) ?? [];
    const [sign, isLoss] = Object.hasOwn(RESOURCE_WORDS, word) ? (RESOURCE_WORDS[word] ?? []) : [];
    if (sign === undefined || isLoss === undefined) return [];
    return [{ sign, word, isLoss, address, difference: difference === undefined ? undefined : Number(difference) }];
  });
}

const KINDS = [
  ["destroys", "−", "destroyed", true],
  ["forgets", "·", "forgotten", false],
  ["changes", "~", "changed", false],
  ["adds", "+", "added", false],
  ["moves", ">", "moved", false],
  ["imports", "↓", "imported", false],
] as const;

/** Kinds that are shown also when nothing is of them, so that their absence is seen. */
const ALWAYS: ReadonlySet<string> = new Set(["destroys", "forgets", "changes", "adds"]);

/**
 * Returns the newest plan that a task of the stack has reported. Where the approval repeats the plan's id, only that plan: a
 * later one is not what is approved. `history`: the newest line first.
 */
export function findPlan({ of }: Pick<Approval, "of">, history: readonly HistoryEntry[]): ReportedPlan | undefined {
  for (const { task, at, outputs } of history) {
    if (task === undefined || !isMap(outputs)) continue;
    const isPlan = typeof outputs["adds"] === "number" && typeof outputs["destroys"] === "number";
    const isMeant = of === undefined || typeof outputs["plan"] !== "string" || outputs["plan"] === of;
    if (isPlan && isMeant) return toPlan(task, at, outputs);
  }
  return undefined;
}

function toPlan(task: string, at: string, outputs: Readonly<Record<string, unknown>>): ReportedPlan {
  const countOf = (key: string) => (typeof outputs[key] === "number" ? outputs[key] : 0);
  const textOf = (key: string) => (typeof outputs[key] === "string" ? outputs[key] : undefined);
  const cost = outputs["monthly_cost"];
  return {
    task,
    at,
    changes: KINDS.filter(([key]) => ALWAYS.has(key) || countOf(key) > 0).map(([key, sign, word, isLoss]) => ({
      sign,
      word,
      count: countOf(key),
      isLoss,
    })),
    unchanged: outputs["unchanged"] === true,
    replacements: countOf("replacements"),
    problems: (textOf("problems") ?? "").split("\n").filter((line) => line.trim() !== ""),
    monthlyCost: typeof cost === "number" ? cost : undefined,
    unpriced: countOf("unpriced"),
    summary: textOf("summary"),
    resources: readResources(textOf("resources") ?? ""),
    missing: Number(/(?:^|\n)more (\d+)$/.exec(textOf("resources") ?? "")?.[1] ?? 0),
  };
}

/** Returns the newest attempt of the task that made the plan: its log lists the resources. */
export function findPlanAttempt(
  { task }: Pick<ReportedPlan, "task">,
  attempts: readonly Attempt[],
): string | undefined {
  return attempts.find((attempt) => attempt.task === task && attempt.outcome === "succeeded")?.attemptId;
}
