import type { Clock } from "../ports/clock.ts";
import type { Slots } from "./slots.ts";

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
  /** The most events to take. */
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
