import { toErrorText } from "../errors/stackyard-error.ts";
import { shortHashOf } from "../machine/event-message.ts";
import { isMap } from "../machine/json.ts";
import { changeRecord } from "../ports/change-record.ts";
import type { Clock } from "../ports/clock.ts";
import type { Logger } from "../ports/executor.ts";
import type { Records, StoredRecord } from "../ports/records.ts";

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
  /** The log of earlier grants, as far as it is known; written first when no log is stored yet. */
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
   * stored. `mask` replaces values that only now are known to be sensitive, also in stored lines. Never rejects.
   */
  end(options?: LogEndOptions): Promise<void>;
}

/** How a writer ends. */
export interface LogEndOptions {
  readonly settled?: boolean;
  readonly mask?: ((text: string) => string) | undefined;
}

/** Opens the logs of attempts. */
export interface AttemptLogs {
  open(input: OpenLogInput): AttemptLogWriter;
}

/** Bytes of a full record. */
const CHUNK_BYTES = 65_536;
/** The most bytes by which a chunk ends earlier, so that no UTF-8 character is cut. */
const LONGEST_CUT = 3;
/** Of one attempt, over all of its grants. */
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
  let pendingBytes = 0;
  let dropped = 0;
  let wake: AbortController | undefined;
  let loop: Promise<void> | undefined;
  let isEnded = false;
  let hasWarned = false;

  function take(): string {
    const note = dropped === 0 ? "" : `… ${dropped} bytes were not kept: the store was slower than the task …\n`;
    const text = pending.join("") + note;
    pending = [];
    pendingBytes = 0;
    dropped = 0;
    return text;
  }

  async function flush(mask: (text: string) => string = (text) => text): Promise<void> {
    if (input.isLost()) segment.close();
    try {
      await segment.append(mask(take()));
    } catch (error) {
      // The lines of the segment are stored with the next line.
      if (!hasWarned) logger.warn("A part of a task's log could not be stored yet.", { reason: toErrorText(error) });
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
      const text = `${toStorable(line)}\n`;
      const bytes = Buffer.byteLength(text);
      if (waitingBytes() + bytes > MOST_WAITING_BYTES && waitingBytes() > 0) {
        dropped += bytes;
        return;
      }
      pending.push(text);
      pendingBytes += bytes;
      if (pendingBytes >= CHUNK_BYTES) wake?.abort("full");
      loop ??= flushSoon();
    },
    async end({ settled = false, mask } = {}) {
      isEnded = true;
      wake?.abort("ended");
      await loop;
      const isInTail = settled && !segment.isOpen && !input.continued;
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
  return text === "" ? "" : `${toStorable(text)}\n`;
}

/** Replaces NUL and unpaired surrogates, which some stores do not support. */
function toStorable(line: string): string {
  const text = line.toWellFormed();
  return text.includes("\0") ? text.replaceAll("\0", "\ufffd") : text;
}

/** One grant's part of the log. `bytes` is known when a later grant has begun. */
interface LogSegment {
  readonly token: number;
  readonly bytes?: number;
}

/** A record of a segment. `from` is the offset of its first byte in the segment. */
interface LogChunk {
  readonly from: number;
  readonly text: string;
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
  }

  /** Stores the text. After a failure, the next call stores it too. */
  async append(text: string): Promise<void> {
    if (this.#isClosed) return;
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
    if (isFirst) this.#rest = Buffer.concat([Buffer.from(toLines(earlier)), this.#rest]);
    return write !== undefined;
  }

  /** Cuts the text at the limit of the attempt. Returns true if it did. */
  #cutToRoom(): boolean {
    const left = this.#room - this.#chunk.from - this.#chunk.bytes;
    if (this.#rest.byteLength <= left) return false;
    this.#rest = Buffer.concat([this.#rest.subarray(0, cutAt(this.#rest, left)), ENDS_HERE]);
    return true;
  }

  #fillChunk(): void {
    const { n, from, bytes } = this.#chunk;
    if (bytes >= CHUNK_BYTES - LONGEST_CUT) this.#chunk = createChunk(n + 1, from + bytes);
    const chunk = this.#chunk;
    const cut = cutAt(this.#rest, CHUNK_BYTES - chunk.bytes);
    chunk.text += this.#rest.toString("utf8", 0, cut);
    chunk.bytes += cut;
    chunk.unstored += cut;
    this.#rest = this.#rest.subarray(cut);
  }

  /** Stores the chunk as it is now. Repeated after a failure. */
  async #putChunk(): Promise<void> {
    const chunk = this.#chunk;
    const { n, from, text, version: expected } = chunk;
    const value: LogChunk = { from, text };
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
  /** Bytes at the end that no write has stored. */
  unstored: number;
  version: number | "absent";
}

function createChunk(n: number, from: number): OpenChunk {
  return { n, from, text: "", bytes: 0, unstored: 0, version: "absent" };
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

/** Returns the greatest offset up to `most` that does not cut a UTF-8 character. */
function cutAt(bytes: Buffer, most: number): number {
  let cut = Math.max(0, Math.min(most, bytes.byteLength));
  while (cut > 0 && cut < bytes.byteLength && ((bytes[cut] ?? 0) & 0xc0) === 0x80) cut -= 1;
  return cut;
}

/** Returns the segments of an index with their sizes, and the sum of these. */
async function measureAll(
  records: Pick<Records, "get">,
  attempt: string,
  index: StoredRecord | undefined,
  now: number,
) {
  const segments = await Promise.all(parseSegments(index).map((each) => measure(records, attempt, each, now)));
  return { segments, bytes: segments.reduce((sum, { bytes }) => sum + bytes, 0) };
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
  let from = 0;
  for (const { key, version } of stored) {
    const cut = cutAt(bytes.subarray(from), CHUNK_BYTES);
    const value: LogChunk = { from, text: bytes.toString("utf8", from, from + cut) };
    await records.put({ key, value, expected: version, ...times });
    from += cut;
  }
  return { token: segment.token, bytes: from };
}

/** The stored part of an attempt's whole log. */
export interface StoredLog {
  /** In bytes of UTF-8. */
  readonly size: number;
  /** Reads the bytes from `from` up to `to`, in parts of at most 64 KiB. Ends at a part that was deleted. */
  read(from: number, to: number): AsyncGenerator<Uint8Array, void>;
}

/**
 * Returns the stored log of an attempt; undefined when there is none, because its tail contains the whole log or it is
 * too old.
 */
export async function findAttemptLog(
  records: Pick<Records, "get">,
  attemptId: string,
  now: number,
): Promise<StoredLog | undefined> {
  const attempt = shortHashOf(attemptId);
  const index = await records.get(toIndexKey(attempt), now);
  const { segments, bytes: size } = await measureAll(records, attempt, index, now);
  if (segments.length === 0) return undefined;
  return {
    size,
    async *read(from, to) {
      let start = 0;
      for (const { token, bytes } of segments) {
        const range = { from: Math.max(from - start, 0), to: Math.min(to - start, bytes) };
        if (range.from < range.to) yield* readSegment(records, attempt, { token, now, ...range });
        start += bytes;
      }
    },
  };
}

interface SegmentRange {
  readonly token: number;
  readonly now: number;
  readonly from: number;
  readonly to: number;
}

async function* readSegment(
  records: Pick<Records, "get">,
  attempt: string,
  { token, now, from, to }: SegmentRange,
): AsyncGenerator<Uint8Array, void> {
  let place = from;
  // Chunks are at most this long, so the offset is not before the chunk of that number.
  for (let n = Math.floor(from / CHUNK_BYTES); place < to; n += 1) {
    const record = await records.get(toChunkKey(attempt, token, n), now);
    if (!isChunk(record?.value)) return;
    const { from: start, text } = record.value;
    const bytes = Buffer.from(text);
    const part = bytes.subarray(place - start, to - start);
    if (part.byteLength > 0) yield part;
    place = Math.max(place, Math.min(to, start + bytes.byteLength));
  }
}

/** Finds the last chunk of a segment of unknown size, by doubling and halving: chunks have no gaps. */
async function measure(
  records: Pick<Records, "get">,
  attempt: string,
  segment: LogSegment,
  now: number,
): Promise<{ readonly token: number; readonly bytes: number }> {
  const { token, bytes } = segment;
  if (bytes !== undefined) return { token, bytes };
  let last: LogChunk | undefined;
  const has = async (n: number) => {
    const value = (await records.get(toChunkKey(attempt, token, n), now))?.value;
    if (!isChunk(value)) return false;
    last = value;
    return true;
  };
  let low = -1;
  let high = 0;
  for (; await has(high); high = high * 2 + 1) low = high;
  while (high - low > 1) {
    const middle = Math.floor((low + high) / 2);
    if (await has(middle)) low = middle;
    else high = middle;
  }
  return { token, bytes: last === undefined ? 0 : last.from + Buffer.byteLength(last.text) };
}

function toIndexKey(attempt: string): string {
  return `log/${attempt}/index`;
}

function toChunkKey(attempt: string, token: number, n: number): string {
  return `log/${attempt}/${token}/${n}`;
}

function parseSegments(record: StoredRecord | undefined): readonly LogSegment[] {
  const value = record?.value;
  const segments: unknown = isMap(value) ? value["segments"] : undefined;
  return Array.isArray(segments) ? segments.filter(isSegment) : [];
}

function isSegment(value: unknown): value is LogSegment {
  return isMap(value) && typeof value["token"] === "number";
}

function isChunk(value: unknown): value is LogChunk {
  return isMap(value) && typeof value["from"] === "number" && typeof value["text"] === "string";
}
