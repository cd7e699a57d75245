import type { Dispatch } from "../machine/decide/decision.ts";
import type { Clock } from "../ports/clock.ts";
import type { DeliveryOutcome } from "../ports/transport.ts";
import type { Engine } from "./engine.ts";
import type { Births, BornAttempt, FinishedAttempt } from "./process-inputs.ts";
import type { StoreWorker } from "./worker.ts";

/** How long tasks of the queue wait for tasks that follow from a result, which cost one commit less. */
const LONGEST_WAIT_MS = 200;

/** A caller that waits for a slot for a task of the queue. */
interface WaitingCaller {
  readonly since: number;
  readonly take: () => void;
}

/** A slot that is kept for an attempt that is about to begin. */
interface KeptPlace {
  readonly stackId: string;
  isTaken: boolean;
}

/**
 * Limits the tasks that run at the same time in one process. Some slots are kept for attempts that are about to begin.
 */
export class Slots {
  readonly #now: () => number;
  #free: number;
  #kept = 0;
  /** Slots added for ended tasks whose results are being written: those tasks have not released their own slots yet. */
  #added = 0;
  #endedAt = Number.NEGATIVE_INFINITY;
  readonly #keptByStack = new Map<string, KeptPlace[]>();
  readonly #waiting: WaitingCaller[] = [];
  readonly #patient: (() => void)[] = [];
  readonly #watching = new Set<() => void>();

  constructor(size: number, now: () => number = Date.now) {
    this.#free = size;
    this.#now = now;
  }

  /** Returns the number of slots that are free and not kept. */
  get free(): number {
    return Math.max(0, this.#free - this.#kept);
  }

  /** Returns the number of those slots that remain when all pending results are written. */
  get #freeForGood(): number {
    return Math.max(0, Math.min(this.free, this.#free - this.#added));
  }

  /** Returns when the last task ended whose result this process decides, in epoch milliseconds. */
  get endedAt(): number {
    return this.#endedAt;
  }

  /** Takes up to `most` slots for tasks of the queue. Returns the number of slots taken. */
  take(most: number): number {
    const taken = Math.min(most, this.free);
    this.#free -= taken;
    return taken;
  }

  /**
   * Takes a slot for an attempt that begins: one that is kept for its stack, otherwise a free one. Returns false
   * without one.
   */
  takeForBirth(stackId: string): boolean {
    // A kept slot also counts while the ended task has not released its own slot yet.
    const [place] = this.#keptByStack.get(stackId) ?? [];
    if (place === undefined && this.free === 0) return false;
    if (place !== undefined) place.isTaken = true;
    this.#unkeep(place);
    this.#free -= 1;
    return true;
  }

  /**
   * Takes one slot as soon as it is free, in the order of the callers. Resolves with false when the wait was aborted.
   */
  takeNext(signal: AbortSignal): Promise<boolean> {
    return new Promise((resolve) => {
      if (signal.aborted) return resolve(false);
      const entry = {
        since: this.#now(),
        take: () => {
          signal.removeEventListener("abort", giveUp);
          this.#free -= 1;
          resolve(true);
        },
      };
      const giveUp = () => {
        this.#waiting.splice(this.#waiting.indexOf(entry), 1);
        resolve(false);
      };
      this.#waiting.push(entry);
      signal.addEventListener("abort", giveUp, { once: true });
      if (this.free > 0) this.#waiting.shift()?.take();
    });
  }

  /** Waits until a slot is free that no other caller waits for and that `widen` did not add, and takes it. */
  async takeLast(): Promise<void> {
    if (this.#freeForGood === 0) await new Promise<void>((resolve) => this.#patient.push(resolve));
    else this.#free -= 1;
  }

  /** Frees slots. Default: one. */
  release(count = 1): void {
    this.#free += count;
    this.#serve();
  }

  /** Resolves when a slot is free and not kept, or when the signal aborts. */
  async whenFree(signal: AbortSignal): Promise<void> {
    if (this.free > 0 || signal.aborted) return;
    await new Promise<void>((resolve) => {
      const end = () => {
        this.#watching.delete(end);
        signal.removeEventListener("abort", end);
        resolve();
      };
      this.#watching.add(end);
      signal.addEventListener("abort", end, { once: true });
    });
  }

  /**
   * Frees the slots that were taken for the stacks, and keeps a free slot for each of these stacks while there are any.
   * Returns a function that stops keeping them and returns the share of the kept slots that attempts have taken.
   */
  keep(stackIds: Iterable<string>, taken: number): () => number {
    this.#free += taken;
    const places: KeptPlace[] = [];
    for (const stackId of stackIds) if (this.free > 0) places.push(this.#keep(stackId));
    this.#serve();
    return () => {
      for (const place of places) this.#unkeep(place);
      this.#serve();
      return places.length === 0 ? 1 : places.filter(({ isTaken }) => isTaken).length / places.length;
    };
  }

  /** Stops keeping slots for these stacks: the attempts that begin with their inputs have taken theirs. */
  endKeeping(stackIds: Iterable<string>): void {
    for (const stackId of stackIds)
      for (const place of [...(this.#keptByStack.get(stackId) ?? [])]) this.#unkeep(place);
    this.#serve();
  }

  /**
   * Adds a slot temporarily, because a task of the stack has ended and only its result is still to be written. The slot
   * is kept for the attempt that this result begins, unless a caller has waited too long. Returns the function that
   * removes the slot.
   */
  widen(stackId: string): () => void {
    this.#free += 1;
    this.#added += 1;
    this.#endedAt = this.#now();
    const [first] = this.#waiting;
    const isLate = first !== undefined && first.since <= this.#endedAt - LONGEST_WAIT_MS;
    const place = isLate ? undefined : this.#keep(stackId);
    if (isLate) this.#waiting.shift()?.take();
    return () => {
      this.#free -= 1;
      this.#added -= 1;
      this.#unkeep(place);
      this.#serve();
    };
  }

  #keep(stackId: string): KeptPlace {
    const place = { stackId, isTaken: false };
    const places = this.#keptByStack.get(stackId);
    if (places === undefined) this.#keptByStack.set(stackId, [place]);
    else places.push(place);
    this.#kept += 1;
    return place;
  }

  /**
   * Stops keeping a slot. A slot that an attempt has taken is ignored: other slots of the stack are kept for other
   * attempts.
   */
  #unkeep(place: KeptPlace | undefined): void {
    if (place === undefined) return;
    const places = this.#keptByStack.get(place.stackId) ?? [];
    const at = places.indexOf(place);
    if (at === -1) return;
    places.splice(at, 1);
    if (places.length === 0) this.#keptByStack.delete(place.stackId);
    this.#kept -= 1;
  }

  #serve(): void {
    while (this.free > 0 && this.#waiting.length > 0) this.#waiting.shift()?.take();
    while (this.#freeForGood > 0 && this.#patient.length > 0) {
      this.#free -= 1;
      this.#patient.shift()?.();
    }
    if (this.free > 0) for (const resolve of this.#watching) resolve();
  }
}

// An attempt that begins without a free slot is queued and costs a second commit, so events wait for slots: longer if
// tasks end often, briefly if long tasks occupy the slots. Each take without a slot takes twice as many events as the
// last one.
const ROOM_WAIT_MS = 25;
const BUSY_ROOM_WAIT_MS = 500;
const BUSY_MS = 100;

/** Limits how many events are taken to the attempts that can begin here. */
export interface EventRoom {
  /** Takes the free slots. Resolves after a while even if no slot is free. */
  take(stopping: AbortSignal): Promise<TakenRoom>;
}

/** Slots that were taken for the attempts that begin with events. */
export interface TakenRoom {
  /** How many events to take. */
  readonly limit: number;
  /** Keeps the slots for attempts of these stacks. Returns the function that stops it. */
  keepFor(stackIds: readonly string[]): () => void;
  /** Frees the slots. */
  release(): void;
}

/** The input of event rooms. */
interface EventRoomInput {
  readonly slots: Slots;
  readonly clock: Clock;
  readonly batchSize: number;
}

/** Creates an event room. It measures which share of the events begins an attempt. */
export function createEventRoom({ slots, clock, batchSize }: EventRoomInput): EventRoom {
  let partThatBegins = 1;
  let mostWithoutPlace = 1;
  return {
    async take(stopping) {
      if (slots.free === 0 && !stopping.aborted) await waitForPlace(slots, clock, stopping);
      const places = slots.take(batchSize);
      const limit = places === 0 ? mostWithoutPlace : Math.min(batchSize, Math.ceil(places / partThatBegins));
      mostWithoutPlace = places === 0 ? Math.min(batchSize, 2 * mostWithoutPlace) : 1;
      return {
        limit,
        keepFor(stackIds) {
          const end = slots.keep(new Set(stackIds), places);
          return () => {
            partThatBegins = Math.max(1 / batchSize, (partThatBegins + end()) / 2);
          };
        },
        release: () => slots.release(places),
      };
    },
  };
}

async function waitForPlace(slots: Slots, clock: Clock, stopping: AbortSignal): Promise<void> {
  const waiting = new AbortController();
  const end = () => waiting.abort("over");
  const isBusy = clock.now() - slots.endedAt < BUSY_MS;
  stopping.addEventListener("abort", end, { once: true });
  void clock.sleep(isBusy ? BUSY_ROOM_WAIT_MS : ROOM_WAIT_MS, waiting.signal).then(end);
  await slots.whenFree(waiting.signal);
  stopping.removeEventListener("abort", end);
  end();
}

/** The connection of an engine and a worker in one process. */
export interface DirectPath {
  /** For the engine: claims attempts for this process when they begin. */
  readonly births: Births;
  /** Decides and commits a result of the worker at once. `retry`: the worker must settle it, which queues its event. */
  readonly finish: (finished: FinishedAttempt) => Promise<DeliveryOutcome>;
  /** Stops claiming attempts when they begin, and resolves when the running ones have ended. */
  stop(): Promise<void>;
}

/** The input of a direct path. */
interface DirectPathInput {
  /** Returns engine and worker. Called when both exist. */
  readonly parts: () => {
    readonly engine: Pick<Engine, "finish">;
    readonly worker: Pick<StoreWorker, "claimAtBirth" | "run">;
  };
  readonly slots: Slots;
  /** The number of results per commit, and of commits at the same time. */
  readonly batchSize: number;
  readonly commitsAtATime: number;
}

/**
 * Connects the engine and the worker of one process. The commit that ends an attempt also applies its result, and
 * claims the next attempt for this process if a slot is free, so neither passes through a queue. Results that arrive
 * during a commit share the next one.
 */
export function createDirectPath(input: DirectPathInput): DirectPath {
  const { parts, slots } = input;
  const running = new Set<Promise<void>>();
  const results = createGatherer<FinishedAttempt, DeliveryOutcome>({
    ...input,
    handle: (batch) => parts().engine.finish(batch),
  });
  let stopping = false;
  return {
    births: {
      reserve(dispatch: Dispatch) {
        if (stopping || !slots.takeForBirth(dispatch.stackId)) return undefined;
        const claim = parts().worker.claimAtBirth(dispatch);
        if (claim === undefined) slots.release();
        return claim;
      },
      run(born: BornAttempt) {
        const work = parts()
          .worker.run(born)
          .finally(() => {
            running.delete(work);
            slots.release();
          });
        running.add(work);
      },
      endKeeping: (stackIds) => slots.endKeeping(stackIds),
      giveBack: () => slots.release(),
    },
    async finish(finished) {
      const narrow = slots.widen(finished.stackId);
      try {
        return await results.add(finished);
      } finally {
        narrow();
      }
    },
    async stop() {
      stopping = true;
      while (running.size > 0) await Promise.all(running);
    },
  };
}

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
function createGatherer<Item, Answer>({ batchSize, commitsAtATime, handle }: GathererInput<Item, Answer>) {
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
