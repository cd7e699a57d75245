import { type CoverageRow, createArtifactsClient } from "@stackyard/sdk/artifacts";
import { type Static, Type } from "typebox";
import { artifactFlag, consumerFlags, distributorArgs, limitArg, waitArgs } from "./artifact-args.ts";
import type { ArtifactCommandSpec, ArtifactContext } from "./artifact-command.ts";
import { followCoverage, noteMissing } from "./follow-coverage.ts";
import { openDistributor, parseArtifactWord, usage } from "./open-distributor.ts";
import { tellCoverage } from "./report/tell-coverage.ts";

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
const DEFAULT_LIMIT = 50;

/** `artifacts coverage`: which version stands where. */
export const artifactsCoverage: ArtifactCommandSpec<typeof Args> = {
  name: "artifacts coverage",
  summary: "Show which versions stand at which consumers, as a matrix of accounts and regions.",
  description:
    "Exit code 0: every version that is shown stands wherever it should; 1: not yet, or nothing fits; 4: with --wait, the time was over.",
  examples: [
    { command: "stackyard artifacts coverage", what: "The newest versions of all artifacts" },
    {
      command: "stackyard artifacts coverage --artifact billing-api@1.4.2 --wait --timeout 15m",
      what: "In a pipeline: go on when the version stands everywhere",
    },
  ],
  args: Args,
  run: (context, args) => (args.wait === true ? wait(context, args) : look(context, args)),
};

async function look(context: ArtifactContext, args: Args): Promise<number> {
  const { artifact, account, region, limit = DEFAULT_LIMIT } = args;
  if (args.timeout !== undefined) throw usage("--timeout belongs to --wait.");
  const query = {
    ...(artifact === undefined ? {} : parseArtifactWord(artifact)),
    ...{ ...(account && { account }), ...(region && { region }) },
  };
  const { coverage } = createArtifactsClient({ call: await openDistributor(context, args) });
  const rows: CoverageRow[] = [];
  for await (const row of coverage(query)) {
    if (rows.push(row) >= limit) break;
  }
  return show(context, rows);
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
  const code = show(context, outcome.row === undefined ? [] : [outcome.row]);
  noteMissing(context, input, outcome);
  return outcome.kind === "covered" ? code : 4;
}

function show(context: ArtifactContext, rows: readonly CoverageRow[]): number {
  const counting = rows.filter(({ retired }) => !retired);
  const covered = counting.length > 0 && counting.every((row) => row.covered);
  const columns = findColumns(context);
  context.out.result({ covered, rows }, () => tellCoverage(rows, { columns }));
  return covered ? 0 : 1;
}

function findColumns({ columns, environment }: ArtifactContext): number {
  const said = Number(environment["COLUMNS"]);
  return columns() ?? (Number.isSafeInteger(said) && said > 0 ? said : DEFAULT_COLUMNS);
}
