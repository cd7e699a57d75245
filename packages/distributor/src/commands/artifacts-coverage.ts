import { type CoverageRow, createArtifactsClient } from "@stackyard/sdk/artifacts";
import { type Static, Type } from "typebox";
import { artifactFlag, consumerFlags, distributorArgs, limitArg, waitArgs } from "./artifact-args.ts";
import type { ArtifactCommandSpec, ArtifactContext } from "./artifact-command.ts";
import { followCoverage, noteMissing } from "./follow-coverage.ts";
import { openDistributor, parseArtifactWord, usage } from "./open-distributor.ts";
import { tellCoverage } from "./report/tell-coverage.ts";
import { type TakenRows, takeRows, tellLimit } from "./take-rows.ts";

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
