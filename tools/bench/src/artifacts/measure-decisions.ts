import { decideMessage, type MessageRecord } from "@stackyard/consumer";
import type { MessageFigures } from "./artifact-figures.ts";
import { CONFIG } from "./message-place.ts";
import { pairRounds, timeSeconds } from "./pair-rounds.ts";

/** Decides about messages as the announcer sent them, compared to only parsing their JSON. `turns`: over all of them. */
export function measureDecisions(
  records: readonly MessageRecord[],
  { turns, rounds }: { readonly turns: number; readonly rounds: number },
): Promise<MessageFigures> {
  const now = Date.now();
  const over = (work: (record: MessageRecord) => unknown) => () =>
    timeSeconds(async () => {
      for (let turn = 0; turn < turns; turn += 1) for (const record of records) work(record);
    });
  for (const record of records) {
    const { kind } = decideMessage(record, CONFIG, now, () => undefined);
    if (kind !== "copy") throw new Error(`A message is not to be copied: ${kind}.`);
  }
  return pairRounds({
    name: "the consumer decides about it",
    bare: "`JSON.parse` of its body",
    rounds,
    messages: records.length * turns,
    ours: over((record) => decideMessage(record, CONFIG, now, () => undefined)),
    theirs: over(({ body }) => JSON.parse(body)),
  });
}
