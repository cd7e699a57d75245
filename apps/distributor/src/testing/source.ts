import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { PutObjectCommand, S3Client } from "@aws-sdk/client-s3";
import { type AwsSim, createSimPlugin } from "@stackyard/aws-sim";
import { toManifestText } from "@stackyard/sdk/artifacts";

/** The account and region of the distributor. */
export const SOURCE = { account: "999988887777", region: "eu-west-1" } as const;
/** Its bucket. */
export const BUCKET = "source";

interface ArtifactInput {
  readonly name: string;
  readonly version: string;
  readonly files: Readonly<Record<string, string>>;
}

/** Writes like an account with write access to the bucket, as the user `ada`. */
export async function writeArtifact(sim: AwsSim, { name, version, files }: ArtifactInput): Promise<void> {
  const credentials = sim.iam.addUser({ ...SOURCE, name: "ada" });
  const s3 = new S3Client({ region: SOURCE.region, credentials });
  s3.middlewareStack.use(createSimPlugin(sim) as never);
  const folder = `artifacts/${name}/${version}/`;
  const put = (path: string, Body: string) =>
    s3.send(new PutObjectCommand({ Bucket: BUCKET, Key: folder + path, Body }));
  for (const [path, body] of Object.entries(files)) await put(path, body);
  const listed = Object.entries(files).map(([path, body]) => {
    const sha256 = createHash("sha256").update(body).digest("hex");
    return { key: folder + path, sha256, size: body.length };
  });
  const createdAt = "2026-11-20T06:00:00Z";
  await put("manifest.json", toManifestText({ v: 1, name, version, createdAt, files: listed }));
}

/** Returns the actions of the policy in the README. */
export function readActions(): readonly string[] {
  const readme = readFileSync(join(import.meta.dirname, "../../README.md"), "utf8");
  const [, json = "{}"] = /```json\n([\s\S]*?)```/.exec(readme) ?? [];
  return JSON.parse(json).Statement.flatMap(({ Action }: { readonly Action: readonly string[] }) => Action);
}
