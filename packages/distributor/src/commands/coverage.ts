import { type AccountNames, defineCommand, defined, toShellCommand, withAccountName } from "@stackyard/core";
import { parseDuration } from "@stackyard/core/machine";
import {
  type ArtifactRefusal,
  type CallDistributor,
  type CoverageCell,
  type CoverageOutcome,
  type CoverageRow,
  createArtifactsClient,
  waitForCoverage,
} from "@stackyard/sdk/artifacts";
import { formatTable, toCell } from "@stackyard/sdk/commands";
import { type Static, Type } from "typebox";
import { toAccountCell } from "./account-cell.ts";
import {
  type ArtifactContext,
  artifactFlag,
  consumerFlags,
  distributorArgs,
  formatCount,
  formatLimit,
  limitArg,
  openDistributor,
  parseArtifactWord,
  type TakenRows,
  takeRows,
  toDay,
  usage,
  waitArgs,
} from "./artifact-command.ts";
import { type MatrixOptions, toCoverageMatrix } from "./coverage-matrix.ts";

const Args = Type.Object({
  artifact: artifactFlag,
  ...consumerFlags,
  limit: limitArg,
  ...waitArgs,
  ...distributorArgs,
});
type Args = Static<typeof Args>;

/** The width without a terminal. */
const DEFAULT_COLUMNS = 120;

/** `artifacts coverage`: shows which consumers have which versions. */
export const artifactsCoverage = defineCommand({
  name: "artifacts coverage",
  summary: "Show which consumers have which versions, as a matrix of accounts and regions.",
  description: "Exit code 0: every shown version is covered; 1: not yet, or no version matches; 4: --wait timed out.",
  examples: {
    "stackyard artifacts coverage": "All versions, sorted by name",
    "stackyard artifacts coverage --artifact billing-api@1.4.2 --wait --timeout 15m":
      "In a pipeline: continue when every consumer has the version",
  },
  args: Args,
  run: (context: ArtifactContext, args) => (args.wait === true ? wait(context, args) : look(context, args)),
});

async function look(context: ArtifactContext, args: Args): Promise<number> {
  const { artifact, account, region, limit } = args;
  if (args.timeout !== undefined) throw usage("--timeout requires --wait.");
  const query = {
    ...(artifact === undefined ? {} : parseArtifactWord(artifact)),
    ...(account && { account }),
    ...(region && { region }),
  };
  const { coverage } = createArtifactsClient({ call: await openDistributor(context, args) });
  const taken = await takeRows(coverage(query), limit);
  const place = [account, region].filter((each) => each !== undefined).join(" ");
  const isNowhere = place !== "" && taken.rows.length > 0 && taken.rows.every(({ cells }) => cells.length === 0);
  const columns = findColumns(context);
  const { accounts } = context;
  return show(context, { ...taken, covered: !isNowhere && areCovered(taken.rows) }, () =>
    isNowhere
      ? `Nothing was announced to ${place}.`
      : formatCoverage(taken.rows, { columns, accounts }) + formatLimit(taken),
  );
}

async function wait(context: ArtifactContext, args: Args): Promise<number> {
  const { name = "", version } = args.artifact === undefined ? {} : parseArtifactWord(args.artifact);
  if (version === undefined) throw usage("--wait requires a version. Pass --artifact name@version.");
  if (args.account !== undefined || args.region !== undefined) {
    throw usage("--wait applies to all consumers. Remove --account and --region.");
  }
  const call = await openDistributor(context, args);
  const input = { call, name, version, ...(args.timeout && { timeout: args.timeout }) };
  const outcome = await followCoverage(context, input);
  const rows = outcome.row === undefined ? [] : [outcome.row];
  const isUnheard = outcome.kind === "timed-out" && outcome.row === undefined && outcome.fault !== undefined;
  const columns = findColumns(context);
  const code = show(context, { rows, limited: false, covered: areCovered(rows) }, () =>
    isUnheard
      ? `The distributor returned no coverage of ${name} ${version}.`
      : formatCoverage(rows, { columns, accounts: context.accounts }),
  );
  noteMissing(context, input, outcome);
  return outcome.kind === "covered" ? code : 4;
}

interface Shown extends TakenRows<CoverageRow> {
  readonly covered: boolean;
}

function show({ out, accounts }: ArtifactContext, { covered, rows, limited }: Shown, toText: () => string): number {
  const named = rows.map((row) => ({ ...row, cells: nameCells(row, accounts) }));
  out.result({ covered, rows: named, limited }, toText);
  return covered ? 0 : 1;
}

function nameCells({ cells }: CoverageRow, accounts: AccountNames) {
  return cells.map((cell) => withAccountName(accounts, cell, cell.account));
}

function areCovered(rows: readonly CoverageRow[]): boolean {
  const counting = rows.filter(({ retired }) => !retired);
  return counting.length > 0 && counting.every((row) => row.covered);
}

function findColumns({ columns, environment }: ArtifactContext): number {
  const said = Number(environment["COLUMNS"]);
  return columns() ?? (Number.isSafeInteger(said) && said > 0 ? said : DEFAULT_COLUMNS);
}

/** The version to wait for. */
export interface FollowCoverageInput {
  readonly call: CallDistributor;
  readonly name: string;
  readonly version: string;
  /** A duration. Default: 15m. */
  readonly timeout?: string;
}

const DEFAULT_TIMEOUT = "15m";

/** Waits until a version is covered and reports each change: as a matrix in a terminal, as lines in a pipe. */
export function followCoverage(context: ArtifactContext, input: FollowCoverageInput): Promise<CoverageOutcome> {
  const { clock, signal, pollMs, out, accounts } = context;
  const { timeout = DEFAULT_TIMEOUT, ...what } = input;
  return waitForCoverage({
    ...what,
    clock,
    signal,
    timeoutMs: parseDuration(timeout) ?? 0,
    ...defined({ pollMs }),
    onFault: ({ message }) => out.note(`${toCell(message, 1_000)} Retrying until ${timeout} have passed.`),
    onChange: (row) =>
      out.progress(
        toProgress(row, accounts),
        () => formatRow(row),
        (columns) => `${formatRow(row)}\n\n${toCoverageMatrix([row], { columns, accounts })}`,
      ),
  });
}

function toProgress(row: CoverageRow, accounts: AccountNames): Readonly<Record<string, unknown>> {
  const { name, version, covered } = row;
  const cells = nameCells(row, accounts);
  const standing = cells.filter(isStored).length;
  return { kind: "coverage", name, version, covered, consumers: cells.length, standing, cells };
}

/** Prints what is missing and how to check again. */
export function noteMissing(context: ArtifactContext, input: FollowCoverageInput, outcome: CoverageOutcome): void {
  if (outcome.kind === "covered") return;
  const { name, version, timeout = DEFAULT_TIMEOUT } = input;
  const fault = outcome.fault && `the last request failed: ${toCell(outcome.fault.message, 1_000)}`;
  const reasons = [toReason(outcome, context.accounts), fault].filter((each) => each !== undefined);
  const why = reasons.join("; ").replace(/\.?$/, ".");
  const again = `Check again: ${toShellCommand`stackyard artifacts coverage --artifact ${`${name}@${version}`}`}`;
  context.out.note(`After ${timeout} ${why} ${again}`);
}

type TimedOut = Extract<CoverageOutcome, { kind: "timed-out" }>;

function toReason(outcome: TimedOut, accounts: AccountNames): string | undefined {
  if (outcome.missing.length > 0) return `it is missing in ${listPlaces(outcome, accounts)}`;
  if (outcome.row?.refusal !== undefined) return `the distributor refused it: ${formatRefusal(outcome.row.refusal)}`;
  if (outcome.row !== undefined) return "no consumer is registered for it";
  return outcome.fault === undefined ? "the distributor does not know it" : undefined;
}

const MAX_PLACES = 10;

function listPlaces({ missing }: TimedOut, accounts: AccountNames): string {
  const told = missing.slice(0, MAX_PLACES).map(({ account, region, status, code }) => {
    const place = `${toAccountCell(accounts, account)} ${region}`;
    return toCell(`${place} (${code === null ? status : `${status} ${code}`})`, 300);
  });
  return [...told, ...(missing.length > MAX_PLACES ? [`${missing.length - MAX_PLACES} more`] : [])].join(", ");
}

const MAX_TOLD = 20;

/** Returns true when the consumer has the version. */
export function isStored({ status }: Pick<CoverageCell, "status">): boolean {
  return status === "stored" || status === "present";
}

/** Formats the matrix, the problems and the totals. */
export function formatCoverage(rows: readonly CoverageRow[], options: MatrixOptions): string {
  if (rows.length === 0) return "No published version matches.";
  return [toCoverageMatrix(rows, options), formatTroubles(rows, options), formatRefusals(rows), formatSum(rows)]
    .filter((text) => text !== "")
    .join("\n\n");
}

/** Formats one line per version, such as `billing-api 1.4.2: stored at 2 of 5 consumers, 1 failed`. */
export function formatRow({ name, version, cells, manifestSha256, refusal }: CoverageRow): string {
  if (manifestSha256 === null && refusal !== undefined) {
    return `${toCell(name, 128)} ${toCell(version, 64)}: refused, ${formatRefusal(refusal)}`;
  }
  const done = cells.filter(isStored).length;
  const troubles = ["failed", "rejected", "overdue"].flatMap((status) => {
    const count = cells.filter((cell) => cell.status === status).length;
    return count === 0 ? [] : [`${count} ${status}`];
  });
  const standing = `stored at ${done} of ${formatCount(cells.length, "consumer")}`;
  return `${toCell(name, 128)} ${toCell(version, 64)}: ${[standing, ...troubles].join(", ")}`;
}

function formatSum(rows: readonly CoverageRow[]): string {
  const expected = rows.filter(({ retired }) => !retired);
  const covered = expected.filter(({ covered: isCovered }) => isCovered).length;
  const refused = expected.filter(({ manifestSha256 }) => manifestSha256 === null).length;
  const nowhere = expected.filter(({ cells }) => cells.length === 0).length - refused;
  const sum = `Covered: ${covered} of ${formatCount(expected.length, "version")}.`;
  const silent = Math.max(0, ...expected.map((row) => row.silent ?? 0));
  return [
    sum,
    ...(refused === 0 ? [] : [`Refused: ${refused}.`]),
    ...(nowhere === 0 ? [] : [`${nowhere} without a registered consumer.`]),
    ...(silent === 0 ? [] : [`Not counted: ${formatCount(silent, "consumer")} of version 1, which send no receipts.`]),
  ].join(" ");
}

/** Formats one line for each object that the distributor does not publish; empty without one. */
export function formatRefusals(rows: readonly Pick<CoverageRow, "name" | "version" | "refusal">[]): string {
  const refused = rows.flatMap(({ name, version, refusal }) =>
    refusal === undefined ? [] : [`${toCell(`${name}@${version}`, 200)}  refused  ${formatRefusal(refusal)}`],
  );
  const rest = refused.length > MAX_TOLD ? [`… and ${refused.length - MAX_TOLD} more`] : [];
  return [...refused.slice(0, MAX_TOLD), ...rest].join("\n");
}

function formatRefusal({ code, reason, retryUntil }: ArtifactRefusal): string {
  const until = retryUntil === null ? "Given up." : `Looks again until ${toDay(retryUntil)}.`;
  return `${toCell(code, 64)}: ${toCell(reason, 1_000)} ${until}`;
}

function formatTroubles(rows: readonly CoverageRow[], { accounts = {} }: MatrixOptions): string {
  const troubles = rows.flatMap(({ name, version, cells }) =>
    cells
      .filter(({ status }) => status === "failed" || status === "rejected" || status === "overdue")
      .map((cell) => [
        ...[
          toCell(`${name}@${version}`, 64),
          toAccountCell(accounts, cell.account),
          toCell(cell.region, 30),
          cell.status,
        ],
        ...[toCell(cell.code ?? "", 40), `${cell.filesDone} of ${formatCount(cell.files, "file")}`],
      ]),
  );
  if (troubles.length === 0) return "";
  const rest = troubles.length > MAX_TOLD ? [`… and ${troubles.length - MAX_TOLD} more`] : [];
  return [formatTable(troubles.slice(0, MAX_TOLD)), ...rest].join("\n");
}
