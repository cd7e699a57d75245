import { createHash } from "node:crypto";
import { S3Client } from "@aws-sdk/client-s3";
import { createS3Records } from "@stackyard/aws/s3";
import { type AwsSim, createAwsSim, createSimPlugin } from "@stackyard/aws-sim";
import { createFakeClock, type FakeClock } from "@stackyard/core/testing";
import { type Copier, type CopierDeps, createCopier } from "../copy/copier.ts";
import { createCopyMemory } from "../copy/copy-memory.ts";
import type { SourceAnswer, SourceFetch } from "../copy/source-fetch.ts";
import type { ArtifactMessage } from "../messages.ts";
import { aUrl, KEY, NOW } from "./a-message.ts";

/** Account, region and bucket of the consumer. */
export const TARGET = { account: "444455556666", region: "eu-central-1", bucket: "artifacts" } as const;
const SOURCE = { account: "111122223333", region: "eu-west-1", bucket: "dist-bucket" } as const;
const MIB = 1_024 ** 2;

/** A simulated consumer that copies. */
export interface ACopier {
  readonly sim: AwsSim;
  readonly clock: FakeClock;
  readonly copier: Copier;
  /** The consumer's own client, in its own region. */
  readonly client: S3Client;
  /** Creates another process of the same consumer. */
  create(over?: Partial<CopierDeps> & { readonly client?: S3Client }): Copier;
  connect(region?: string): S3Client;
}

/** Creates consumer and distributor, each with a bucket; `allow`: the consumer's permissions. */
export function createACopier(
  over: Partial<CopierDeps> = {},
  { allow = ["*"], shared = false }: { readonly allow?: readonly string[]; readonly shared?: boolean } = {},
): ACopier {
  const clock = createFakeClock(NOW);
  const sim = createAwsSim({ clock });
  sim.s3.createBucket({ name: TARGET.bucket, account: TARGET.account, region: TARGET.region, versioned: true });
  const sharedWith = shared ? [TARGET.account] : [];
  sim.s3.createBucket({ name: SOURCE.bucket, account: SOURCE.account, region: SOURCE.region, sharedWith });
  const credentials = sim.iam.addUser({ account: TARGET.account, name: "consumer", allow });
  const connect = (region: string = TARGET.region) => {
    const made = new S3Client({ region, credentials, maxAttempts: 1 });
    made.middlewareStack.use(createSimPlugin(sim));
    return made;
  };
  const client = connect();
  const create: ACopier["create"] = ({ client: own = client, ...more } = {}) => {
    const records = createS3Records({ client: own, bucket: TARGET.bucket, prefix: ".stackyard/", clock });
    return createCopier({
      fetch: () => Promise.reject(new Error("Nothing is to be fetched.")),
      target: { ...TARGET, client: own },
      source: SOURCE,
      transfer: "presigned",
      memory: createCopyMemory(records, clock),
      clock,
      wholeBytes: 5 * MIB,
      ...over,
      ...more,
    });
  };
  return { sim, clock, client, connect, create, copier: create() };
}

/** Returns a message of the second version about these bytes. */
export function anAnnouncement(
  bytes: Buffer,
  over: Partial<Extract<ArtifactMessage, { readonly v: 2 }>["artifact"]> = {},
): Extract<ArtifactMessage, { readonly v: 2 }> {
  const facts = { name: "billing-api", version: "1.4.2", size: bytes.length, sha256: digest(bytes) };
  return {
    v: 2,
    ArtifactKey: KEY,
    ArtifactUrl: aUrl(),
    distributionId: "d-1",
    sequence: 7,
    artifact: { ...facts, contentType: "application/zip", ...over },
    source: { ...SOURCE },
  };
}

/** Returns a message of the first version. */
export function anOldAnnouncement(key = KEY): ArtifactMessage {
  return { v: 1, ArtifactKey: key, ArtifactUrl: aUrl({}, `/${key}`) };
}

/** Returns the SHA-256 in hex. */
export function digest(bytes: Uint8Array): string {
  return createHash("sha256").update(bytes).digest("hex");
}

/** Returns bytes that differ from position to position. */
export function someBytes(size: number, seed = 1): Buffer {
  const bytes = Buffer.alloc(size, createHash("sha512").update(String(seed)).digest());
  for (let at = 0; at < size; at += 4_096) bytes.writeUInt32LE((at + seed) >>> 0, Math.min(at, Math.max(0, size - 4)));
  return bytes;
}

/** Creates a source of these bytes, or parts of them; a script's result for a request is served instead. */
export function serve(
  files: Readonly<Record<string, Buffer>>,
  script: (call: number, bytes: Buffer) => Partial<SourceAnswer> | Buffer | undefined = () => undefined,
): SourceFetch & { readonly ranges: (string | undefined)[] } {
  const ranges: (string | undefined)[] = [];
  const fetch: SourceFetch = async ({ key, range }) => {
    ranges.push(range && `${range.from}-${range.to}`);
    const whole = files[key];
    if (whole === undefined) return { kind: "refused", status: 404, code: "NoSuchKey" };
    const bytes = range === undefined ? whole : whole.subarray(range.from, range.to + 1);
    const scripted = script(ranges.length, bytes);
    const sent = Buffer.isBuffer(scripted) ? scripted : bytes;
    const content: SourceAnswer = {
      kind: "content",
      length: bytes.length,
      body: inChunks(sent),
      cancel: () => undefined,
      ...(range && { range: { ...range, size: whole.length } }),
    };
    return scripted === undefined || Buffer.isBuffer(scripted)
      ? content
      : ({ ...content, ...scripted } as SourceAnswer);
  };
  return Object.assign(fetch, { ranges });
}

/** Yields bytes in chunks, like a network. */
export async function* inChunks(bytes: Buffer, size = 700_001): AsyncGenerator<Uint8Array> {
  for (let at = 0; at < bytes.length; at += size) yield bytes.subarray(at, at + size);
}
