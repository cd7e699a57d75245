import { orderOfRound, toSpread } from "../side-by-side/statistics.ts";
import type { CopyFigures } from "./artifact-figures.ts";
import { copyByAws } from "./aws-program.ts";
import type { CopyBench } from "./copy-bench.ts";
import type { CopyWay } from "./copy-ways.ts";
import { CONSUMER, DISTRIBUTOR } from "./message-place.ts";
import { timeSeconds } from "./pair-rounds.ts";

/** What is copied, and how often. */
export interface CopiesInput {
  readonly bytes: number;
  readonly rounds: number;
  /** Version of the `aws` program; undefined: not installed. */
  readonly aws: string | undefined;
}

interface Contender {
  readonly way: string;
  /** Gives seconds. */
  run(): Promise<number>;
}

/** Names of the ways within one process. */
const COPY_WAYS: Readonly<Record<CopyWay, string>> = {
  presigned: "consumer, by presigned URL, digests compared",
  identity: "consumer, by its role, digests compared",
  plain: "plain SDK, from stream to stream, no digests",
};
const MIB = 1_048_576;

/** Copies a file in each way, in turn, after a round that does not count; ratios are to the plain stream of the same round. */
export async function measureCopies(bench: CopyBench, input: CopiesInput): Promise<readonly CopyFigures[]> {
  const { bytes, rounds, aws } = input;
  const order = await bench.announce(bytes);
  const copier = await bench.startCopier();
  try {
    const own = (["presigned", "identity", "plain"] as const).map((way) => ({
      way: COPY_WAYS[way],
      run: () => copier.copy(way, order),
    }));
    const contenders = aws === undefined ? own : [...own, toAws(bench.url, order.message.ArtifactKey, { bytes, aws })];
    return toFigures(await runRounds(contenders, rounds), bytes);
  } finally {
    await copier.end();
  }
}

function toAws(url: string, key: string, { bytes, aws }: { readonly bytes: number; readonly aws: string }): Contender {
  const [from, to] = [`s3://${DISTRIBUTOR.bucket}/${key}`, `s3://${CONSUMER.bucket}/${key}`];
  const way = `\`aws s3 cp\` to \`aws s3 cp\`, ${aws}`;
  return { way, run: () => timeSeconds(() => copyByAws(url, { from, to, bytes })) };
}

type Round = ReadonlyMap<string, number>;

async function runRounds(contenders: readonly Contender[], rounds: number): Promise<readonly Round[]> {
  const taken: Round[] = [];
  for (let round = 0; round <= rounds; round += 1) {
    const seconds = new Map<string, number>();
    for (const { way, run } of orderOfRound(contenders, round)) seconds.set(way, await run());
    if (round > 0) taken.push(new Map(contenders.map(({ way }) => [way, seconds.get(way) ?? Number.NaN])));
  }
  return taken;
}

function toFigures(rounds: readonly Round[], bytes: number): readonly CopyFigures[] {
  return [...(rounds[0]?.keys() ?? [])].map((way) => {
    const secondsOf = (round: Round, name: string) => round.get(name) ?? Number.NaN;
    return {
      way,
      bytes,
      mibPerSecond: toSpread(rounds.map((round) => bytes / MIB / secondsOf(round, way))),
      ratio: toSpread(rounds.map((round) => secondsOf(round, COPY_WAYS.plain) / secondsOf(round, way))),
    };
  });
}
