import { createHash } from "node:crypto";
import { Type } from "typebox";
import { Compile } from "typebox/compile";
import type { ArtifactSource } from "./artifact-source.ts";
import { CopyStop } from "./copy-fault.ts";
import type { AnnouncedFile } from "./judge-stored.ts";
import { type PartPlan, planParts } from "./plan-parts.ts";

const sha256 = Type.String({ pattern: "^[0-9a-f]{64}$" });
const size = Type.Integer({ minimum: 0, maximum: Number.MAX_SAFE_INTEGER });
const part = Type.Object({ size, sha256 });
/** What of a manifest is of use here. */
const ManifestFiles = Type.Object({
  files: Type.Array(
    Type.Object({
      key: Type.String(),
      size,
      sha256,
      parts: Type.Optional(Type.Array(part, { maxItems: 10_000 })),
    }),
    { maxItems: 1_000 },
  ),
});
const compiled = Compile(ManifestFiles);

/** As large as a publisher makes it. */
const MAX_MANIFEST_BYTES = 4 * 1_024 ** 2;

/**
 * The parts of a large file, from the manifest that the message names by its digest. Undefined where there is no manifest to
 * be had, or none that is right: then the digest of the whole is what there is. Fails with a `CopyStop` where it may be had later.
 */
export async function findParts(
  source: ArtifactSource,
  message: AnnouncedFile,
  signal: AbortSignal,
): Promise<PartPlan | undefined> {
  const { manifest, artifact, ArtifactKey } = message;
  if (manifest === undefined) return undefined;
  const text = await readManifest(source, manifest, signal);
  const files = text === undefined ? [] : parseFiles(text);
  const file = files.find(({ key, ...said }) => key === ArtifactKey && said.sha256 === artifact.sha256);
  return file?.parts === undefined ? undefined : planParts(artifact.size, file.parts);
}

async function readManifest(
  source: ArtifactSource,
  { key, url, sha256: expected }: NonNullable<AnnouncedFile["manifest"]>,
  signal: AbortSignal,
): Promise<Buffer | undefined> {
  try {
    const { body, cancel } = await source({ key, signal, ...(url !== undefined && { url }) });
    try {
      const bytes = await readAll(body);
      const isRight = bytes !== undefined && createHash("sha256").update(bytes).digest("hex") === expected;
      return isRight ? bytes : undefined;
    } finally {
      cancel();
    }
  } catch (error) {
    if (error instanceof CopyStop && ["counted", "refused"].includes(error.fault.kind)) return undefined;
    throw error;
  }
}

async function readAll(body: AsyncIterable<Uint8Array>): Promise<Buffer | undefined> {
  const chunks: Uint8Array[] = [];
  let read = 0;
  for await (const chunk of body) {
    read += chunk.byteLength;
    if (read > MAX_MANIFEST_BYTES) return undefined;
    chunks.push(chunk);
  }
  return Buffer.concat(chunks);
}

function parseFiles(bytes: Buffer) {
  try {
    const value: unknown = JSON.parse(bytes.toString("utf-8"));
    return compiled.Check(value) ? value.files : [];
  } catch {
    return [];
  }
}
