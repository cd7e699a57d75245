import { createFollower, type Follower, followNotices, type NoticeFollower } from "@stackyard/core/services";
import { handleSubject } from "./channel-rules.ts";
import { deliver, isFor, sendDigests } from "./channel-sending.ts";
import { toFollowerName } from "./channel-state.ts";
import { type ChannelInput, type ChannelWork, openWork, toSubject } from "./channel-work.ts";
import { type HistoryLine, toNoticeSubject } from "./to-subject.ts";

/** Where a channel stands. */
export interface ChannelEnd {
  /** When it works again without new lines and notices. */
  readonly nextAt: number;
  /** True while it waits, whatever is new. */
  readonly isPaused: boolean;
  /** Positions in the history and the notices. */
  readonly line: number;
  readonly notice: number;
}

/**
 * Sends what follows on a channel from new lines and notices. Its positions are its queue: what it does not take is
 * read again, so it has an order, a pace and pauses of its own, and the history keeps what it has not sent yet.
 */
export async function workChannel(input: ChannelInput): Promise<ChannelEnd> {
  const work = await openWork(input);
  const { channel, clock } = work;
  const paused = { isPaused: true, line: 0, notice: 0 };
  if (work.state.failure !== undefined && work.state.failure.dueAt > clock.now()) {
    return { ...paused, nextAt: work.state.failure.dueAt };
  }
  const name = toFollowerName(channel.name);
  const log = createFollower(work, name, `notifications of "${channel.name}"`);
  const line = await readLines(work, log).catch(async (error: unknown) => {
    // What is due does not wait for a history that cannot be read.
    await sendDigests(work, clock.now());
    throw error;
  });
  const notice = line === undefined ? undefined : await readNotices(work, followNotices(work, name));
  const isDone = notice !== undefined && (await sendDigests(work, clock.now())) && (await endSkip(work));
  if (line !== undefined && notice !== undefined && isDone) {
    return { nextAt: work.digestAt, isPaused: false, line, notice };
  }
  return { ...paused, nextAt: work.state.failure?.dueAt ?? clock.now() };
}

/** Returns the position behind the last line; undefined: it could not get there. */
async function readLines(work: ChannelWork, log: Follower): Promise<number | undefined> {
  for (;;) {
    const { lines, end, hasMore } = await log.read();
    for (const line of lines) {
      if (!(await handleLine(work, log, line))) return undefined;
    }
    await log.keep(end);
    if (!hasMore) return end;
  }
}

/** Sends what is due before a line, then what follows from it. Returns false if the line must be read again. */
async function handleLine(work: ChannelWork, log: Follower, line: HistoryLine): Promise<boolean> {
  if (work.isOver() || !(await sendDigests(work, Math.min(line.at, work.clock.now())))) return false;
  work.position = line.position;
  const subject = await toSubject(work, line);
  if (subject === undefined) return true;
  const isHandled = await handleSubject(work, subject);
  await log.keep(isHandled ? line.position : line.position - 1);
  return isHandled;
}

/** Reads notices as `readLines` reads lines. */
async function readNotices(work: ChannelWork, log: NoticeFollower): Promise<number | undefined> {
  for (;;) {
    const { notices, end, hasMore } = await log.read();
    for (const notice of notices.filter((each) => isFor(work.channel.name, each))) {
      if (work.isOver() || !(await handleSubject(work, toNoticeSubject(notice, work.clock.now())))) return undefined;
      await log.keep(notice.position);
    }
    await log.keep(end);
    if (!hasMore) return end;
  }
}

/** Says how many notifications were left out, once all of these were read. Returns false if the channel did not take it. */
async function endSkip(work: ChannelWork): Promise<boolean> {
  const { skipped } = work.state;
  if (skipped === undefined) return true;
  const { from, until, counts } = skipped;
  const rules = Object.entries(counts);
  const count = rules.reduce((sum, [, each]) => sum + each, 0);
  const span = [from, until].map((at) => new Date(at).toISOString().slice(0, 16).replace("T", " ")).join(" and ");
  const position = `skipped.${from}`;
  const lines = [
    `From between ${span}. What is still open was sent.`,
    ...rules.map(([rule, each]) => `${rule}: ${each}`),
  ];
  const title = `${count} notifications were left out: this channel was more than a day behind`;
  const entry = { position, incident: position, kind: "trigger", at: until, title, text: lines.join("\n") } as const;
  const draft = { rule: "left-out", channel: work.channel.name, entries: [entry], more: 0 };
  if (count > 0 && (await deliver(work, draft)) === "held") return false;
  const { skipped: _, ...state } = work.state;
  work.state = state;
  await work.stored.put(state);
  return true;
}
