import type { LogTime } from "../../line-times.ts";
import { findCut } from "../../machine/cut-text.ts";
import { shortHashOf } from "../../machine/short-hash.ts";
import { toStrictText } from "../../machine/strict-json.ts";
import { changeRecord } from "../../ports/change-record.ts";
import type { Clock } from "../../ports/clock.ts";
import type { Logger } from "../../ports/executor.ts";
import type { Records, StoredRecord } from "../../ports/records.ts";
import { addTime, type ChunkTimes, moveTimes, NO_TIMES, parseTimes, TIME_STEP_MS, toChunkTimes } from "./log-times.ts";
import {
  CHUNK_BYTES,
  isChunk,
  type LogChunk,
  type LogSegment,
  measureAll,
  parseSegments,
  toChunkKey,
  toIndexKey,
} from "./stored-log.ts";

/**
 * Where the whole logs of attempts are kept: `log/<attempt>/<token>/<n>`, and `log/<attempt>/index` with the tokens in
 * order.
 */
interface AttemptLogsDeps {
  readonly records: Records;
  readonly clock: Clock;
  readonly logger: Logger;
}

/** The attempt to log, and its grant. */
export interface OpenLogInput {
  readonly attemptId: string;
  /** The fencing token: each grant of an attempt writes under its own keys. */
  readonly token: number;
  /** The known log of earlier grants; written first when no log is stored yet. */
  readonly earlier: string;
  /** An earlier grant may have stored a part of the log. */
  readonly continued: boolean;
  /** Logs are kept for 7 days after this instant, or after they are written. */
  readonly deadlineAt: number;
  /** Returns true when the lease is lost. Then the writer stores no more lines. */
  readonly isLost: () => boolean;
}

/** Stores the lines of one grant. */
export interface AttemptLogWriter {
  /** Takes a line. Stored within a second, or as soon as 64 KiB have gathered. Never throws. */
  add(line: string): void;
  /**
   * Stores the remaining lines. `settled`: the attempt has ended with its tail, so a log that fits the tail is not
   * stored, unless its lines have different times, which the tail does not keep. `mask` replaces values that only now are known to be sensitive, also in stored lines. Never rejects.
   */
  end(options?: LogEndOptions): Promise<void>;
}

/** The options with which a writer ends. */
export interface LogEndOptions {
  readonly settled?: boolean;
  readonly mask?: ((text: string) => string) | undefined;
}

/** Opens the logs of attempts. */
export interface AttemptLogs {
  open(input: OpenLogInput): AttemptLogWriter;
}

/** The most bytes by which a chunk ends earlier, so that no UTF-8 character is cut. */
const LONGEST_CUT = 3;
/** The most bytes of one attempt, over all of its grants. */
const MOST_BYTES = 16 * 1_048_576;
/** Lines that wait for the store, of one attempt. */
const MOST_WAITING_BYTES = 4 * CHUNK_BYTES;
/** The most grants of one attempt that store lines. */
const MOST_SEGMENTS = 2_000;
const FLUSH_MS = 1_000;
const KEEP_MS = 7 * 86_400_000;

const ENDS_HERE = Buffer.from("\n… the log is longer than 16 MiB; besides these only its last 64 KiB are kept …\n");

/** Creates writers that append to records. */
export function createAttemptLogs(deps: AttemptLogsDeps): AttemptLogs {
  return { open: (input) => createWriter(deps, input) };
}

function createWriter({ records, clock, logger }: AttemptLogsDeps, input: OpenLogInput): AttemptLogWriter {
  const segment = new Segment(records, clock, input);
  let pending: string[] = [];
  let times: LogTime[] = [];
  let pendingBytes = 0;
  let dropped = 0;
  let wake: AbortController | undefined;
  let loop: Promise<void> | undefined;
  let isEnded = false;
  let hasWarned = false;

  function take(mask: (text: string) => string): [string, readonly LogTime[]] {
    const note = dropped === 0 ? "" : `… ${dropped} bytes were not kept: the store was slower than the task …\n`;
    const text = pending.join("") + note;
    const masked = mask(text);
    const moved = moveTimes(times, text, masked);
    pending = [];
    times = [];
    pendingBytes = 0;
    dropped = 0;
    return [masked, moved];
  }

  async function flush(mask: (text: string) => string = (text) => text): Promise<void> {
    if (input.isLost()) segment.close();
    try {
      await segment.append(...take(mask));
    } catch (error) {
      // The lines of the segment are stored with the next line.
      if (!hasWarned) logger.warn("A part of a task's log could not be stored yet.", { error });
      hasWarned = true;
    }
  }

  const waitingBytes = () => pendingBytes + segment.unstoredBytes;

  /** Flushes while lines wait, so that a silent task needs no timer. */
  async function flushSoon(): Promise<void> {
    while (waitingBytes() > 0 && !isEnded && !segment.isClosed) {
      wake = new AbortController();
      if (pendingBytes < CHUNK_BYTES) await clock.sleep(FLUSH_MS, wake.signal);
      if (!isEnded) await flush();
    }
    loop = undefined;
  }

  return {
    add(line) {
      if (isEnded || segment.isClosed) return;
      const text = `${toStrictText(line)}\n`;
      const bytes = Buffer.byteLength(text);
      if (waitingBytes() + bytes > MOST_WAITING_BYTES && waitingBytes() > 0) {
        dropped += bytes;
        return;
      }
      const time = clock.now();
      if (Math.abs(time - (times.at(-1)?.time ?? 0)) >= TIME_STEP_MS) times.push({ at: pendingBytes, time });
      pending.push(text);
      pendingBytes += bytes;
      if (pendingBytes >= CHUNK_BYTES) wake?.abort("full");
      loop ??= flushSoon();
    },
    async end({ settled = false, mask } = {}) {
      isEnded = true;
      wake?.abort("ended");
      await loop;
      // The tail has no times: a log whose lines follow each other slowly enough to have several is stored whole.
      const isInTail = settled && !segment.isOpen && !input.continued && times.length <= 1;
      if (input.isLost() || isInTail) return;
      if (waitingBytes() + dropped > 0) await flush(mask);
      if (mask === undefined) return;
      try {
        await maskStoredLog({ records, clock }, input, mask);
      } catch (error) {
        logger.error("Sensitive outputs in a stored log could not be masked.", { error });
      }
    },
  };
}

function toLines(text: string): string {
  return text === "" ? "" : `${toStrictText(text)}\n`;
}

function toExpiry(clock: Clock, { deadlineAt }: OpenLogInput): WriteTimes {
  const now = clock.now();
  return { now, expiresAt: Math.max(now, deadlineAt) + KEEP_MS };
}

const NO_BYTES = Buffer.alloc(0);

/** Appends to the records of one grant, until a grant with a later token begins. */
class Segment {
  readonly #records: Records;
  readonly #clock: Clock;
  readonly #input: OpenLogInput;
  readonly #attempt: string;
  #isOpen = false;
  #isClosed = false;
  /** Bytes that the attempt may still store. */
  #room = MOST_BYTES;
  /** Added, but not in a chunk yet. */
  #rest = NO_BYTES;
  /** When the lines of the rest were logged. */
  #times: readonly LogTime[] = [];
  #chunk = createChunk(0, 0);

  constructor(records: Records, clock: Clock, input: OpenLogInput) {
    this.#records = records;
    this.#clock = clock;
    this.#input = input;
    this.#attempt = shortHashOf(input.attemptId);
  }

  get isOpen(): boolean {
    return this.#isOpen;
  }

  get isClosed(): boolean {
    return this.#isClosed;
  }

  get unstoredBytes(): number {
    return this.#isClosed ? 0 : this.#rest.byteLength + this.#chunk.unstored;
  }

  close(): void {
    this.#isClosed = true;
    this.#rest = NO_BYTES;
    this.#times = [];
  }

  /** Stores the text, whose lines have these times. After a failure, the next call stores it too. */
  async append(text: string, times: readonly LogTime[]): Promise<void> {
    if (this.#isClosed) return;
    const end = this.#chunk.from + this.#chunk.bytes + this.#rest.byteLength;
    this.#times = [...this.#times, ...shift(times, end)];
    this.#rest = Buffer.concat([this.#rest, Buffer.from(text)]);
    this.#isOpen ||= await this.#register();
    this.#isClosed = !this.#isOpen;
    const isFull = this.#cutToRoom();
    while (this.unstoredBytes > 0 && !this.#input.isLost()) {
      if (this.#chunk.unstored === 0) this.#fillChunk();
      await this.#putChunk();
    }
    this.#isClosed ||= isFull;
  }

  /** Adds this grant to the index. Returns false when the log is full or a later grant has begun. */
  async #register(): Promise<boolean> {
    const { attemptId, token, earlier } = this.#input;
    const { write, isFirst } = await changeRecord({
      records: this.#records,
      clock: this.#clock,
      key: toIndexKey(this.#attempt),
      decide: async (known, now) => {
        const { segments, bytes } = await measureAll(this.#records, this.#attempt, known, now);
        this.#room = MOST_BYTES - bytes;
        const isLate = segments.some((each) => each.token >= token);
        if (isLate || segments.length >= MOST_SEGMENTS || this.#room <= 0) return { isFirst: false };
        const { expiresAt } = toExpiry(this.#clock, this.#input);
        const value = { attemptId, segments: [...segments, { token }] };
        return { write: { value, expiresAt }, isFirst: segments.length === 0 };
      },
    });
    if (isFirst) {
      const before = Buffer.from(toLines(earlier));
      this.#rest = Buffer.concat([before, this.#rest]);
      this.#times = shift(this.#times, before.byteLength);
    }
    return write !== undefined;
  }

  /** Cuts the text at the limit of the attempt. Returns true if it did. */
  #cutToRoom(): boolean {
    const left = this.#room - this.#chunk.from - this.#chunk.bytes;
    if (this.#rest.byteLength <= left) return false;
    this.#rest = Buffer.concat([this.#rest.subarray(0, findCut(this.#rest, left)), ENDS_HERE]);
    return true;
  }

  #fillChunk(): void {
    const { n, from, bytes } = this.#chunk;
    if (bytes >= CHUNK_BYTES - LONGEST_CUT) this.#chunk = createChunk(n + 1, from + bytes, this.#chunk.time);
    const chunk = this.#chunk;
    const cut = findCut(this.#rest, CHUNK_BYTES - chunk.bytes);
    chunk.text += this.#rest.toString("utf8", 0, cut);
    chunk.bytes += cut;
    chunk.unstored += cut;
    this.#rest = this.#rest.subarray(cut);
    const end = chunk.from + chunk.bytes;
    for (const each of this.#times.filter(({ at }) => at < end)) {
      chunk.times = addTime(chunk.times, chunk, each);
      chunk.time = each.time;
    }
    this.#times = this.#times.filter(({ at }) => at >= end);
  }

  /** Stores the chunk as it is now. Repeated after a failure. */
  async #putChunk(): Promise<void> {
    const chunk = this.#chunk;
    const { n, from, text, times, version: expected } = chunk;
    const value: LogChunk = { from, text, ...withTimes(times.text) };
    const key = toChunkKey(this.#attempt, this.#input.token, n);
    const put = await this.#records.put({ key, value, expected, ...toExpiry(this.#clock, this.#input) });
    const record = put.kind === "written" ? put.record : put.current;
    // No other writer has this token: on a conflict, the response to an earlier write was lost.
    this.#isClosed ||= put.kind === "conflict" && !(isChunk(record?.value) && record.value.text === text);
    chunk.version = record?.version ?? "absent";
    chunk.unstored = 0;
  }
}

interface OpenChunk {
  readonly n: number;
  readonly from: number;
  text: string;
  bytes: number;
  times: ChunkTimes;
  /** The time of the last line, which may continue in the next chunk. */
  time: number | undefined;
  /** Bytes at the end that no write has stored. */
  unstored: number;
  version: number | "absent";
}

function withTimes(times: string): Pick<LogChunk, "times"> {
  return times === "" ? {} : { times };
}

/** Returns an empty chunk. It begins with the time that holds there, so that a reader needs no other chunk. */
function createChunk(n: number, from: number, time?: number): OpenChunk {
  const times = time === undefined ? NO_TIMES : addTime(NO_TIMES, { from, bytes: 0 }, { at: from, time });
  return { n, from, text: "", bytes: 0, times, time, unstored: 0, version: "absent" };
}

function shift(times: readonly LogTime[], bytes: number): readonly LogTime[] {
  return times.map(({ at, time }) => ({ at: at + bytes, time }));
}

/** Masks the stored lines of all grants of an attempt. Masked text may change offsets. */
async function maskStoredLog(
  { records, clock }: Pick<AttemptLogsDeps, "records" | "clock">,
  input: OpenLogInput,
  mask: (text: string) => string,
): Promise<void> {
  const attempt = shortHashOf(input.attemptId);
  const known = await records.get(toIndexKey(attempt), clock.now());
  if (known === undefined) return;
  const segments: LogSegment[] = [];
  for (const segment of parseSegments(known)) {
    segments.push(await rewriteSegment(records, attempt, segment, { mask, ...toExpiry(clock, input) }));
  }
  const value = { attemptId: input.attemptId, segments };
  await records.put({ key: known.key, value, expected: known.version, ...toExpiry(clock, input) });
}

interface WriteTimes {
  readonly expiresAt: number;
  readonly now: number;
}

async function rewriteSegment(
  records: Records,
  attempt: string,
  segment: LogSegment,
  { mask, ...times }: WriteTimes & { readonly mask: (text: string) => string },
): Promise<LogSegment> {
  const stored: StoredRecord[] = [];
  for (let n = 0; ; n += 1) {
    const record = await records.get(toChunkKey(attempt, segment.token, n), times.now);
    if (record === undefined) break;
    stored.push(record);
  }
  const text = stored.map(({ value }) => (isChunk(value) ? value.text : "")).join("");
  const masked = mask(text);
  if (masked === text) return segment;
  const bytes = Buffer.from(masked);
  const known = stored.flatMap(({ value }) => (isChunk(value) ? parseTimes(value.times, value.from) : []));
  const moved = moveTimes(known, text, masked);
  let from = 0;
  for (const { key, version } of stored) {
    const cut = findCut(bytes.subarray(from), CHUNK_BYTES);
    const { text: moments } = toChunkTimes(moved, { from, bytes: cut });
    const value: LogChunk = { from, text: bytes.toString("utf8", from, from + cut), ...withTimes(moments) };
    await records.put({ key, value, expected: version, ...times });
    from += cut;
  }
  return { token: segment.token, bytes: from };
}
