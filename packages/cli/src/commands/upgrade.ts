import type { OperationResult, UpgradeResult } from "@stackyard/sdk";
import { Type } from "typebox";
import { readPages } from "../client/read-pages.ts";
import { defineServerCommand, type ServerContext } from "../client/server-command.ts";
import { isHarmless, isPlain, tellPlan, tellPlans, tellUpgraded } from "../client/tell-upgrade.ts";
import { failWith } from "../shell/failure.ts";
import { stackArg } from "./stacks.ts";

const Args = Type.Object({
  stack: Type.Optional(stackArg.stack),
  machine: Type.Optional(
    Type.String({ short: "m", minLength: 1, completes: "machine", description: "All stacks of this machine instead." }),
  ),
  to: Type.Optional(
    Type.String({
      placeholder: "hash",
      pattern: "^[0-9a-f]{4,64}$",
      expected: "the first 4 to 64 digits of a hash: 0 to 9 and a to f",
      description: "The revision's content hash, or its first digits: a kept one or the newest. Default: the newest.",
    }),
  ),
  dryRun: Type.Optional(Type.Boolean({ description: "Change nothing, and show what would be another." })),
  all: Type.Optional(Type.Boolean({ description: "Show every stack of a dry run of many, not only the first 20." })),
  reason: Type.Optional(Type.String({ minLength: 1, maxLength: 4_096, description: "Why; stands in the history." })),
});

/** `stackyard stacks upgrade` */
export const stacksUpgrade = defineServerCommand({
  name: "stacks upgrade",
  summary: "Move stacks to another revision of their machine.",
  description: [
    "A stack of a machine of version 2 keeps the revision that it was created with, unless the machine says `revision: follow`. The upgrade is refused when the stack's state is missing in the new revision, or a running task is.",
    "With --dry-run the stack's history is replayed on the new revision, and each place is shown where it would have gone another way. Of all stacks of a machine it shows a summary and one line a stack: first those that would be refused, then those that would differ. --json has the whole plan of each.",
    "Ends with 1 when an upgrade was or would be refused, or when a dry run has found a difference or could not replay all.",
  ].join("\n"),
  examples: [
    { command: "stackyard stacks upgrade pr-12 --dry-run", what: "What would be another." },
    { command: "stackyard stacks upgrade pr-12", what: "Move it to the newest revision." },
    {
      command: "stackyard stacks upgrade --machine review-app --dry-run",
      what: "A summary of all stacks of the machine, and 20 of them.",
    },
    { command: "stackyard stacks upgrade --machine review-app", what: "Move all stacks of the machine." },
  ],
  args: Args,
  positionals: ["stack"],
  async run(context, { stack, machine, dryRun = false, all = false, ...options }) {
    if (all && (!dryRun || machine === undefined)) {
      throw failWith("USAGE", "--all is for a dry run of all stacks of a machine: --machine NAME --dry-run --all.");
    }
    if (stack !== undefined && machine === undefined) {
      return dryRun ? planOne(context, stack, options) : upgradeOne(context, stack, options);
    }
    if (stack === undefined && machine !== undefined) {
      return dryRun ? planAll(context, machine, { ...options, all }) : upgradeAll(context, machine, options);
    }
    throw failWith("USAGE", "Name a stack, or a machine with --machine; not both.");
  },
});

interface Options {
  readonly to?: string | undefined;
  readonly reason?: string | undefined;
}

async function planOne(context: ServerContext, stack: string, { to }: Options): Promise<number> {
  const { out, yard, signal } = context;
  const plan = await yard.stacks.planUpgrade(stack, { signal, ...(to === undefined ? {} : { to }) });
  out.result(plan, () => tellPlan(plan, out));
  return isPlain(plan) ? 0 : 1;
}

async function upgradeOne({ out, yard, signal }: ServerContext, stack: string, options: Options): Promise<number> {
  const result: OperationResult = await yard.stacks.upgrade(stack, { signal, ...toGiven(options) });
  out.result(result, () => {
    if (result.outcome !== "waiting") return `${stack} has the new revision.`;
    return `${stack}: accepted, not decided yet. \`stackyard stacks history ${stack}\` will tell.`;
  });
  return 0;
}

const SHOWN = 20;

async function planAll(
  context: ServerContext,
  machine: string,
  { all, ...options }: Options & { readonly all: boolean },
): Promise<number> {
  const { out, yard, signal } = context;
  const results: UpgradeResult[] = [];
  const load = (page: { readonly cursor?: string }) => {
    return yard.machines.planUpgrades(machine, { ...toGiven(options), signal, ...toCursor(page) });
  };
  for await (const items of readPages(load, { out })) {
    results.push(...items);
    if (out.json) for (const result of items) out.result(result, () => "");
    else out.progress({}, () => `${results.length} stacks were replayed …`);
  }
  printPlans(out, results, { machine, all });
  return results.every(isHarmless) ? 0 : 1;
}

function printPlans(
  out: ServerContext["out"],
  results: readonly UpgradeResult[],
  { machine, all }: { readonly machine: string; readonly all: boolean },
): void {
  if (results.length === 0) {
    out.note(`The machine "${machine}" has no stacks.`);
    return;
  }
  if (out.json) return;
  out.text(tellPlans(results, { out, most: all ? results.length : SHOWN }));
  if (!all && results.length > SHOWN) out.note("--all shows every stack, --json the whole plan of each.");
}

async function upgradeAll({ out, yard, signal }: ServerContext, machine: string, options: Options): Promise<number> {
  const counts = new Map<UpgradeResult["outcome"], number>();
  const load = (page: { readonly cursor?: string }) => {
    return yard.machines.upgradeStacks(machine, { ...toGiven(options), signal, ...toCursor(page) });
  };
  for await (const items of readPages(load, { out })) {
    for (const result of items) {
      counts.set(result.outcome, (counts.get(result.outcome) ?? 0) + 1);
      out.result(result, () => tellUpgraded(result, out));
    }
  }
  const told = [...counts].map(([outcome, count]) => `${count} ${outcome}`).join(", ");
  out.note(told === "" ? `The machine "${machine}" has no stacks.` : `${told}.`);
  return counts.has("refused") ? 1 : 0;
}

function toCursor({ cursor }: { readonly cursor?: string }) {
  return cursor === undefined ? {} : { cursor };
}

function toGiven({ to, reason }: Options) {
  return { ...(to === undefined ? {} : { to }), ...(reason === undefined ? {} : { reason }) };
}
