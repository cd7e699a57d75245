import type { S3Client } from "@aws-sdk/client-s3";
import { defineCommand, mapLimited, optionalFlag, optionalText, StackyardError } from "@stackyard/core";
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
import { formatTable, toCell } from "@stackyard/sdk/commands";
import { type Static, Type } from "typebox";
import {
  type ArtifactContext,
  consumerFlags,
  createProgressReporter,
  distributorArgs,
  findDistributorRegion,
  findSourceBucket,
  formatCount,
  openDistributor,
  roleArgs,
  sourceArgs,
  usage,
  versionArgs,
} from "./artifact-command.ts";

const Args = Type.Object({
  ...versionArgs,
  ...consumerFlags,
  bucket: optionalText(
    "The bucket to check. Default: the distributor's (STACKYARD_ARTIFACTS_BUCKET); with --account, the consumer's bucket as known to the distributor.",
    { ...sourceArgs.bucket },
  ),
  ...roleArgs,
  read: optionalFlag("Read every byte. Default: only objects without a stored digest."),
  ...distributorArgs,
});
type Args = Static<typeof Args>;

/** `artifacts verify`: compares a version with the objects in a bucket. */
export const artifactsVerify = defineCommand({
  name: "artifacts verify",
  summary: "Compare a version with the objects in the distributor's bucket, or in a consumer's.",
  description:
    "A consumer's bucket is read with your own credentials, or with --role. The result is reported to the distributor, which replaces lost receipts. Exit code 1: a file is missing or different.",
  examples: {
    "stackyard artifacts verify billing-api 1.4.2 --read": "The source, every byte",
    "stackyard artifacts verify billing-api 1.4.2 --account 222233334444 --region eu-west-1 --role arn:aws:iam::222233334444:role/verify":
      "A consumer",
  },
  args: Args,
  async run(context: ArtifactContext, args) {
    const client = createArtifactsClient({ call: await openDistributor(context, args) });
    const { account, region } = args;
    if (account !== undefined && region !== undefined)
      return verifyConsumer(context, client, { ...args, account, region });
    if (account !== undefined || region !== undefined) throw usage("--account and --region require each other.");
    if (args.role !== undefined) throw usage("--role requires --account and --region.");
    return verifySource(context, client, args);
  },
});

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
  if (externalId !== undefined && role === undefined) throw usage("--external-id requires --role.");
  const bucket = args.bucket ?? (await client.consumer({ account, region })).bucket;
  if (bucket === null) throw usage(`The bucket in ${account} ${region} is unknown. Pass --bucket.`);
  const { files } = await loadManifest(client, args);
  const { s3 } = await context.openAws({ region, ...(role && { role }), ...(externalId && { externalId }) });
  // Version ids belong to the source bucket.
  const plain = files.map(({ versionId: _source, ...file }) => file);
  const startedAt = context.clock.now();
  const seen = await checkFiles(context, { s3, bucket, files: plain, read: args.read === true });
  const elapsedMs = context.clock.now() - startedAt;
  const told = seen.map(({ key, verdict, sha256 }) => ({ key, sha256: verdict === "missing" ? null : sha256 }));
  const answer = await client.compare({ account, region, name, version, bucket, elapsedMs, seen: told });
  return show(context, args, { bucket, seen: seen.map((check) => correct(check, answer)) });
}

/** Corrects a check with the distributor's records, which contain the digests of rewritten templates. */
function correct(check: SeenFileCheck, answer: DistributorAnswers["compare"]): SeenFileCheck {
  if (check.verdict === "missing") return check;
  const isWrong = answer.missing.includes(check.key) || answer.different.includes(check.key);
  if (!isWrong) return { ...check, verdict: "matching" };
  return check.verdict === "matching" ? { ...check, verdict: "different" } : check;
}

async function loadManifest(client: ArtifactsClient, { name, version }: Args): Promise<Manifest> {
  const { manifest, refusal } = await client.show({ name, version });
  if (manifest === null && refusal !== undefined) {
    const message = `The distributor refused ${name} ${version} (${refusal.code}). ${refusal.reason}`;
    throw new StackyardError("OUTCOME_NEGATIVE", toCell(message, 1_000));
  }
  const parsed = parseManifest(JSON.stringify(manifest ?? null));
  const fault = findFault(parsed, { name, version });
  if (parsed.kind === "manifest" && fault === undefined) return parsed.manifest;
  const what = `The distributor returned an invalid manifest of ${name} ${version}`;
  throw new StackyardError("SERVER_ERROR", `${what}: ${toCell(fault ?? "", 300)}`);
}

/** Returns the first fault of a manifest. */
function findFault(parsed: ParsedManifest, wanted: Pick<Manifest, "name" | "version">): string | undefined {
  if (parsed.kind === "invalid") return parsed.problems.map(({ pointer, message }) => `${pointer} ${message}`)[0];
  const { name, version } = parsed.manifest;
  return name === wanted.name && version === wanted.version ? undefined : `It describes ${name} ${version}.`;
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
  const tell = createProgressReporter(out, clock);
  return mapLimited(files, AT_ONCE, async (file) => {
    const check = await checkStoredFile({ client, bucket, file, read, signal });
    done += 1;
    const count = done;
    tell({
      phase: count === files.length ? "ended" : "checking",
      value: { kind: "verify", files: files.length, filesDone: count },
      toLine: () => `Checked ${count} of ${formatCount(files.length, "file")}`,
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
    if (wrong.length === 0) return `${where}: all ${formatCount(seen.length, "file")} match.`;
    const lines = formatTable(wrong.map(({ verdict, key }) => [verdict, toCell(key, 200)]));
    return `${where}: ${wrong.length} of ${formatCount(seen.length, "file")} do not match.\n${lines}`;
  });
  return wrong.length === 0 ? 0 : 1;
}
