import { createHash } from "node:crypto";
import type { PublishedArtifact } from "@stackyard/distributor";

/** A published version of so many files, as the distributor keeps it. */
export function anArtifact(version: string, files: number): PublishedArtifact {
  const name = "billing-api";
  const toFile = (index: number) => {
    const key = `${name}/${version}/service-${index}.zip`;
    const sha256 = createHash("sha256").update(key).digest("hex");
    return { key, size: 1_234 + index, sha256, contentType: "application/zip", versionId: sha256.slice(0, 32) };
  };
  const manifest = {
    v: 1 as const,
    name,
    version,
    createdAt: "2026-11-20T06:00:00Z",
    files: Array.from({ length: files }, (_, index) => toFile(index)),
  };
  return {
    manifest,
    manifestKey: `${name}/${version}/manifest.json`,
    manifestSha256: "ab".repeat(32),
    sequence: 1_042,
    distributionId: "6a1f5f0e-0000-4000-8000-000000000001",
  };
}
