import { defined, isStackyardError, nameAll, optionalFlag, StackyardError, toShellCommand } from "@stackyard/core";
import { fieldOf, listDeployStacks, listDeploys } from "@stackyard/core/api/operations";
import type { Deploy, DeployPlan, DeployStack, ReleaseVersions, Stackyard } from "@stackyard/sdk";
import { Type } from "typebox";
import { type Painter, toAge } from "../output.ts";
import { defineServerCommand, readPages } from "../server/connection.ts";
import { serverNow } from "../server/server-clock.ts";
import { formatPlanTotals } from "./deploys-plan.ts";
import { formatVersions } from "./deploys-versions.ts";
import { formatItems } from "./print-list.ts";

/** `stackyard deploys show` */
export const deploysShow = defineServerCommand({
  name: "deploys show",
  summary: "Show how far the tasks of a release have deployed: waves, stacks, and why some wait or failed.",
  description: "Kept for 90 days after the last change. Stacks that you may not read are left out.",
  examples: {
    "stackyard deploys show shop-1.42.0":
      "Show the waves of each task, the versions with their commits, and what the plans would do as a whole.",
    "stackyard deploys show shop-1.42.0 tenants --failed": "List the stacks of a task that have failed.",
  },
  args: Type.Object({
    release: fieldOf(listDeploys, "stackId", { completes: "stack", description: "The release: a stack's id." }),
    task: Type.Optional(
      fieldOf(listDeployStacks, "task", { description: "List the stacks of this task. Default: all its waves." }),
    ),
    failed: optionalFlag("With a task: only stacks that have failed."),
  }),
  positionals: ["release", "task"],
  async run({ out, yard, signal }, { release, task, failed }) {
    if (task === undefined && failed === true) {
      throw new StackyardError("USAGE", "--failed lists stacks of a task, and no task is named.", {
        details: { hint: `Name one: ${toShellCommand`stackyard deploys show ${release} TASK --failed`}` },
      });
    }
    if (task === undefined) {
      const deploys = await yard.deploys.list(release, { signal, trouble: true });
      const [plans, found] = await Promise.all([
        loadPlans(yard, release, signal),
        yard.deploys.versions(release, { signal }),
      ]);
      const shown = { release, deploys, plans, ...found };
      out.result(shown, () => formatDeploys(shown, out));
      return;
    }
    const state = failed === true ? ("failed" as const) : undefined;
    const stacks: DeployStack[] = [];
    const load = (page: object) => yard.deploys.stacks(release, task, { ...page, signal, ...defined({ state }) });
    for await (const item of readPages(load, { out, limit: Number.POSITIVE_INFINITY })) stacks.push(...item);
    out.result({ release, task, stacks }, () => formatStacks(task, stacks, out));
  },
});

interface Shown extends ReleaseVersions {
  readonly release: string;
  readonly deploys: readonly Deploy[];
  readonly plans: readonly DeployPlan[];
}

/** Loads the last plan of each task that has planned or was planned. One that has expired is left out. */
async function loadPlans(
  yard: Pick<Stackyard, "stacks" | "deploys">,
  release: string,
  signal: AbortSignal,
): Promise<readonly DeployPlan[]> {
  const { attempts } = await yard.stacks.get(release, { signal });
  const tasks = new Set(attempts.filter(({ executor }) => executor === "deploy").map(({ task }) => task));
  const plans = new Map<string, DeployPlan>();
  for (const task of tasks) {
    try {
      const plan = await yard.deploys.plan(release, task, { signal });
      plans.set(plan.digest, plan);
    } catch (error) {
      if (!isStackyardError(error, "NOT_FOUND")) throw error;
    }
  }
  return [...plans.values()];
}

function formatDeploys({ release, deploys, plans, ...versions }: Shown, out: Painter): string {
  const now = serverNow();
  const totals = plans.flatMap((plan) => [
    "",
    `The plan of ${plan.tasks.map(({ task }) => task).join(", ")}:`,
    ...formatPlanTotals(plan, out, now),
  ]);
  return [formatWaves(release, deploys, out), ...formatVersions(versions), ...totals].join("\n");
}

function formatWaves(release: string, deploys: readonly Deploy[], out: Painter): string {
  if (deploys.length === 0) return `No task of ${release} has deployed anything yet.`;
  const rows = deploys.flatMap((deploy) => deploy.waves.map((wave, index) => ({ deploy, wave, index })));
  const columns = [
    "TASK",
    "WAVE",
    "STACKS",
    "DONE",
    "UNCHANGED",
    "ON ITS WAY",
    "WAITING",
    "FAILED",
    "MAY FAIL",
    "SKIPPED",
    "NOT SENT",
    "UNDONE",
  ];
  const toRow = ({ deploy, wave: { name, stacks, counts, maxFailures }, index }: (typeof rows)[number]) => [
    index === 0 ? out.paint("bold", deploy.task) : "",
    name,
    String(stacks),
    String(counts.done),
    String(counts.unchanged),
    String(counts.sent),
    String(counts.waiting),
    counts.failed > 0 ? out.paint("red", String(counts.failed)) : "0",
    maxFailures === undefined ? "–" : String(maxFailures),
    String(counts.skipped),
    String(counts.unsent),
    String(counts.undone),
  ];
  const approvals = deploys.flatMap(({ task, plan, approval }) => {
    if (plan === undefined || plan === "") return [];
    const how = approval?.settled ? "passed by hand by" : "approved by";
    const who = approval && `${how} ${nameAll(approval.by)} at ${approval.at}`;
    return [`${task} follows the plan ${plan.slice(0, 12)}, ${who ?? "which no one has approved"}.`];
  });
  const unseen = deploys.flatMap(({ task, unseen: more }) =>
    more === undefined
      ? []
      : [`${task}: ${more} more stacks fit and are not seen by the grant of the release's machine.`],
  );
  const stops = deploys.flatMap(({ task, stop }) => (stop === undefined ? [] : [`${task}: ${stop.message}`]));
  const table = formatItems(rows, { columns, toRow }, { out, now: serverNow() });
  const notes = [...approvals, ...unseen, ...stops, ...deploys.flatMap(formatTrouble)];
  return [table, ...(notes.length === 0 ? [] : ["", ...notes])].join("\n");
}

/** Returns what is wrong now where a task had arrived, and how long it soaks: nothing while nothing is. */
export function formatTrouble({ task, trouble = [], soaksUntil }: Deploy): readonly string[] {
  const counts = trouble.map(({ code, stacks }) => `${code} ${stacks}`).join(", ");
  return [
    ...(trouble.length === 0 ? [] : [`${task}: not as it had arrived any more: ${counts}.`]),
    ...(soaksUntil === undefined ? [] : [`${task} soaks until ${soaksUntil}.`]),
  ];
}

const COLORS: Readonly<Record<DeployStack["state"], "red" | "cyan" | "green" | "yellow" | "dim">> = {
  failed: "red",
  sent: "cyan",
  done: "green",
  unchanged: "green",
  waiting: "yellow",
  skipped: "dim",
  unsent: "dim",
  undone: "dim",
};

function formatStacks(task: string, stacks: readonly DeployStack[], out: Painter): string {
  if (stacks.length === 0) return `No stack of ${task} is shown.`;
  const columns = ["STACK", "WAVE", "STATE", "SINCE", "TRIES", "FROM", "WHY"];
  const toRow = (stack: DeployStack, _: Painter, now: number) => [
    out.paint("bold", stack.stackId),
    stack.wave,
    out.paint(COLORS[stack.state], stack.state),
    toAge(stack.since, now),
    String(stack.tries),
    formatValues(stack.from),
    [stack.code, stack.message].filter((part) => part !== undefined).join(": ") || "–",
  ];
  return formatItems(stacks, { columns, toRow }, { out, now: serverNow() });
}

function formatValues(values: DeployStack["from"]): string {
  if (values === undefined) return "–";
  return Object.entries(values)
    .map(([key, value]) => `${key}=${value === null ? "none" : String(value)}`)
    .join(" ");
}
