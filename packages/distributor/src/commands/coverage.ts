import { parseDuration } from "@stackyard/core/machine";
import {
  type CallDistributor,
  type CoverageCell,
  type CoverageOutcome,
  type CoverageRow,
  createArtifactsClient,
  waitForCoverage,
} from "@stackyard/sdk/artifacts";
import { formatTable } from "@stackyard/sdk/commands";
import { type Static, Type } from "typebox";
import {
  type ArtifactCommandSpec,
  type ArtifactContext,
  artifactFlag,
  consumerFlags,
  distributorArgs,
  limitArg,
  openDistributor,
  parseArtifactWord,
  type TakenRows,
  takeRows,
  tellCount,
  tellLimit,
  toCell,
  usage,
  waitArgs,
} from "./artifact-command.ts";
import { toCoverageMatrix } from "./coverage-matrix.ts";

const Args = Type.Object({
  artifact: artifactFlag,
  ...consumerFlags,
  limit: limitArg,
  ...waitArgs,
  ...distributorArgs,
});
type Args = Static<typeof Args>;

/** Of what is no terminal. */
const DEFAULT_COLUMNS = 120;

/** `artifacts coverage`: which version stands where. */
export const artifactsCoverage: ArtifactCommandSpec<typeof Args> = {
  name: "artifacts coverage",
  summary: "Show which versions stand at which consumers, as a matrix of accounts and regions.",
  description:
    "Exit code 0: every version that is shown stands wherever it should; 1: not yet, or nothing fits; 4: with --wait, the time was over.",
  examples: [
    { command: "stackyard artifacts coverage", what: "All versions, in order of their names" },
    {
      command: "stackyard artifacts coverage --artifact billing-api@1.4.2 --wait --timeout 15m",
      what: "In a pipeline: go on when the version stands everywhere",
    },
  ],
  args: Args,
  run: (context, args) => (args.wait === true ? wait(context, args) : look(context, args)),
};

async function look(context: ArtifactContext, args: Args): Promise<number> {
  const { artifact, account, region, limit } = args;
  if (args.timeout !== undefined) throw usage("--timeout belongs to --wait.");
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
  return show(context, { ...taken, covered: !isNowhere && areCovered(taken.rows) }, () =>
    isNowhere ? `Nothing was announced to ${place}.` : tellCoverage(taken.rows, { columns }) + tellLimit(taken),
  );
}

async function wait(context: ArtifactContext, args: Args): Promise<number> {
  const { name = "", version } = args.artifact === undefined ? {} : parseArtifactWord(args.artifact);
  if (version === undefined) throw usage("What is waited for? Give --artifact name@version with --wait.");
  if (args.account !== undefined || args.region !== undefined) {
    throw usage("--wait is for all consumers: leave out --account and --region.");
  }
  const call = await openDistributor(context, args);
  const input = { call, name, version, ...(args.timeout && { timeout: args.timeout }) };
  const outcome = await followCoverage(context, input);
  const rows = outcome.row === undefined ? [] : [outcome.row];
  const isUnheard = outcome.kind === "timed-out" && outcome.row === undefined && outcome.fault !== undefined;
  const columns = findColumns(context);
  const code = show(context, { rows, limited: false, covered: areCovered(rows) }, () =>
    isUnheard ? `The distributor has told nothing of ${name} ${version}.` : tellCoverage(rows, { columns }),
  );
  noteMissing(context, input, outcome);
  return outcome.kind === "covered" ? code : 4;
}

interface Shown extends TakenRows<CoverageRow> {
  readonly covered: boolean;
}

function show({ out }: ArtifactContext, { covered, rows, limited }: Shown, toText: () => string): number {
  out.result({ covered, rows, limited }, toText);
  return covered ? 0 : 1;
}

function areCovered(rows: readonly CoverageRow[]): boolean {
  const counting = rows.filter(({ retired }) => !retired);
  return counting.length > 0 && counting.every((row) => row.covered);
}

function findColumns({ columns, environment }: ArtifactContext): number {
  const said = Number(environment["COLUMNS"]);
  return columns() ?? (Number.isSafeInteger(said) && said > 0 ? said : DEFAULT_COLUMNS);
}

/** What is waited for. */
export interface FollowCoverageInput {
  readonly call: CallDistributor;
  readonly name: string;
  readonly version: string;
  /** A duration. Default: 15m. */
  readonly timeout?: string;
}

const DEFAULT_TIMEOUT = "15m";

/** Waits until a version stands everywhere, and shows each change: in a terminal as a matrix, in a pipe as lines. */
export function followCoverage(context: ArtifactContext, input: FollowCoverageInput): Promise<CoverageOutcome> {
  const { clock, signal, pollMs, out } = context;
  const { timeout = DEFAULT_TIMEOUT, ...what } = input;
  return waitForCoverage({
    ...what,
    clock,
    signal,
    timeoutMs: parseDuration(timeout) ?? 0,
    ...(pollMs === undefined ? {} : { pollMs }),
    onFault: ({ message }) => out.note(`${toCell(message, 1_000)} It is asked again until ${timeout} are over.`),
    onChange: (row) =>
      out.progress(
        toProgress(row),
        () => tellRow(row),
        (columns) => `${tellRow(row)}\n\n${toCoverageMatrix([row], { columns })}`,
      ),
  });
}

function toProgress(row: CoverageRow): Readonly<Record<string, unknown>> {
  const { name, version, covered, cells } = row;
  const standing = cells.filter(stands).length;
  return { kind: "coverage", name, version, covered, consumers: cells.length, standing, cells };
}

/** Tells people what is missing, and how to look again. */
export function noteMissing(context: ArtifactContext, input: FollowCoverageInput, outcome: CoverageOutcome): void {
  if (outcome.kind === "covered") return;
  const { name, version, timeout = DEFAULT_TIMEOUT } = input;
  const why = [
    toReason(outcome),
    ...(outcome.fault ? [`the last look failed: ${toCell(outcome.fault.message, 1_000)}`] : []),
  ];
  const again = `Look again: stackyard artifacts coverage --artifact ${name}@${version}`;
  context.out.note(
    `After ${timeout} ${why
      .filter((each) => each !== undefined)
      .join("; ")
      .replace(/\.?$/, ".")} ${again}`,
  );
}

type TimedOut = Extract<CoverageOutcome, { kind: "timed-out" }>;

function toReason(outcome: TimedOut): string | undefined {
  if (outcome.missing.length > 0) return `it is missing in ${listPlaces(outcome)}`;
  if (outcome.row !== undefined) return "no consumer is registered for it";
  return outcome.fault === undefined ? "the distributor does not know it" : undefined;
}

const MAX_PLACES = 10;

function listPlaces({ missing }: TimedOut): string {
  const told = missing.slice(0, MAX_PLACES).map(({ account, region, status, code }) => {
    return toCell(`${account} ${region} (${code === null ? status : `${status} ${code}`})`, 200);
  });
  return [...told, ...(missing.length > MAX_PLACES ? [`${missing.length - MAX_PLACES} more`] : [])].join(", ");
}

const MAX_TOLD = 20;

/** Does it stand there? */
export function stands({ status }: Pick<CoverageCell, "status">): boolean {
  return status === "stored" || status === "present";
}

/** The matrix, what is in its way, and the sum of it. */
export function tellCoverage(rows: readonly CoverageRow[], options: { readonly columns: number }): string {
  if (rows.length === 0) return "No published version fits.";
  return [toCoverageMatrix(rows, options), tellTroubles(rows), tellSum(rows)]
    .filter((text) => text !== "")
    .join("\n\n");
}

/** One line on one version, such as `billing-api 1.4.2: stands at 2 of 5 consumers, 1 failed`. */
export function tellRow({ name, version, cells }: CoverageRow): string {
  const done = cells.filter(stands).length;
  const troubles = ["failed", "rejected", "overdue"].flatMap((status) => {
    const count = cells.filter((cell) => cell.status === status).length;
    return count === 0 ? [] : [`${count} ${status}`];
  });
  const standing = `stands at ${done} of ${tellCount(cells.length, "consumer")}`;
  return `${toCell(name, 128)} ${toCell(version, 64)}: ${[standing, ...troubles].join(", ")}`;
}

function tellSum(rows: readonly CoverageRow[]): string {
  const expected = rows.filter(({ retired }) => !retired);
  const covered = expected.filter(({ covered: isCovered }) => isCovered).length;
  const nowhere = expected.filter(({ cells }) => cells.length === 0).length;
  const sum = `Standing everywhere: ${covered} of ${tellCount(expected.length, "version")}.`;
  const silent = Math.max(0, ...expected.map((row) => row.silent ?? 0));
  return [
    sum,
    ...(nowhere === 0 ? [] : [`${nowhere} should stand nowhere: no consumer is registered for it.`]),
    ...(silent === 0
      ? []
      : [`Not counted: ${tellCount(silent, "consumer")} of the first generation, which cannot answer.`]),
  ].join(" ");
}

function tellTroubles(rows: readonly CoverageRow[]): string {
  const troubles = rows.flatMap(({ name, version, cells }) =>
    cells
      .filter(({ status }) => status === "failed" || status === "rejected" || status === "overdue")
      .map((cell) => [
        ...[toCell(`${name}@${version}`, 64), toCell(cell.account, 20), toCell(cell.region, 30), cell.status],
        ...[toCell(cell.code ?? "", 40), `${cell.filesDone} of ${tellCount(cell.files, "file")}`],
      ]),
  );
  if (troubles.length === 0) return "";
  const rest = troubles.length > MAX_TOLD ? [`… and ${troubles.length - MAX_TOLD} more`] : [];
  return [formatTable(troubles.slice(0, MAX_TOLD)), ...rest].join("\n");
}
