import type { Manifest, ManifestFile } from "@stackyard/sdk/artifacts";
import type { PublishedArtifact } from "../fan-out.ts";

/** A digest of the builders. */
export const SHA256 = "ab".repeat(32);

/** Returns a file of the builders' artifact. */
export function aFile(over: Partial<ManifestFile> = {}): ManifestFile {
  return { key: "billing-api/1.4.2/app.zip", size: 1_234, sha256: SHA256, contentType: "application/zip", ...over };
}

/** Returns a manifest of one file. */
export function aManifest(over: Partial<Manifest> = {}): Manifest {
  return {
    v: 1,
    name: "billing-api",
    version: "1.4.2",
    createdAt: "2026-11-20T06:00:00Z",
    files: [aFile()],
    ...over,
  };
}

/** Returns a published version of `files` files, or of these. */
export function anArtifact(files: number | readonly ManifestFile[] = [aFile()]): PublishedArtifact {
  const listed =
    typeof files === "number"
      ? Array.from({ length: files }, (_, index) => aFile({ key: `billing-api/1.4.2/${index}.zip` }))
      : [...files];
  return {
    manifest: aManifest({ files: listed }),
    manifestKey: "billing-api/1.4.2/manifest.json",
    manifestSha256: SHA256,
    sequence: 1_042,
    distributionId: "6a1f5f0e-0000-4000-8000-000000000001",
  };
}
