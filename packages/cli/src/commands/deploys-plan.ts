import { fieldOf, getDeployPlan } from "@stackyard/core/api/operations";
import type { DeployPlan, PlannedStack } from "@stackyard/sdk";
import { Type } from "typebox";
import { type Painter, toAge } from "../output.ts";
import { defineServerCommand, readPages } from "../server/connection.ts";
import { serverNow } from "../server/server-clock.ts";
import { formatItems } from "./print-list.ts";

/** `stackyard deploys plan` */
export const deploysPlan = defineServerCommand({
  name: "deploys plan",
  summary: "Show what a release would do with each stack, as its approval is about it.",
  description:
    "A task with op: plan makes the plan, and an approval repeats its digest. Of each stack: from which values to which, what its machine would run, the keys that the plan shows, and events that are parked for it. A stack that has changed since gets nothing: plan again. Plans are kept for 90 days. Stacks that you may not read are left out.",
  examples: {
    "stackyard deploys plan shop-1.42.0 plan": "Show the last plan that the task plan has made.",
    "stackyard deploys plan shop-1.42.0 tenants --json":
      "Print the plan that the task tenants follows, as one JSON object.",
  },
  args: Type.Object({
    release: fieldOf(getDeployPlan, "stackId", { completes: "stack", description: "The release: a stack's id." }),
    task: fieldOf(getDeployPlan, "plan", {
      description: "The task that plans, a task that is planned, or the digest of a plan.",
    }),
  }),
  positionals: ["release", "task"],
  async run({ out, yard, signal }, { release, task }) {
    const plan = await yard.deploys.plan(release, task, { signal });
    const stacks: PlannedStack[] = [];
    // The same plan on every page, also when another is made meanwhile.
    const load = (page: object) => yard.deploys.planStacks(release, plan.digest, { ...page, signal });
    for await (const item of readPages(load, { out, limit: Number.POSITIVE_INFINITY })) stacks.push(...item);
    out.result({ release, plan, stacks }, () => formatPlan(plan, stacks, out));
  },
});

/** The words for one stack, and for several. */
const WORDS: Readonly<Record<PlannedStack["does"], readonly [string, string]>> = {
  move: ["moves", "move"],
  create: ["is created", "are created"],
  same: ["stays as it is", "stay as they are"],
  moving: ["did not rest in time", "did not rest in time"],
  fails: ["would fail", "would fail"],
};
const ORDER = ["fails", "moving", "create", "move", "same"] as const;

function formatPlan(plan: DeployPlan, stacks: readonly PlannedStack[], out: Painter) {
  const now = serverNow();
  const lines = formatPlanTotals(plan, out, now);
  if (stacks.length === 0) return lines.join("\n");
  return [...lines, "", formatItems(stacks, { columns: COLUMNS, toRow }, { out, now })].join("\n");
}

/** Formats what a plan would do as a whole, as lines. */
export function formatPlanTotals(
  { digest, madeAt, counts, runs, changed, hidden }: DeployPlan,
  out: Painter,
  now: number,
): readonly string[] {
  const present = ORDER.filter((each) => counts[each] > 0);
  const what = present
    .map((each) => out.paint(COLORS[each], `${counts[each]} ${WORDS[each][counts[each] === 1 ? 0 : 1]}`))
    .join(", ");
  const stale = `${changed} changed since, and would get nothing (PLAN_STALE). Plan again.`;
  return [
    `${what || "No stacks"}; ${runs} ${runs === 1 ? "task" : "tasks"} would run.`,
    `Digest ${digest}, made ${toAge(madeAt, now)} ago.`,
    ...(changed > 0 ? [out.paint("red", stale)] : []),
    ...(hidden > 0 ? [`${hidden} more that you may not read.`] : []),
  ];
}

const COLUMNS = ["STACK", "TASK", "WAVE", "DOES", "FROM → TO", "RUNS", "THEN", "SHOWS", "NOTE"];
const COLORS: Readonly<Record<PlannedStack["does"], "red" | "cyan" | "green" | "yellow" | "dim">> = {
  move: "cyan",
  create: "green",
  same: "dim",
  moving: "yellow",
  fails: "red",
};

function toRow(stack: PlannedStack, out: Painter): readonly string[] {
  const { stackId, task, wave, does, from, to, tasks, end, whole, show } = stack;
  const then = whole ? (end ?? "removed") : `up to ${end ?? "there"}`;
  return [
    out.paint("bold", stackId),
    task,
    wave,
    out.paint(COLORS[does], does),
    formatMove(from, to),
    tasks.join(" ") || "–",
    does === "moving" || does === "fails" ? "–" : then,
    Object.entries(show).map(formatPair).join(" ") || "–",
    formatNotes(stack) || "–",
  ];
}

function formatMove(from: PlannedStack["from"], to: PlannedStack["to"]): string {
  return Object.entries(to)
    .map(([key, value]) => {
      const before = from[key] ?? null;
      return before === value ? formatPair([key, value]) : `${key}=${toText(before)} → ${toText(value)}`;
    })
    .join(" ");
}

function formatPair([key, value]: readonly [string, unknown]): string {
  return `${key}=${toText(value)}`;
}

function toText(value: unknown): string {
  return value === null || value === undefined ? "none" : String(value);
}

function formatNotes({ code, changed, parked }: PlannedStack): string {
  const events = parked.map(({ event }) => event).join(", ");
  return [code, changed ? "changed since" : undefined, events === "" ? undefined : `parked: ${events}`]
    .filter((part) => part !== undefined)
    .join("; ");
}
