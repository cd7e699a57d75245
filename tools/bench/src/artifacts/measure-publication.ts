import { createWriteStream } from "node:fs";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Readable } from "node:stream";
import { pipeline } from "node:stream/promises";
import { S3Client } from "@aws-sdk/client-s3";
import { publishArtifact } from "@stackyard/sdk/artifacts";
import { CREDENTIALS } from "../aws/emulators.ts";
import { startChild } from "../aws/start-child.ts";
import { orderOfRound, toSpread } from "../side-by-side/statistics.ts";
import type { PublicationFigures } from "./artifact-figures.ts";
import type { ServerChild } from "./copy-bench.ts";
import { hashAlone, uploadAlone } from "./halves-of-publishing.ts";
import { DISTRIBUTOR } from "./message-place.ts";
import { timeSeconds } from "./pair-rounds.ts";
import { readSynthetic } from "./synthetic-bytes.ts";

/** What is published, and through what. */
export interface PublicationInput {
  readonly bytes: number;
  readonly rounds: number;
  /** Default: the loopback interface without a limit. */
  readonly mibPerSecond?: number;
}

/** A bucket that takes nothing for known: every publication is new to it. */
const BUCKET = "published";

/** Publishes a file from the disk, digests it alone and uploads it alone, in turn, after a round that does not count. */
export async function measurePublication(input: PublicationInput): Promise<PublicationFigures> {
  const { bytes, rounds, mibPerSecond } = input;
  const folder = await mkdtemp(join(tmpdir(), "stackyard-bench-"));
  const server: ServerChild = startChild("synthetic-s3-process.ts");
  try {
    const url = await server.call("start", mibPerSecond === undefined ? {} : { mibPerSecond });
    const path = join(folder, "file.bin");
    await pipeline(Readable.from(readSynthetic(0, bytes - 1), { objectMode: false }), createWriteStream(path));
    const taken = await runRounds(createRuns(url, { path, bytes }), rounds);
    return {
      link: mibPerSecond === undefined ? "loopback" : `${mibPerSecond} MiB a second`,
      bytes,
      ...toFigures(taken),
    };
  } finally {
    await server.end();
    await rm(folder, { recursive: true, force: true });
  }
}

type Round = Readonly<Record<"publish" | "hash" | "upload", number>>;
type Runs = Readonly<Record<keyof Round, () => Promise<unknown>>>;

function createRuns(url: string, { path, bytes }: { readonly path: string; readonly bytes: number }): Runs {
  const options = { endpoint: url, region: DISTRIBUTOR.region, credentials: CREDENTIALS, forcePathStyle: true };
  const client = new S3Client(options);
  const plain = new S3Client({ ...options, requestChecksumCalculation: "WHEN_REQUIRED" });
  let versions = 0;
  return {
    publish() {
      versions += 1;
      const files = [{ path: `${bytes}.bin`, body: path }];
      return publishArtifact({ client, bucket: BUCKET, name: "bench", version: `1.0.${versions}`, files });
    },
    hash: () => hashAlone(path, bytes),
    upload: () => uploadAlone({ client: plain, bucket: BUCKET, path, bytes }),
  };
}

async function runRounds(runs: Runs, rounds: number): Promise<readonly Round[]> {
  const taken: Round[] = [];
  for (let round = 0; round <= rounds; round += 1) {
    const seconds = { publish: Number.NaN, hash: Number.NaN, upload: Number.NaN };
    for (const name of orderOfRound(["publish", "hash", "upload"] as const, round)) {
      seconds[name] = await timeSeconds(runs[name]);
    }
    if (round > 0) taken.push(seconds);
  }
  return taken;
}

function toFigures(rounds: readonly Round[]): Omit<PublicationFigures, "link" | "bytes"> {
  return {
    seconds: toSpread(rounds.map(({ publish }) => publish)),
    hashSeconds: toSpread(rounds.map(({ hash }) => hash)),
    uploadSeconds: toSpread(rounds.map(({ upload }) => upload)),
    ratio: toSpread(rounds.map(({ publish, hash, upload }) => publish / Math.max(hash, upload))),
  };
}
