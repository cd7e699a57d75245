import type { S3Client } from "@aws-sdk/client-s3";
import { StackyardError } from "@stackyard/core";
import {
  type ArtifactsClient,
  checkStoredFile,
  createArtifactsClient,
  type DistributorAnswers,
  type Manifest,
  type ParsedManifest,
  parseManifest,
  type StoredFileCheck,
} from "@stackyard/sdk/artifacts";
import { formatTable } from "@stackyard/sdk/commands";
import { type Static, Type } from "typebox";
import { inParallel } from "../records.ts";
import {
  type ArtifactCommandSpec,
  type ArtifactContext,
  consumerFlags,
  createPacedTeller,
  distributorArgs,
  findDistributorRegion,
  findSourceBucket,
  openDistributor,
  roleArgs,
  sourceArgs,
  tellCount,
  toCell,
  usage,
  versionArgs,
} from "./artifact-command.ts";

const Args = Type.Object({
  ...versionArgs,
  ...consumerFlags,
  bucket: Type.Optional(
    Type.String({
      ...sourceArgs.bucket,
      description:
        "The bucket to look into. Default: the distributor's (STACKYARD_ARTIFACTS_BUCKET); with --account that of the consumer, as the distributor knows it.",
    }),
  ),
  ...roleArgs,
  read: Type.Optional(Type.Boolean({ description: "Read every byte. Default: only what says nothing of itself." })),
  ...distributorArgs,
});
type Args = Static<typeof Args>;

/** `artifacts verify`: does it really stand there? */
export const artifactsVerify: ArtifactCommandSpec<typeof Args> = {
  name: "artifacts verify",
  summary: "Compare a version with what really stands in the distributor's bucket, or in a consumer's.",
  description:
    "A consumer's bucket is looked into with your own credentials, or with those of --role; then the distributor is told what was seen, which repairs what lost receipts have left open. Exit code 1: something is missing or different.",
  examples: [
    { command: "stackyard artifacts verify billing-api 1.4.2 --read", what: "The source, every byte" },
    {
      command:
        "stackyard artifacts verify billing-api 1.4.2 --account 222233334444 --region eu-west-1 --role arn:aws:iam::222233334444:role/look",
      what: "A consumer",
    },
  ],
  args: Args,
  async run(context, args) {
    const client = createArtifactsClient({ call: await openDistributor(context, args) });
    const { account, region } = args;
    if (account !== undefined && region !== undefined)
      return verifyConsumer(context, client, { ...args, account, region });
    if (account !== undefined || region !== undefined) throw usage("--account and --region belong together.");
    if (args.role !== undefined) throw usage("--role belongs to --account and --region.");
    return verifySource(context, client, args);
  },
};

async function verifySource(context: ArtifactContext, client: ArtifactsClient, args: Args): Promise<number> {
  const bucket = findSourceBucket(context, args);
  const { files } = await loadManifest(client, args);
  const region = findDistributorRegion(context, args);
  const { s3 } = await context.openAws({ ...(region && { region }) });
  const seen = await checkFiles(context, { s3, bucket, files, read: args.read === true });
  return show(context, args, { bucket, seen });
}

async function verifyConsumer(
  context: ArtifactContext,
  client: ArtifactsClient,
  args: Args & { readonly account: string; readonly region: string },
): Promise<number> {
  const { name, version, account, region, role, externalId } = args;
  if (externalId !== undefined && role === undefined) throw usage("--external-id belongs to --role.");
  const bucket = args.bucket ?? (await client.consumer({ account, region })).bucket;
  if (bucket === null) throw usage(`The bucket in ${account} ${region} is not known. Give it with --bucket.`);
  const { files } = await loadManifest(client, args);
  const { s3 } = await context.openAws({ region, ...(role && { role }), ...(externalId && { externalId }) });
  // Ids of versions are the source's.
  const plain = files.map(({ versionId: _source, ...file }) => file);
  const seen = await checkFiles(context, { s3, bucket, files: plain, read: args.read === true });
  const told = seen.map(({ key, verdict, sha256 }) => ({ key, sha256: verdict === "missing" ? null : sha256 }));
  const answer = await client.compare({ account, region, name, version, bucket, seen: told });
  return show(context, args, { bucket, seen: seen.map((check) => correct(check, answer)) });
}

/** The distributor knows what consumers have told of templates that they rewrote, also where nothing stands beside the object. */
function correct(check: SeenFileCheck, answer: DistributorAnswers["compare"]): SeenFileCheck {
  if (check.verdict === "missing") return check;
  const isWrong = answer.missing.includes(check.key) || answer.different.includes(check.key);
  if (!isWrong) return { ...check, verdict: "matching" };
  return check.verdict === "matching" ? { ...check, verdict: "different" } : check;
}

async function loadManifest(client: ArtifactsClient, { name, version }: Args): Promise<Manifest> {
  const { manifest } = await client.show({ name, version });
  const parsed = parseManifest(JSON.stringify(manifest ?? null));
  const fault = findFault(parsed, { name, version });
  if (parsed.kind === "manifest" && fault === undefined) return parsed.manifest;
  throw new StackyardError(
    "SERVER_ERROR",
    `The distributor gave no valid manifest of ${name} ${version}: ${toCell(fault ?? "", 300)}`,
  );
}

/** Pointers have names that others have chosen. */
function findFault(parsed: ParsedManifest, wanted: Pick<Manifest, "name" | "version">): string | undefined {
  if (parsed.kind === "invalid") return parsed.problems.map(({ pointer, message }) => `${pointer} ${message}`)[0];
  const { name, version } = parsed.manifest;
  return name === wanted.name && version === wanted.version ? undefined : `It is of ${name} ${version}.`;
}

interface CheckInput {
  readonly s3: S3Client;
  readonly bucket: string;
  readonly files: Manifest["files"];
  readonly read: boolean;
}

interface SeenFileCheck extends StoredFileCheck {
  readonly key: string;
}

const AT_ONCE = 8;

function checkFiles({ out, clock, signal }: ArtifactContext, input: CheckInput): Promise<readonly SeenFileCheck[]> {
  const { s3: client, bucket, files, read } = input;
  let done = 0;
  const tell = createPacedTeller(out, clock);
  return inParallel(files, AT_ONCE, async (file) => {
    const check = await checkStoredFile({ client, bucket, file, read, signal });
    done += 1;
    const count = done;
    tell({
      phase: count === files.length ? "ended" : "checking",
      value: { kind: "verify", files: files.length, filesDone: count },
      toLine: () => `Checked ${count} of ${tellCount(files.length, "file")}`,
    });
    return { key: file.key, ...check };
  });
}

function show(
  { out }: ArtifactContext,
  { name, version }: Args,
  { bucket, seen }: { readonly bucket: string; readonly seen: readonly SeenFileCheck[] },
): number {
  const wrong = seen.filter(({ verdict }) => verdict !== "matching");
  const keysOf = (wanted: string) => seen.filter(({ verdict }) => verdict === wanted).map(({ key }) => key);
  const result = { matching: seen.length - wrong.length, missing: keysOf("missing"), different: keysOf("different") };
  out.result({ name, version, bucket, ...result }, () => {
    const where = `${name} ${version} in ${toCell(bucket, 63)}`;
    if (wrong.length === 0) return `${where}: all ${tellCount(seen.length, "file")} as published.`;
    const lines = formatTable(wrong.map(({ verdict, key }) => [verdict, toCell(key, 200)]));
    return `${where}: ${wrong.length} of ${tellCount(seen.length, "file")} not as published.\n${lines}`;
  });
  return wrong.length === 0 ? 0 : 1;
}
