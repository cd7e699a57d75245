import {
  type ArtifactSummary,
  createArtifactsClient,
  type DistributorAnswers,
  parseManifest,
} from "@stackyard/sdk/artifacts";
import { formatTable } from "@stackyard/sdk/commands";
import { Type } from "typebox";
import { artifactFlag, distributorArgs, limitArg, versionArgs } from "./artifact-args.ts";
import type { ArtifactCommandSpec } from "./artifact-command.ts";
import { openDistributor, parseArtifactWord, usage } from "./open-distributor.ts";
import { stands } from "./report/tell-coverage.ts";
import { tellBytes, tellCount } from "./report/tell-size.ts";
import { toCell, toDay } from "./report/to-cell.ts";
import { takeRows, tellLimit } from "./take-rows.ts";

const ListArgs = Type.Object({ artifact: artifactFlag, limit: limitArg, ...distributorArgs });

/** `artifacts ls`: what was published. */
export const artifactsLs: ArtifactCommandSpec<typeof ListArgs> = {
  name: "artifacts ls",
  summary: "List what was published.",
  examples: [{ command: "stackyard artifacts ls --artifact billing-api", what: "The versions of one artifact" }],
  args: ListArgs,
  async run(context, args) {
    const { name, version } = args.artifact === undefined ? {} : parseArtifactWord(args.artifact);
    if (version !== undefined) throw usage("Of one version there is no list: `stackyard artifacts show` shows it.");
    const { list } = createArtifactsClient({ call: await openDistributor(context, args) });
    const taken = await takeRows(list({ ...(name && { name }) }), args.limit);
    const { rows: artifacts, limited } = taken;
    context.out.result(
      { artifacts, limited },
      () => toTable(artifacts, { wanted: name, columns: context.out.columns }) + tellLimit(taken),
    );
    return 0;
  },
};

function toTable(
  artifacts: readonly ArtifactSummary[],
  { wanted, columns }: { readonly wanted: string | undefined; readonly columns: number | undefined },
): string {
  if (artifacts.length === 0) return wanted === undefined ? "Nothing is published." : "No published version fits.";
  const rows = artifacts.map(({ publishedAt, name, version, files, bytes, ...rest }) => [
    ...[toDay(publishedAt), toCell(name, 60), toCell(version, 64), String(files), tellBytes(bytes), tellStanding(rest)],
  ]);
  return formatTable([["PUBLISHED", "NAME", "VERSION", "FILES", "SIZE", "STANDS"], ...rows], {
    numbers: [3, 4],
    columns,
  });
}

function tellStanding({ retired, covered }: Pick<ArtifactSummary, "retired" | "covered">): string {
  if (retired) return "retired";
  return covered ? "everywhere" : "not everywhere";
}

const ShowArgs = Type.Object({ ...versionArgs, ...distributorArgs });

/** `artifacts show`: one version, its files and where it stands. */
export const artifactsShow: ArtifactCommandSpec<typeof ShowArgs> = {
  name: "artifacts show",
  summary: "Show a version: its labels, its files with their digests, and how it stands at each consumer.",
  args: ShowArgs,
  async run(context, { name, version, ...args }) {
    const { show } = createArtifactsClient({ call: await openDistributor(context, args) });
    const artifact = await show({ name, version });
    context.out.result({ artifact }, () => tellArtifact(artifact, context.out.columns));
    return 0;
  },
};

function tellArtifact(artifact: DistributorAnswers["show"], columns: number | undefined): string {
  const { name, version, publishedAt, files, bytes, labels, manifestSha256 } = artifact;
  const words = Object.entries(labels).map(([key, value]) => `${toCell(key, 64)}=${toCell(value, 256)}`);
  const head = [
    `${toCell(name, 128)} ${toCell(version, 64)}: ${tellCount(files, "file")}, ${tellBytes(bytes)}, ${tellStanding(artifact)}`,
    `Published ${toCell(publishedAt, 40)}`,
    `Manifest  ${toCell(manifestSha256, 64)}`,
    ...(words.length === 0 ? [] : [`Labels    ${words.join(" ")}`]),
  ];
  return [head.join("\n"), toFileTable(artifact, columns), toCellTable(artifact, columns)]
    .filter((text) => text !== "")
    .join("\n\n");
}

function toFileTable({ manifest }: DistributorAnswers["show"], columns: number | undefined): string {
  const parsed = parseManifest(JSON.stringify(manifest ?? null));
  if (parsed.kind === "invalid") return "";
  const rows = parsed.manifest.files.map(({ key, size, sha256, rewrite = "none" }) => {
    return [toCell(key, 120), tellBytes(size), sha256, rewrite === "none" ? "" : "rewritten"];
  });
  return formatTable([["FILE", "SIZE", "SHA-256", ""], ...rows], { numbers: [1], columns });
}

function toCellTable({ cells }: DistributorAnswers["show"], columns: number | undefined): string {
  if (cells.length === 0) return "No consumer should have it.";
  const rows = cells.map((cell) => [
    ...[toCell(cell.account, 20), toCell(cell.region, 30), cell.status, toCell(cell.code ?? "", 40)],
    ...[`${cell.filesDone} of ${cell.files}`, tellVerified(cell), toDay(cell.at)],
  ]);
  return formatTable([["ACCOUNT", "REGION", "STATUS", "CODE", "FILES", "VERIFIED", "SINCE"], ...rows], {
    numbers: [4],
    columns,
  });
}

/** Of what does not stand nothing was compared. */
function tellVerified(cell: DistributorAnswers["show"]["cells"][number]): string {
  if (!stands(cell)) return "";
  return cell.verified ? "yes" : "no";
}
