import type { MessageRecord } from "@stackyard/consumer";
import { createAnnouncer, createUrlSigner } from "@stackyard/distributor/function";
import { CREDENTIALS } from "../aws/emulators.ts";
import { anArtifact } from "./an-artifact.ts";
import type { MessageFigures } from "./artifact-figures.ts";
import { createHastyClock } from "./hasty-clock.ts";
import { DISTRIBUTOR } from "./message-place.ts";
import { pairRounds, timeSeconds } from "./pair-rounds.ts";
import { createTopicBench, type TopicBench } from "./topic-bench.ts";

/** What came out, and the messages, for who decides about them. */
export interface Announcements {
  readonly figures: MessageFigures;
  readonly records: readonly MessageRecord[];
}

/**
 * Announces a version to everybody, URLs and all, as fast as it goes, since pauses take no time: its pace would keep it at 20
 * messages a second. Beside it the same messages, made before, through the same topic. All have to arrive in the queue.
 */
export async function measureAnnouncements(
  endpoint: string,
  { files, rounds }: { readonly files: number; readonly rounds: number },
): Promise<Announcements> {
  const bench = await createTopicBench(endpoint);
  try {
    const announcer = createBenchAnnouncer(bench);
    const artifact = anArtifact("1.4.2", files);
    const announce = () => announcer.announce(artifact, "ALL");
    await announce();
    const records = await drainAll(bench, files);
    const timed = (work: () => Promise<unknown>) => async () => {
      const seconds = await timeSeconds(work);
      await drainAll(bench, files);
      return seconds;
    };
    const figures = await pairRounds({
      name: "the distributor announces it, SNS to SQS",
      bare: "`PublishBatch` of its body",
      messages: files,
      rounds,
      ours: timed(announce),
      theirs: timed(() => bench.sendBare(records)),
    });
    return { figures, records };
  } finally {
    bench.end();
  }
}

function createBenchAnnouncer({ sns, topicArn }: TopicBench) {
  const clock = createHastyClock();
  const { bucket, region } = DISTRIBUTOR;
  const signer = createUrlSigner({ bucket, region, credentials: async () => CREDENTIALS, clock });
  return createAnnouncer({ sns, signer, topicArn, source: DISTRIBUTOR, clock });
}

async function drainAll(bench: TopicBench, expected: number): Promise<readonly MessageRecord[]> {
  const records = await bench.drain();
  if (records.length !== expected) throw new Error(`${records.length} of ${expected} messages arrived.`);
  return records;
}
