import { createListeners } from "../api/listeners.ts";
import type { Live } from "../api/live.ts";
import type { LiveEvent, LiveRequest } from "../api/live-messages.ts";

/** The live stream of a page under test. */
export interface FakeLive extends Live {
  /** The page's requests to the worker. */
  readonly requests: readonly LiveRequest[];
  /** Sends an event to the page, as the worker does. */
  readonly emit: (event: LiveEvent) => void;
}

/** Returns a live stream that reports only what a test emits. */
export function createFakeLive(): FakeLive {
  const { subscribe, notify } = createListeners<LiveEvent>();
  const requests: LiveRequest[] = [];
  return { requests, send: (request) => requests.push(request), subscribe, emit: notify };
}
