import { createHash } from "node:crypto";
import { PutObjectCommand } from "@aws-sdk/client-s3";
import { createAwsSim } from "@stackyard/aws-sim";
import { createMemoryRecords, createRandom } from "@stackyard/core/testing";
import { type Manifest, type ManifestFile, toManifestText } from "@stackyard/sdk/artifacts";
import type { AnnouncementTarget, PublishedArtifact } from "../fan-out.ts";
import { PLACE } from "./a-cell.ts";
import { createPassingClock } from "./passing-clock.ts";
import { openSimClients } from "./sim-clients.ts";

/** The bucket of the source. */
export const BUCKET = "dist-bucket";

/** One call of the announcer. */
export interface Announced {
  readonly artifact: PublishedArtifact;
  readonly target: AnnouncementTarget;
  readonly keys: readonly string[];
}

/** Creates a source bucket with versions, records, and an announcer that records its calls. */
export function createSource() {
  const clock = createPassingClock(Date.UTC(2026, 10, 20, 6));
  const sim = createAwsSim({ clock });
  sim.s3.createBucket({ ...PLACE, name: BUCKET, versioned: true });
  const { s3 } = openSimClients(sim, PLACE);
  const records = createMemoryRecords();
  const announced: Announced[] = [];
  const announcer = {
    async announce(artifact: PublishedArtifact, target: AnnouncementTarget, wanted?: readonly string[]) {
      const keys = wanted ?? artifact.manifest.files.map(({ key }) => key);
      announced.push({ artifact, target, keys });
      return keys.length;
    },
  };

  async function put(key: string, body: string): Promise<ManifestFile> {
    await s3.send(new PutObjectCommand({ Bucket: BUCKET, Key: key, Body: body }));
    return { key, size: Buffer.byteLength(body), sha256: toSha256(body) };
  }

  async function putManifest(manifest: Manifest, key = `${manifest.name}/${manifest.version}/manifest.json`) {
    await put(key, toManifestText(manifest));
    return { bucket: BUCKET, key };
  }

  return { clock, random: createRandom(1), sim, s3, records, announcer, announced, put, putManifest };
}

/** Returns the SHA-256 in 64 lower-case hex digits. */
export function toSha256(text: string | Uint8Array): string {
  return createHash("sha256").update(text).digest("hex");
}
