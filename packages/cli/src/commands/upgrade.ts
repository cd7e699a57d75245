import type { OperationResult, UpgradePlan, UpgradeResult } from "@stackyard/sdk";
import { Type } from "typebox";
import { readPages } from "../client/read-pages.ts";
import { defineServerCommand, type ServerContext } from "../client/server-command.ts";
import { tellPlan, tellUpgraded } from "../client/tell-upgrade.ts";
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
      pattern: "^[0-9a-f]{64}$",
      expected: "a whole hash: 64 digits and letters from a to f",
      description: "The revision's content hash: a kept one or the newest. Default: the newest.",
    }),
  ),
  dryRun: Type.Optional(Type.Boolean({ description: "Change nothing, and show what would be another." })),
  reason: Type.Optional(Type.String({ minLength: 1, maxLength: 4_096, description: "Why; stands in the history." })),
});

/** `stackyard stacks upgrade` */
export const stacksUpgrade = defineServerCommand({
  name: "stacks upgrade",
  summary: "Move stacks to another revision of their machine.",
  description: [
    "A stack of a machine of version 2 keeps the revision that it was created with, unless the machine says `revision: follow`. The upgrade is refused when the stack's state is missing in the new revision, or a running task is.",
    "With --dry-run the stack's history is replayed on the new revision, and each place is shown where it would have gone another way.",
    "Ends with 1 when an upgrade was or would be refused, or when a dry run has found a difference or could not replay all.",
  ].join("\n"),
  examples: [
    { command: "stackyard stacks upgrade pr-12 --dry-run", what: "What would be another." },
    { command: "stackyard stacks upgrade pr-12", what: "Move it to the newest revision." },
    { command: "stackyard stacks upgrade --machine review-app", what: "All stacks of the machine." },
  ],
  args: Args,
  positionals: ["stack"],
  async run(context, { stack, machine, dryRun = false, ...options }) {
    if (stack !== undefined && machine === undefined) {
      return dryRun ? planOne(context, stack, options) : upgradeOne(context, stack, options);
    }
    if (stack === undefined && machine !== undefined) return upgradeAll(context, machine, { ...options, dryRun });
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

async function upgradeAll(
  { out, yard, signal }: ServerContext,
  machine: string,
  { dryRun, ...options }: Options & { readonly dryRun: boolean },
): Promise<number> {
  const { machines } = yard;
  const given = toGiven(options);
  const counts = new Map<UpgradeResult["outcome"], number>();
  let worst = 0;
  const load = (page: { readonly cursor?: string }) => {
    const input = { ...given, signal, ...(page.cursor === undefined ? {} : { cursor: page.cursor }) };
    return dryRun ? machines.planUpgrades(machine, input) : machines.upgradeStacks(machine, input);
  };
  for await (const items of readPages(load)) {
    for (const result of items) {
      counts.set(result.outcome, (counts.get(result.outcome) ?? 0) + 1);
      if (result.outcome === "refused" || (result.plan !== undefined && !isPlain(result.plan))) worst = 1;
      out.result(result, () => (result.plan === undefined ? tellUpgraded(result, out) : tellPlan(result.plan, out)));
    }
  }
  const told = [...counts].map(([outcome, count]) => `${count} ${outcome}`).join(", ");
  out.note(told === "" ? `There is no stack of "${machine}".` : dryRun ? `Nothing was changed. ${told}.` : `${told}.`);
  return worst;
}

function toGiven({ to, reason }: Options) {
  return { ...(to === undefined ? {} : { to }), ...(reason === undefined ? {} : { reason }) };
}

/** True when the upgrade would be accepted, and the history says that nothing would be another. */
function isPlain({ outcome, differences, end, incomplete }: UpgradePlan): boolean {
  return outcome === "applied" && differences.length === 0 && end.length === 0 && incomplete === undefined;
}
