import { resolve } from "node:path";
import { type Clock, defined, type PluginContext, type PluginService } from "@stackyard/core";
import { findNewestLine, hasNoticeAfter } from "@stackyard/core/services";
import { type Static, Type } from "typebox";
import { type ChannelEnd, workChannel } from "./channel-log.ts";
import { loadNotifications } from "./load-notifications.ts";
import { createPostJson, type PostJson } from "./post-json.ts";

/** Options of the plugin. */
export const NotificationsOptions = Type.Object(
  {
    document: Type.Optional(
      Type.String({ minLength: 1, maxLength: 4_096, description: "The document. Default: notifications.yaml." }),
    ),
  },
  { additionalProperties: false },
);
export type NotificationsOptions = Static<typeof NotificationsOptions>;

const NAME = "notifications";
/** The history is read so often. */
const FOLLOW_MS = 5_000;

/**
 * Creates the service that follows the history and the notices for each channel, and sends notifications by the rules.
 * Tests replace `post`.
 */
export function createNotificationsService(
  { document = "notifications.yaml" }: NotificationsOptions,
  { projectDir, environment }: Pick<PluginContext, "projectDir"> & Partial<Pick<PluginContext, "environment">>,
  post: PostJson = createPostJson(defined({ environment })),
): PluginService {
  const file = resolve(projectDir, document);
  /** Where this process has left the channels. Another one may work too: both look again when something is new. */
  const ends = new Map<string, ChannelEnd>();
  return {
    name: NAME,
    async dueAt(deps) {
      // Also reports faults without new events.
      const { channels } = await loadNotifications(file);
      const now = deps.clock.now();
      const left = [...channels.keys()].map((name) => ends.get(name)).filter((end) => end !== undefined);
      if (left.length < channels.size) return now;
      const open = left.filter(({ isPaused }) => !isPaused);
      const newest = await findNewestLine(deps.queries);
      if (open.some(({ line }) => line !== newest)) return now;
      for (const notice of new Set(open.map((end) => end.notice))) {
        if (await hasNoticeAfter(deps, notice)) return now;
      }
      return Math.min(now + FOLLOW_MS, ...left.map(({ nextAt }) => nextAt));
    },
    async tick(deps, until) {
      const notifications = await loadNotifications(file);
      const { clock, signal } = deps;
      const isOver = (): boolean => signal.aborted || clock.now() >= until;
      const lanes = [...notifications.channels].map(([name, options]) => async () => {
        ends.delete(name);
        const end = await workChannel({ deps, notifications, channel: { name, options }, post, isOver });
        ends.set(name, end);
        return end.nextAt;
      });
      return Math.min(await workAll(lanes, { clock, signal, until }), clock.now() + FOLLOW_MS);
    },
  };
}

/** Works on a channel until it has nothing more to send, and returns when to work again. */
type Lane = () => Promise<number>;

interface WorkOptions {
  readonly clock: Clock;
  readonly signal: AbortSignal;
  readonly until: number;
}

/**
 * Works on all channels until none has more to send, and returns when one has. While a channel is slow, the others continue
 * as if it was not there. The failure of one is thrown once all are done.
 */
async function workAll(lanes: readonly Lane[], { clock, signal, until }: WorkOptions): Promise<number> {
  const idle = new AbortController();
  const ended = AbortSignal.any([signal, idle.signal]);
  let working = lanes.length;
  const rest = (): void => {
    working -= 1;
    if (working === 0) idle.abort();
  };
  async function repeat(lane: Lane): Promise<number> {
    const nextAt = await lane().finally(rest);
    const now = clock.now();
    await clock.sleep(Math.min(Math.max(nextAt - now, 0), FOLLOW_MS, until - now), ended);
    if (ended.aborted || clock.now() >= until) return nextAt;
    working += 1;
    return repeat(lane);
  }
  const results = await Promise.allSettled(lanes.map(repeat));
  return Math.min(...results.map(requireResult));
}

function requireResult(result: PromiseSettledResult<number>): number {
  if (result.status === "rejected") throw result.reason;
  return result.value;
}
