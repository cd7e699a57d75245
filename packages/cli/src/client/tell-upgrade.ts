import type { UpgradePlan, UpgradeResult } from "@stackyard/sdk";
import { formatTable } from "@stackyard/sdk/commands";
import type { Output } from "../shell/output.ts";

type Painter = Pick<Output, "paint" | "columns">;
type Difference = UpgradePlan["differences"][number];
type Replayed = Difference["after"];

/** What became of one stack of many. */
export function tellUpgraded({ stackId, outcome, code, reason }: UpgradeResult, out: Painter): string {
  const why = code === undefined ? "" : ` ${code}: ${reason ?? ""}`;
  return `${out.paint("bold", stackId)} ${out.paint(outcome === "refused" ? "red" : "green", outcome)}${why}`;
}

/** True when the upgrade would be accepted, and the history says that nothing would be another. */
export function isPlain({ outcome, differences, end, incomplete }: UpgradePlan): boolean {
  return outcome === "applied" && differences.length === 0 && end.length === 0 && incomplete === undefined;
}

/** True for a stack of many about which there is nothing to say. */
export function isHarmless({ outcome, plan }: UpgradeResult): boolean {
  return outcome !== "refused" && (plan === undefined || isPlain(plan));
}

/** The dry run of many stacks: how many would fare how, and a line of each of the first; what needs a look comes first. */
export function tellPlans(
  results: readonly UpgradeResult[],
  { out, most }: { readonly out: Painter; readonly most: number },
): string {
  const refused = results.filter(({ outcome }) => outcome === "refused");
  const differing = results.filter((result) => result.outcome !== "refused" && !isHarmless(result));
  const moved = results.filter((result) => result.outcome === "applied" && isHarmless(result));
  const unchanged = results.filter((result) => result.outcome === "unchanged" && isHarmless(result));
  const counts = [
    [refused.length, "would be refused"],
    [differing.length, "would have gone another way"],
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
    ...(differences === 0 ? [] : [differences === 1 ? "1 event differs" : `${differences} events differ`]),
    ...plan.end.map(({ what, before, after }) => `${what}: ${JSON.stringify(before)} → ${JSON.stringify(after)}`),
    ...(plan.incomplete === undefined ? [] : [plan.incomplete]),
  ];
  return [id, out.paint("green", "accepted"), facts.join("; ")];
}

/** What an upgrade would do: first whether it would be accepted, then where the stack's life would have been another. */
export function tellPlan(plan: UpgradePlan, out: Painter): string {
  const { stackId, machine, from, to, outcome, code, reason } = plan;
  const answer =
    outcome === "applied"
      ? `The upgrade would be ${out.paint("green", "accepted")}.`
      : `The upgrade would be ${out.paint("red", "refused")} (${code ?? ""}): ${reason ?? ""}`;
  const revisions = `${from.slice(0, 12)} → ${to === undefined ? "none" : to.slice(0, 12)}`;
  return [
    `${out.paint("bold", stackId)} ${machine} ${out.paint("dim", revisions)}`,
    `  ${answer}`,
    ...tellReplay(plan, out).map((line) => `  ${line}`),
  ].join("\n");
}

function tellReplay(
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
    `${replayed} lines of its history were replayed. It would have gone another way:`,
    ...(rows.length === 0 ? [] : formatTable(rows, { columns: out.columns, keepLast: true }).split("\n")),
    ...(more === 0 ? [] : [`… and ${more} more`]),
    ...(end.length === 0 ? [] : ["Now it would stand otherwise:"]),
    ...end.map(({ what, before, after }) => `  ${what}: ${JSON.stringify(before)} → ${JSON.stringify(after)}`),
  ];
}

function toRow({ at, event, before, after }: Difference, out: Painter): readonly string[] {
  return [`  ${out.paint("dim", at)}`, event, before === undefined ? "–" : tellSide(before), "→", tellSide(after)];
}

function tellSide({ outcome, code, state, sent }: Replayed): string {
  const tasks = sent.length === 0 ? "" : ` sends ${sent.join(", ")}`;
  if (outcome === "removed") return `removed${tasks}`;
  if (outcome === "applied") return `${state ?? "none"}${tasks}`;
  return `${outcome}${code === undefined ? "" : ` ${code}`}`;
}
