interface GathererInput<Item, Answer> {
  readonly batchSize: number;
  readonly commitsAtATime: number;
  /** Handles a batch. Returns results in the order of the items. */
  readonly handle: (batch: readonly Item[]) => Promise<readonly Answer[]>;
}

interface Waiting<Item, Answer> {
  readonly item: Item;
  readonly resolve: (answer: Answer) => void;
  readonly reject: (error: unknown) => void;
}

/** The largest ratio of a running batch to the work that starts next to it. */
const STRAGGLERS = 4;

/** Handles items in batches: while batches are under way, the next one gathers. */
export function createGatherer<Item, Answer>({ batchSize, commitsAtATime, handle }: GathererInput<Item, Answer>) {
  const waiting: Waiting<Item, Answer>[] = [];
  const underWay = new Set<readonly Waiting<Item, Answer>[]>();
  let isScheduled = false;

  async function work(batch: readonly Waiting<Item, Answer>[]): Promise<void> {
    try {
      const answers = await handle(batch.map(({ item }) => item));
      for (const [index, { resolve }] of batch.entries()) resolve(answers[index] as Answer);
    } catch (error) {
      for (const { reject } of batch) reject(error);
    } finally {
      underWay.delete(batch);
      flush();
    }
  }

  function flush(): void {
    while (underWay.size < commitsAtATime && waiting.length > 0 && isEnough()) {
      const batch = waiting.splice(0, batchSize);
      underWay.add(batch);
      void work(batch);
    }
  }

  /**
   * Returns false for a few waiting items next to a large batch: they wait and join the items that follow from that
   * batch.
   */
  function isEnough(): boolean {
    for (const { length } of underWay) if (length > STRAGGLERS * waiting.length) return false;
    return true;
  }

  return {
    add(item: Item): Promise<Answer> {
      return new Promise((resolve, reject) => {
        waiting.push({ item, resolve, reject });
        if (isScheduled) return;
        isScheduled = true;
        // Items that end in the same turn of the event loop form one batch.
        queueMicrotask(() => {
          isScheduled = false;
          flush();
        });
      });
    },
  };
}
