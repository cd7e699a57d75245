import {
  type CallDistributor,
  type CoverageOutcome,
  type PublishProgress,
  type PublishResult,
  publishArtifact,
} from "@stackyard/sdk/artifacts";
import { type Static, Type } from "typebox";
import { distributorArgs, sourceArgs, versionArgs, waitArgs } from "./artifact-args.ts";
import type { ArtifactCommandSpec, ArtifactContext } from "./artifact-command.ts";
import { type FollowCoverageInput, followCoverage, noteMissing } from "./follow-coverage.ts";
import { findDistributorRegion, findSourceBucket, openDistributor, usage } from "./open-distributor.ts";
import { parseLabels } from "./parse-labels.ts";
import { findPublishFiles } from "./publish-files.ts";
import { createPacedTeller } from "./report/create-paced-teller.ts";
import { tellRow } from "./report/tell-coverage.ts";
import { tellPublished, tellPublishing, toPublishPicture } from "./report/tell-publish.ts";

const Args = Type.Object({
  ...versionArgs,
  path: Type.String({ minLength: 1, maxLength: 4_096, description: "A folder with the files, or a file." }),
  file: Type.Optional(
    Type.Array(Type.String({ minLength: 1, maxLength: 4_096 }), {
      maxItems: 1_000,
      placeholder: "path",
      description: "One more file or folder. May be repeated.",
    }),
  ),
  label: Type.Optional(
    Type.Array(Type.String({ minLength: 1, maxLength: 400 }), {
      maxItems: 50,
      placeholder: "key=value",
      description: "Stands in the manifest, such as commit=4f1c9d2. May be repeated.",
    }),
  ),
  rewriteTemplates: Type.Optional(
    Type.Boolean({ description: "Consumers write their own bucket's name into templates of CloudFormation." }),
  ),
  hidden: Type.Optional(Type.Boolean({ description: "Also files whose names begin with a dot." })),
  ...sourceArgs,
  ...waitArgs,
  ...distributorArgs,
});
type Args = Static<typeof Args>;

/** `artifacts publish`: brings files to where the distributor finds them, and commits them by a manifest. */
export const artifactsPublish: ArtifactCommandSpec<typeof Args> = {
  name: "artifacts publish",
  summary:
    "Publish the files of a folder as a version of an artifact, for every account and region that should have it.",
  description:
    "A version never changes: the same content again is no error, other content is VERSION_CONFLICT. What an interrupted publication has sent is not sent again. Exit code 4: with --wait, the time was over; the version is published.",
  examples: [
    {
      command: "stackyard artifacts publish billing-api 1.4.2 dist --label commit=4f1c9d2",
      what: "The files of a folder",
    },
    {
      command: "stackyard artifacts publish billing-api 1.4.2 app.zip --file template.yaml --rewrite-templates",
      what: "Two files; the template is to name each consumer's bucket",
    },
    {
      command: "stackyard artifacts publish billing-api 1.4.2 dist --wait --timeout 15m",
      what: "Go on when it stands everywhere",
    },
  ],
  args: Args,
  run: publish,
};

async function publish(context: ArtifactContext, args: Args): Promise<number> {
  const { out, clock, signal } = context;
  const { name, version, wait = false } = args;
  if (args.timeout !== undefined && !wait) throw usage("--timeout belongs to --wait.");
  const bucket = findSourceBucket(context, args);
  const labels = parseLabels(args.label);
  // Before anything is sent: who cannot wait shall not find out at the end.
  const call = wait ? await openDistributor(context, args) : undefined;
  const files = await findFiles(context, args);
  const region = findDistributorRegion(context, args);
  const { s3: client } = await context.openAws({ ...(region && { region }) });
  const prefix = args.prefix ?? context.environment["STACKYARD_ARTIFACTS_PREFIX"] ?? "";
  const tell = createPacedTeller(out, clock);
  const onProgress = (progress: PublishProgress) =>
    tell({
      phase: progress.phase,
      value: { kind: "publish", ...progress },
      toLine: () => tellPublishing(progress),
      toBlock: (columns) => toPublishPicture(progress, columns),
    });
  const result = await publishArtifact({
    client,
    bucket,
    prefix,
    name,
    version,
    labels,
    files,
    signal,
    onProgress,
    now: () => clock.now(),
  });
  noteLabels(context, result, labels);
  if (call === undefined) return show(context, result);
  return waitFor(context, result, { call, name, version, ...(args.timeout && { timeout: args.timeout }) });
}

async function findFiles({ cwd, out }: ArtifactContext, args: Args) {
  const options = { cwd, hidden: args.hidden === true, rewriteTemplates: args.rewriteTemplates === true };
  const found = [];
  for (const path of [args.path, ...(args.file ?? [])]) found.push(await findPublishFiles(path, options));
  const hidden = found.reduce((sum, each) => sum + each.hidden, 0);
  if (hidden > 0) out.note(`Hidden files that were left out: ${hidden}. --hidden publishes them too.`);
  return found.flatMap((each) => each.files);
}

async function waitFor(
  context: ArtifactContext,
  result: PublishResult,
  input: FollowCoverageInput & { readonly call: CallDistributor },
): Promise<number> {
  context.out.note(tellPublished(result));
  const outcome = await followCoverage(context, input);
  show(context, result, outcome);
  noteMissing(context, input, outcome);
  return outcome.kind === "covered" ? 0 : 4;
}

function show({ out }: ArtifactContext, result: PublishResult, coverage?: CoverageOutcome): number {
  const { manifest, ...facts } = result;
  const { name, version } = manifest;
  const covered =
    coverage === undefined ? {} : { covered: coverage.kind === "covered", coverage: coverage.row ?? null };
  out.result({ name, version, ...facts, files: manifest.files.length, ...covered }, () => {
    if (coverage === undefined) return tellPublished(result);
    return coverage.row === undefined ? tellPublished(result) : `${tellRow(coverage.row)}.`;
  });
  return 0;
}

/** Labels are no content: a version that stands keeps its own. */
function noteLabels(
  { out }: ArtifactContext,
  { outcome, manifest }: PublishResult,
  labels: Readonly<Record<string, string>>,
): void {
  const standing = manifest.labels ?? {};
  const differing = Object.entries(labels).filter(([key, value]) => standing[key] !== value);
  if (outcome === "published" || differing.length === 0) return;
  out.note(
    `The version keeps the labels that it was published with; not taken: ${differing.map(([key]) => key).join(", ")}`,
  );
}
