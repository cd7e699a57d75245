import { rename, rm, writeFile } from "node:fs/promises";
import { resolve } from "node:path";
import {
  defineCommand,
  defined,
  formatPlannedEvent,
  optionalFlag,
  optionalText,
  type PageStart,
  toShellCommand,
} from "@stackyard/core";
import { digestOfPlans } from "@stackyard/core/engine";
import { upgradeMachine } from "@stackyard/core/machine";
import type { OperationAnswer, UpgradePlan, UpgradeResult } from "@stackyard/sdk";
import { formatTable } from "@stackyard/sdk/commands";
import { Type } from "typebox";
import type { CommandContext } from "../command.ts";
import { failWith, formatProblems } from "../failure.ts";
import type { Painter } from "../output.ts";
import { projectArg } from "../project/config.ts";
import { loadDefinitions, readMachineText } from "../project/executors.ts";
import { defineServerCommand, readPages, type ServerContext } from "../server/connection.ts";
import { formatDigest, planArg, reasonArg, stackArg } from "./stack-args.ts";

/** `stackyard stacks upgrade` */
export const stacksUpgrade = defineServerCommand({
  name: "stacks upgrade",
  summary: "Move stacks to another revision of their machine.",
  description: [
    "A stack of a machine of version 2 keeps the revision that it was created with, unless the machine says `revision: follow`. An upgrade is refused if the new revision lacks the stack's state or a running task.",
    "--dry-run shows what the upgrade does and what follows from it at once, such as a timer whose instant has passed. It also replays the stack's history on the new revision, and shows each difference. With --machine, it shows a summary and one line per stack: first rejected upgrades, then those with differences. --json contains the whole plan of each stack. --plan takes the digest that it prints: then exactly that is done, or nothing.",
    "Exits with 1 if an upgrade was or would be rejected, or if a dry run found a difference or could not replay the whole history.",
  ].join("\n"),
  examples: {
    "stackyard stacks upgrade pr-12 --dry-run": "Show what would differ.",
    "stackyard stacks upgrade pr-12 --plan 0f3a9c21d5e84b76a1c09e3d7b52f648": "Do what a dry run has shown.",
    "stackyard stacks upgrade pr-12": "Move the stack to its newest revision.",
    "stackyard stacks upgrade --machine review-app --dry-run":
      "Show a summary of all stacks of the machine, and the first 20.",
    "stackyard stacks upgrade --machine review-app": "Move all stacks of the machine.",
  },
  args: Type.Object({
    stack: Type.Optional(stackArg.stack),
    machine: optionalText("Upgrade all stacks of this machine.", { short: "m", minLength: 1, completes: "machine" }),
    to: optionalText("Content hash of the revision, or its first digits. Default: the newest revision.", {
      placeholder: "hash",
      pattern: "^[0-9a-f]{4,64}$",
      expected: "the first 4 to 64 digits of a hash: 0 to 9 and a to f",
    }),
    dryRun: optionalFlag("Change nothing, and show what would differ."),
    plan: planArg("Digest of a dry run: stop when something else would be done now."),
    all: optionalFlag("In a dry run, show every stack instead of the first 20."),
    reason: Type.Optional(reasonArg),
  }),
  positionals: ["stack"],
  async run(context, { stack, machine, dryRun = false, all = false, ...options }) {
    checkDryRun({ machine, dryRun, all, plan: options.plan });
    if (stack !== undefined && machine === undefined) {
      return dryRun ? planOne(context, stack, options) : upgradeOne(context, stack, options);
    }
    if (stack === undefined && machine !== undefined) {
      return dryRun ? planAll(context, machine, { ...options, all }) : upgradeAll(context, machine, options);
    }
    throw failWith("USAGE", "Pass a stack or --machine, not both.");
  },
});

/** Throws `USAGE`. */
function checkDryRun(args: {
  readonly machine: string | undefined;
  readonly dryRun: boolean;
  readonly all: boolean;
  readonly plan: string | undefined;
}): void {
  const { machine, dryRun, all, plan } = args;
  if (all && (!dryRun || machine === undefined)) {
    throw failWith("USAGE", "--all requires --machine NAME and --dry-run.");
  }
  if (dryRun && plan !== undefined) throw failWith("USAGE", "Pass --plan or --dry-run, not both.");
}

interface Options {
  readonly to?: string | undefined;
  readonly plan?: string | undefined;
  readonly reason?: string | undefined;
}

async function planOne(context: ServerContext, stack: string, { to }: Options): Promise<number> {
  const { out, yard, signal } = context;
  const plan = await yard.stacks.planUpgrade(stack, { signal, ...defined({ to }) });
  out.result(plan, () => formatPlan(plan, out));
  return isPlain(plan) ? 0 : 1;
}

async function upgradeOne({ out, yard, signal }: ServerContext, stack: string, options: Options): Promise<number> {
  const result: OperationAnswer = await yard.stacks.upgrade(stack, { signal, ...defined(options) });
  out.result(result, () => {
    if (result.outcome !== "waiting") return `${stack} has the new revision.`;
    return `${stack}: accepted, not decided yet. Check \`${toShellCommand`stackyard stacks history ${stack}`}\`.`;
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
  const load = ({ cursor }: PageStart) => {
    return yard.machines.planUpgrades(machine, { ...defined({ ...options, cursor }), signal });
  };
  for await (const items of readPages(load, { out })) {
    results.push(...items);
    if (out.json) for (const result of items) out.result(result, () => "");
    else out.progress({}, () => `${results.length} stacks were replayed …`);
  }
  printPlans(out, results, { machine, all });
  const digest = digestOf(results);
  out.result({ machine, digest }, () => formatDigest(digest));
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
  out.text(formatPlans(results, { out, most: all ? results.length : SHOWN }));
  if (!all && results.length > SHOWN) out.note("--all shows every stack, --json the whole plan of each.");
}

function digestOf(results: readonly UpgradeResult[]): string {
  const plans = results.map(({ stackId: id, outcome, plan }) => ({ id, outcome, digest: plan?.digest }));
  return digestOfPlans("upgrade", plans);
}

/** Stacks of a request that moves them as planned: their digests fit into its body. */
const PLANNED_AT_ONCE = 50;

/** Upgrades a page of stacks after the other as planned. Stops before the first one when the plan has changed. */
async function* upgradeAsPlanned(
  context: ServerContext,
  machine: string,
  { plan, to, reason }: Options,
): AsyncGenerator<readonly UpgradeResult[]> {
  const { out, yard, signal } = context;
  const planned: UpgradeResult[] = [];
  const load = ({ cursor }: PageStart) => yard.machines.planUpgrades(machine, { ...defined({ to, cursor }), signal });
  for await (const items of readPages(load, { out })) planned.push(...items);
  if (digestOf(planned) !== plan) {
    throw failWith("PLAN_STALE", "The plan has changed since the dry run.", { hint: "Make another dry run." });
  }
  const target = planned.find((each) => each.plan?.to !== undefined)?.plan?.to ?? to;
  let next = 0;
  const move = ({ cursor }: PageStart) => {
    const limit = PLANNED_AT_ONCE;
    const plans = toDigests(planned.slice(next, next + limit));
    return yard.machines.upgradeStacks(machine, { ...defined({ to: target, reason, cursor }), limit, plans, signal });
  };
  for await (const items of readPages(move, { out })) {
    const moved = new Set(items.map(({ stackId }) => stackId));
    next = 1 + planned.findLastIndex(({ stackId }, index) => index < next || moved.has(stackId));
    yield items.map((item) => findRefusal(planned, item) ?? item);
  }
}

function toDigests(planned: readonly UpgradeResult[]): Readonly<Record<string, string>> {
  return Object.fromEntries(planned.flatMap(({ stackId, plan }) => (plan?.digest ? [[stackId, plan.digest]] : [])));
}

/** Returns why the dry run has refused a stack, which therefore has no digest. */
function findRefusal(planned: readonly UpgradeResult[], { stackId, code }: UpgradeResult): UpgradeResult | undefined {
  const found = planned.find((each) => each.stackId === stackId && each.outcome === "refused");
  if (found === undefined || code !== "PLAN_STALE") return undefined;
  const { plan: _plan, ...result } = found;
  return result;
}

async function upgradeAll(context: ServerContext, machine: string, options: Options): Promise<number> {
  const { out, yard, signal } = context;
  const counts = new Map<UpgradeResult["outcome"], number>();
  const load = ({ cursor }: PageStart) => {
    return yard.machines.upgradeStacks(machine, { ...defined({ ...options, cursor }), signal });
  };
  const pages = options.plan === undefined ? readPages(load, { out }) : upgradeAsPlanned(context, machine, options);
  for await (const items of pages) {
    for (const result of items) {
      counts.set(result.outcome, (counts.get(result.outcome) ?? 0) + 1);
      out.result(result, () => formatUpgraded(result, out));
    }
  }
  const shown = [...counts].map(([outcome, count]) => `${count} ${outcome}`).join(", ");
  out.note(shown === "" ? `The machine "${machine}" has no stacks.` : `${shown}.`);
  return counts.has("refused") ? 1 : 0;
}

/** `stackyard machines upgrade` */
export const machinesUpgrade = defineCommand({
  name: "machines upgrade",
  summary: "Rewrite a version 1 machine as version 2 with the same behavior.",
  description: [
    "Keeps comments, anchors and the order of keys where possible. Reports what version 1 accepts and version 2 does not, such as a task without executor, with its place; then it writes nothing and exits with 1.",
    "The upgraded machine follows its newest revision and leaves running tasks alone, as before; see docs/machines-v1.md for what to change next.",
  ].join("\n"),
  examples: {
    "stackyard machines upgrade machines/review-app.yaml --print": "Print the result first.",
    "stackyard machines upgrade machines/review-app.yaml": "Rewrite the file.",
  },
  args: Type.Object({
    file: Type.String({ minLength: 1, description: "A YAML or JSON file." }),
    print: optionalFlag("Print the result; change nothing."),
    ...projectArg,
  }),
  async run(context: CommandContext, { file, print = false, project }) {
    const { cwd, out } = context;
    const { name, source } = await readMachineText(file, cwd);
    const executors = await loadDefinitions(context, project);
    const upgraded = upgradeMachine(source, { name, executors });
    const { problems } = upgraded;
    if (upgraded.kind === "refused") {
      out.result({ file, upgraded: false, problems }, () => {
        return [`${file} is unchanged:`, ...formatProblems(problems, out)].join("\n");
      });
      return 1;
    }
    if (!print) await writeWhole(resolve(cwd, file), upgraded.source, context);
    if (print && !out.json) {
      out.document(upgraded.source);
      if (problems.length > 0) out.note(formatProblems(problems, out).join("\n"));
      return 0;
    }
    out.result({ file, upgraded: true, problems, ...(print && { source: upgraded.source }) }, () => {
      return [
        `${out.paint("green", "ok  ")} ${file} was upgraded to version 2.`,
        ...formatProblems(problems, out),
      ].join("\n");
    });
    return 0;
  },
});

/** Writes a temporary file and renames it: a crash leaves the old file or the new one. */
async function writeWhole(path: string, text: string, { signal }: CommandContext): Promise<void> {
  const beside = `${path}.${process.pid}.tmp`;
  try {
    await writeFile(beside, text, { flag: "wx", signal });
    await rename(beside, path);
  } catch (error) {
    await rm(beside, { force: true });
    throw failWith("CONFIG_INVALID", `${path} could not be written.`, { cause: error, hint: "The file is unchanged." });
  }
}

type Difference = UpgradePlan["differences"][number];
type Replayed = Difference["after"];

/** Formats the result for one stack of many. */
export function formatUpgraded({ stackId, outcome, code, reason }: UpgradeResult, out: Painter): string {
  const why = code === undefined ? "" : ` ${code}: ${reason ?? ""}`;
  return `${out.paint("bold", stackId)} ${out.paint(outcome === "refused" ? "red" : "green", outcome)}${why}`;
}

/** Returns true if the upgrade would be accepted, changes no timer, and a replay of the history shows no differences. */
function isPlain({ outcome, notes, events, differences, end, incomplete }: UpgradePlan): boolean {
  const found = [...notes, ...events, ...differences, ...end];
  return outcome === "applied" && found.length === 0 && incomplete === undefined;
}

/** Returns true for a stack of many that needs no attention. */
function isHarmless({ outcome, plan }: UpgradeResult): boolean {
  return outcome !== "refused" && (plan === undefined || isPlain(plan));
}

/** Formats the dry run of many stacks: the counts, then a line for each of the first; problems come first. */
function formatPlans(
  results: readonly UpgradeResult[],
  { out, most }: { readonly out: Painter; readonly most: number },
): string {
  const refused = results.filter(({ outcome }) => outcome === "refused");
  const differing = results.filter((result) => result.outcome !== "refused" && !isHarmless(result));
  const moved = results.filter((result) => result.outcome === "applied" && isHarmless(result));
  const unchanged = results.filter((result) => result.outcome === "unchanged" && isHarmless(result));
  const counts = [
    [refused.length, "would be refused"],
    [differing.length, "would have had another outcome"],
    [moved.length, "would be moved without a difference"],
    [unchanged.length, "already have the revision"],
  ] as const;
  const summary = counts.flatMap(([count, what]) => (count === 0 ? [] : [`${count} ${what}`])).join(", ");
  const shown = [...refused, ...differing, ...moved, ...unchanged].slice(0, most);
  const rest = results.length - shown.length;
  const stacks = results.length === 1 ? "1 stack" : `${results.length} stacks`;
  return [
    `Nothing was changed. Of ${stacks} ${summary}.`,
    formatTable(
      shown.map((result) => toPlanRow(result, out)),
      { columns: out.columns, keepLast: true },
    ),
    ...(rest === 0 ? [] : [`… and ${rest} more`]),
  ].join("\n");
}

function toPlanRow({ stackId, outcome, code, reason, plan }: UpgradeResult, out: Painter): readonly string[] {
  const id = `  ${out.paint("bold", stackId)}`;
  if (outcome === "refused") return [id, out.paint("red", "refused"), `${code ?? ""}: ${reason ?? ""}`];
  if (plan === undefined) return [id, out.paint("dim", outcome), ""];
  const differences = plan.differences.length + plan.more;
  const facts = [
    ...plan.notes,
    ...plan.events.map(formatPlannedEvent),
    ...(differences === 0 ? [] : [differences === 1 ? "1 event differs" : `${differences} events differ`]),
    ...plan.end.map(({ what, before, after }) => `${what}: ${JSON.stringify(before)} → ${JSON.stringify(after)}`),
    ...(plan.incomplete === undefined ? [] : [plan.incomplete]),
  ];
  return [id, out.paint("green", "accepted"), facts.join("; ")];
}

/** Formats what an upgrade would do: if it would be accepted, then how the stack's incarnation would have differed. */
export function formatPlan(plan: UpgradePlan, out: Painter): string {
  const { stackId, machine, from, to, outcome, code, reason } = plan;
  const answer =
    outcome === "applied"
      ? `The upgrade would be ${out.paint("green", "accepted")}.`
      : `The upgrade would be ${out.paint("red", "refused")} (${code ?? ""}): ${reason ?? ""}`;
  const revisions = `${from.slice(0, 12)} → ${to === undefined ? "none" : to.slice(0, 12)}`;
  return [
    `${out.paint("bold", stackId)} ${machine} ${out.paint("dim", revisions)}`,
    `  ${answer}`,
    ...[...plan.notes, ...plan.events.map(formatPlannedEvent)].map((note) => `  ${note}`),
    ...formatReplay(plan, out).map((line) => `  ${line}`),
    ...(plan.digest === undefined ? [] : [`  ${formatDigest(plan.digest)}`]),
  ].join("\n");
}

function formatReplay(
  { to, replayed, incomplete, differences, more, end }: UpgradePlan,
  out: Painter,
): readonly string[] {
  if (to === undefined) return [];
  const limits = incomplete === undefined ? [] : [out.paint("yellow", incomplete)];
  if (differences.length === 0 && end.length === 0) {
    return [...limits, ...(replayed === 0 ? [] : [`${replayed} lines of its history were replayed: nothing differs.`])];
  }
  const rows = differences.map((difference) => toRow(difference, out));
  return [
    ...limits,
    `${replayed} lines of its history were replayed.${rows.length === 0 ? "" : " These events would have had another outcome:"}`,
    ...(rows.length === 0 ? [] : formatTable(rows, { columns: out.columns, keepLast: true }).split("\n")),
    ...(more === 0 ? [] : [`… and ${more} more`]),
    ...(end.length === 0
      ? []
      : [
          "On the new revision from its creation, the stack would differ in the following, which an upgrade does not change afterwards:",
        ]),
    ...end.map(({ what, before, after }) => `  ${what}: ${JSON.stringify(before)} → ${JSON.stringify(after)}`),
  ];
}

function toRow({ at, event, before, after }: Difference, out: Painter): readonly string[] {
  return [`  ${out.paint("dim", at)}`, event, before === undefined ? "–" : formatSide(before), "→", formatSide(after)];
}

function formatSide({ outcome, code, state, sent }: Replayed): string {
  const tasks = sent.length === 0 ? "" : ` sends ${sent.join(", ")}`;
  if (outcome === "removed") return `removed${tasks}`;
  if (outcome === "applied") return `${state ?? "none"}${tasks}`;
  return `${outcome}${code === undefined ? "" : ` ${code}`}`;
}
