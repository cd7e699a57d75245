import type { Dispatch } from "../machine/decide/decision.ts";
import type { Clock } from "../ports/clock.ts";
import type { DeliveryOutcome } from "../ports/transport.ts";
import type { Engine } from "./engine.ts";
import type { Births, BornAttempt, FinishedAttempt } from "./work-inputs.ts";
import type { StoreWorker } from "./worker.ts";

/** So long the tasks of the queue wait for those that follow from a result, which cost one commit less. */
const LONGEST_WAIT_MS = 200;

/** A caller that waits for a place for a task of the queue. */
interface WaitingCaller {
  readonly since: number;
  readonly take: () => void;
}

/** A place that is kept for an attempt that is about to begin. */
interface KeptPlace {
  readonly stackId: string;
  isTaken: boolean;
}

/** Places for tasks that run at the same time in one process. Some are kept for attempts that are about to begin. */
export class Slots {
  readonly #now: () => number;
  #free: number;
  #kept = 0;
  /** Places of tasks that have ended while their results are written: those tasks have not released their own yet. */
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

  /** How many places are free and not kept. */
  get free(): number {
    return Math.max(0, this.#free - this.#kept);
  }

  /** How many of these are left when all results under way are written. */
  get #freeForGood(): number {
    return Math.max(0, Math.min(this.free, this.#free - this.#added));
  }

  /** When a task ended last whose result is decided here, epoch milliseconds. */
  get endedAt(): number {
    return this.#endedAt;
  }

  /** Takes up to so many places for tasks of the queue, and returns how many were free. */
  take(most: number): number {
    const taken = Math.min(most, this.free);
    this.#free -= taken;
    return taken;
  }

  /** Takes a place for an attempt as it begins: one that is kept for its stack, else one that is not kept. */
  takeForBirth(stackId: string): boolean {
    // A kept place counts also while the task that has ended has not released its own yet.
    const [place] = this.#keptByStack.get(stackId) ?? [];
    if (place === undefined && this.free === 0) return false;
    if (place !== undefined) place.isTaken = true;
    this.#unkeep(place);
    this.#free -= 1;
    return true;
  }

  /** Takes one place as soon as it is free; false: the wait was aborted. Callers that wait come first. */
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

  /** Waits until a place is free for which nobody else waits and that is not one of `widen`, and takes it. */
  async takeLast(): Promise<void> {
    if (this.#freeForGood === 0) await new Promise<void>((resolve) => this.#patient.push(resolve));
    else this.#free -= 1;
  }

  /** Frees places. Default: one. */
  release(count = 1): void {
    this.#free += count;
    this.#serve();
  }

  /** Resolves when a place is free and not kept, or when the signal aborts. */
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
   * Gives back so many places that were taken for the stacks, and keeps a free place for each of them, as far as there are
   * any. Returns what ends that, and then the part of those places that attempts have taken.
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

  /** Keeps nothing for these stacks any more: what begins with their inputs has its places. */
  endKeeping(stackIds: Iterable<string>): void {
    for (const stackId of stackIds)
      for (const place of [...(this.#keptByStack.get(stackId) ?? [])]) this.#unkeep(place);
    this.#serve();
  }

  /**
   * Adds a place for a while, because a task of the stack has ended and only its result is still to be written. It is kept
   * for the attempt that this result begins, unless a caller has waited for a place too long.
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

  /** Does nothing for a place that an attempt has taken: what the stack keeps by then is for another one. */
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

// An attempt that begins without a free place is queued and costs a second commit, so events wait for places: longer where
// tasks end all the time, and hardly where long tasks have them. Each take without a place takes twice as many as the last.
const ROOM_WAIT_MS = 25;
const BUSY_ROOM_WAIT_MS = 500;
const BUSY_MS = 100;

/** Limits how many events are taken to the attempts that can begin here. */
export interface EventRoom {
  /** Takes the free places. After a while without any it resolves too. */
  take(stopping: AbortSignal): Promise<TakenRoom>;
}

/** Places that were taken for the attempts that begin with events. */
export interface TakenRoom {
  /** How many events to take. */
  readonly limit: number;
  /** Leaves the places to attempts of these stacks. Returns what ends that. */
  keepFor(stackIds: readonly string[]): () => void;
  /** Gives the places back. */
  release(): void;
}

/** What event rooms are made of. */
interface EventRoomInput {
  readonly slots: Slots;
  readonly clock: Clock;
  readonly batchSize: number;
}

/** Creates the room of events. It learns how many of them begin an attempt. */
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

/** What connects an engine and a worker of one process. */
export interface DirectPath {
  /** For the engine: attempts that this process takes as they begin. */
  readonly births: Births;
  /** For the worker: has a result decided and committed at once. `retry`: settle it, so that its event is queued. */
  readonly finish: (finished: FinishedAttempt) => Promise<DeliveryOutcome>;
  /** Takes no more attempts as they begin, and resolves when those that run have ended. */
  stop(): Promise<void>;
}

/** What a direct path is made of. */
interface DirectPathInput {
  /** Called when both exist. */
  readonly parts: () => {
    readonly engine: Pick<Engine, "finish">;
    readonly worker: Pick<StoreWorker, "claimAtBirth" | "run">;
  };
  readonly slots: Slots;
  /** Results that one commit takes together, and commits that are under way at the same time. */
  readonly batchSize: number;
  readonly commitsAtATime: number;
}

/**
 * Connects the engine and the worker of one process. A result is decided by the commit that ends its attempt, and the next
 * attempt begins as claimed here when a place is free: neither goes through a queue. Results that end while commits are
 * under way share the next one.
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
  /** Answers in the order of the items. */
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

  /** A few stragglers wait for the batches under way and go with what follows from those: else they stay alone for good. */
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
        // What ends in the same turn of the event loop goes together.
        queueMicrotask(() => {
          isScheduled = false;
          flush();
        });
      });
    },
  };
}
