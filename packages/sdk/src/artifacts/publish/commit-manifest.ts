import type { S3Client } from "@aws-sdk/client-s3";
import { toArtifactError } from "../artifact-error.ts";
import type { Manifest, ManifestFile } from "../manifest.ts";
import type { ManifestProblem } from "../manifest-problem.ts";
import { digestManifest, toManifestText } from "../manifest-text.ts";
import { MAX_MANIFEST_BYTES, parseManifest } from "../parse-manifest.ts";
import { statusOf, toSdkError } from "../to-sdk-error.ts";
import { toBase64 } from "./upload-file.ts";

/** Where a manifest lies. */
export interface ManifestPlace {
  readonly client: S3Client;
  readonly bucket: string;
  readonly manifestKey: string;
  readonly signal: AbortSignal;
}

/** A manifest that stands. */
export interface StandingManifest {
  readonly manifest: Manifest;
  readonly manifestSha256: string;
}

/** The manifest that stands there; undefined: none. Throws `MANIFEST_INVALID` for something else under its key. */
export async function findManifest(place: ManifestPlace): Promise<StandingManifest | undefined> {
  const { bucket, manifestKey } = place;
  const text = await loadText(place);
  if (text === undefined) return undefined;
  const parsed = parseManifest(text);
  if (parsed.kind === "manifest") return { manifest: parsed.manifest, manifestSha256: digestManifest(text) };
  const message = `"${manifestKey}" in the bucket ${bucket} is no manifest: ${tell(parsed.problems)}`;
  throw toArtifactError("MANIFEST_INVALID", message, { hint: "Look who has written it, and publish another version." });
}

/**
 * Writes the manifest unless there is one: this is the commit. Undefined: somebody else was first. Throws `MANIFEST_INVALID` for
 * what nobody could read.
 */
export async function commitManifest(place: ManifestPlace, manifest: Manifest): Promise<StandingManifest | undefined> {
  const { client, bucket, manifestKey, signal } = place;
  const text = toManifestText(manifest);
  const manifestSha256 = digestManifest(text);
  checkReadable(place, text);
  const { PutObjectCommand } = await import("@aws-sdk/client-s3");
  const command = new PutObjectCommand({
    Bucket: bucket,
    Key: manifestKey,
    Body: text,
    ContentType: "application/json",
    IfNoneMatch: "*",
    ChecksumSHA256: toBase64(manifestSha256),
    Metadata: { "stackyard-sha256": manifestSha256 },
  });
  try {
    await client.send(command, { abortSignal: signal });
    return { manifest, manifestSha256 };
  } catch (error) {
    // 412: there is one. 409: somebody else writes one now (S3 user guide, "Conditional writes").
    if (statusOf(error) === 412 || statusOf(error) === 409) return undefined;
    throw toSdkError(error, `The manifest "${manifestKey}" could not be written into the bucket ${bucket}.`);
  }
}

/** A version never changes: what nobody could read would be lost for ever, such as a manifest with the parts of too many streams. */
function checkReadable({ manifestKey }: ManifestPlace, text: string): void {
  const parsed = parseManifest(text);
  if (parsed.kind === "manifest") return;
  const message = `"${manifestKey}" would be no manifest: ${tell(parsed.problems)}`;
  throw toArtifactError("MANIFEST_INVALID", message, {
    hint: "Publish several artifacts, or an archive of the files.",
  });
}

function tell([problem]: readonly ManifestProblem[]): string {
  return `${problem?.pointer ?? ""} ${problem?.message ?? ""}`.trim();
}

/** Keys of files that are in one only, or differ. Labels and instants are not content. */
export function compareFiles(
  a: readonly Pick<ManifestFile, "key" | "size" | "sha256" | "rewrite">[],
  b: readonly Pick<ManifestFile, "key" | "size" | "sha256" | "rewrite">[],
): readonly string[] {
  const [ofA, ofB] = [toLines(a), toLines(b)];
  const keys = new Set([...ofA.keys(), ...ofB.keys()]);
  return [...keys].filter((key) => ofA.get(key) !== ofB.get(key)).toSorted();
}

function toLines(
  files: readonly Pick<ManifestFile, "key" | "size" | "sha256" | "rewrite">[],
): ReadonlyMap<string, string> {
  return new Map(files.map(({ key, size, sha256, rewrite = "none" }) => [key, `${size} ${sha256} ${rewrite}`]));
}

async function loadText({ client, bucket, manifestKey, signal }: ManifestPlace): Promise<string | undefined> {
  const { GetObjectCommand } = await import("@aws-sdk/client-s3");
  try {
    const { Body, ContentLength = 0 } = await client.send(new GetObjectCommand({ Bucket: bucket, Key: manifestKey }), {
      abortSignal: signal,
    });
    if (ContentLength > MAX_MANIFEST_BYTES) return "";
    return (await Body?.transformToString()) ?? "";
  } catch (error) {
    if (statusOf(error) === 404 && !(error instanceof Error && error.name === "NoSuchBucket")) return undefined;
    const advice =
      statusOf(error) === 403 ? " Allow s3:GetObject, and s3:ListBucket, without which S3 denies what is missing." : "";
    throw toSdkError(error, `"${manifestKey}" in the bucket ${bucket} could not be read.${advice}`);
  }
}
