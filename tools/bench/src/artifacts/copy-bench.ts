import { createHash } from "node:crypto";
import { PutObjectCommand, S3Client } from "@aws-sdk/client-s3";
import { createUrlSigner } from "@stackyard/distributor/function";
import { CREDENTIALS } from "../aws/emulators.ts";
import { type Child, startChild } from "../aws/start-child.ts";
import type { CopyOrder, CopyWay } from "./copy-ways.ts";
import { createHastyClock } from "./hasty-clock.ts";
import { DISTRIBUTOR } from "./message-place.ts";
import { sliceParts } from "./slice-parts.ts";
import { digestSynthetic } from "./synthetic-bytes.ts";
import { type SyntheticS3Options, toSyntheticKey } from "./synthetic-s3.ts";

/** Two buckets in a process of their own, and files of any length in the first. */
export interface CopyBench {
  readonly url: string;
  /** The message about a file of so many bytes; its manifest lies in the bucket then. */
  announce(bytes: number): Promise<Omit<CopyOrder, "way">>;
  /** A fresh process that copies. */
  startCopier(): Promise<BenchCopier>;
  /** The port where the same buckets are served by TLS. */
  startSecure(): Promise<number>;
  end(): Promise<void>;
}

/** A process that copies, one file after the other. */
export interface BenchCopier {
  /** Gives seconds. */
  copy(way: CopyWay, order: Omit<CopyOrder, "way">): Promise<number>;
  end(): Promise<void>;
}

/** The emulator's process. */
export type ServerChild = Child<{
  readonly start: (options: SyntheticS3Options) => Promise<string>;
  readonly startSecure: (input: null) => Promise<number>;
}>;
type CopyChild = Child<{
  readonly connect: (url: string) => Promise<void>;
  readonly copy: (order: CopyOrder) => Promise<number>;
}>;

const MAX_WHOLE_BYTES = 64 * 1_048_576;
const PLACE = { name: "bench", version: "1.0.0" };
const MANIFEST_KEY = `${PLACE.name}/${PLACE.version}/manifest.json`;

/** Starts the emulator. */
export async function startCopyBench(): Promise<CopyBench> {
  const server: ServerChild = startChild("synthetic-s3-process.ts");
  const url = await server.call("start", {});
  return {
    url,
    end: server.end,
    announce: (bytes) => announce(url, bytes),
    startCopier: () => startCopier(url),
    startSecure: () => server.call("startSecure", null),
  };
}

async function startCopier(url: string): Promise<BenchCopier> {
  const child: CopyChild = startChild("copy-process.ts");
  await child.call("connect", url);
  return { copy: (way, order) => child.call("copy", { way, ...order }), end: child.end };
}

async function announce(url: string, bytes: number): Promise<Omit<CopyOrder, "way">> {
  const [key, sha256] = [toSyntheticKey(bytes), digestSynthetic(bytes)];
  const sign = createSigner();
  const artifact = { ...PLACE, size: bytes, sha256, contentType: "application/octet-stream" };
  const common = { v: 2 as const, ArtifactKey: key, ArtifactUrl: await sign(key), artifact, source: DISTRIBUTOR };
  if (bytes <= MAX_WHOLE_BYTES) return { message: common, bytes };
  const text = JSON.stringify({ files: [{ key, size: bytes, sha256, parts: digestParts(bytes) }] });
  const s3 = new S3Client({
    endpoint: url,
    region: DISTRIBUTOR.region,
    credentials: CREDENTIALS,
    forcePathStyle: true,
  });
  await s3.send(new PutObjectCommand({ Bucket: DISTRIBUTOR.bucket, Key: MANIFEST_KEY, Body: text }));
  s3.destroy();
  const digest = createHash("sha256").update(text).digest("hex");
  return {
    message: { ...common, manifest: { key: MANIFEST_KEY, sha256: digest, url: await sign(MANIFEST_KEY) } },
    bytes,
  };
}

/** Parts begin where the bytes repeat, so those of one length are the same. */
function digestParts(bytes: number): readonly { readonly size: number; readonly sha256: string }[] {
  const known = new Map<number, string>();
  return sliceParts(bytes).map(({ from, to }) => {
    const size = to - from + 1;
    const sha256 = known.get(size) ?? digestSynthetic(size);
    known.set(size, sha256);
    return { size, sha256 };
  });
}

function createSigner(): (key: string) => Promise<string> {
  const { bucket, region } = DISTRIBUTOR;
  const signer = createUrlSigner({ bucket, region, credentials: async () => CREDENTIALS, clock: createHastyClock() });
  return async (key) => (await signer.sign({ key, wantedSeconds: 3_600 })).url;
}
