import { setTimeout as sleep } from "node:timers/promises";
import type { Logger } from "@stackyard/core";
import type pg from "pg";
import type { Connections } from "./connections.ts";

/** What listening needs. */
export interface ListenInput {
  readonly connections: Pick<Connections, "connect">;
  readonly channel: string;
  readonly logger: Logger;
  readonly onMessage: (payload: string) => void;
  /** Each time that the connection stands. */
  readonly onConnected: () => void;
}

/** A connection that hears notifications, and is made again when it breaks. */
export interface Listening {
  close(): Promise<void>;
}

const FIRST_PAUSE_MS = 100;
const LONGEST_PAUSE_MS = 30_000;

/** Begins to listen. Where the server cannot be reached it is tried again, at longer and longer intervals. */
export function listen(input: ListenInput): Listening {
  const stopping = new AbortController();
  const loop = run(input, stopping.signal);
  return {
    async close() {
      stopping.abort();
      await loop;
    },
  };
}

async function run(input: ListenInput, stopping: AbortSignal): Promise<void> {
  let pauseMs = FIRST_PAUSE_MS;
  while (!stopping.aborted) {
    try {
      await hearOut(input, stopping);
      pauseMs = FIRST_PAUSE_MS;
    } catch (error) {
      input.logger.debug("Notifications cannot be heard; work is found by asking.", { error, pauseMs });
      pauseMs = Math.min(LONGEST_PAUSE_MS, pauseMs * 2);
    }
    await sleep(pauseMs * (0.5 + Math.random()), undefined, { signal: stopping, ref: false }).catch(() => undefined);
  }
}

/** Resolves when the connection has ended. */
async function hearOut({ connections, channel, onMessage, onConnected }: ListenInput, stopping: AbortSignal) {
  const client = await connections.connect();
  try {
    const ended = untilEnd(client, stopping);
    client.on("notification", ({ payload = "" }) => onMessage(payload));
    await client.query(`listen ${channel}`);
    onConnected();
    await ended;
  } finally {
    await client.end().catch(() => undefined);
  }
}

function untilEnd(client: pg.Client, stopping: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const end = () => {
      stopping.removeEventListener("abort", end);
      resolve();
    };
    client.on("end", end).on("error", end);
    stopping.addEventListener("abort", end);
    if (stopping.aborted) end();
  });
}
