import type { LogTime } from "@stackyard/core";
import type * as op from "@stackyard/core/api/operations";
import { call } from "./call.ts";
import { type CallOptions, type HttpClient, StackyardApiError } from "./http-client.ts";

/** When the lines of a part of a log were logged, to a tenth of a second. */
export interface LogTimes {
  readonly from: number;
  readonly to: number;
  /** A time holds for the lines after it too. Lines before the first one have no known time. */
  readonly times: readonly LogTime[];
}

/** Which part of a log. Default: all of it. */
export interface LogOptions extends CallOptions {
  /** Bytes to leave out. Default 0. */
  readonly from?: number;
  /** Bytes of the log after which the part ends. Default: its present end. */
  readonly to?: number;
  /** The last `last` bytes, instead of `from` and `to`. */
  readonly last?: number;
}

/** A part of a log. It begins and ends between characters, so it may be up to 3 bytes shorter at each end than requested. */
export interface AttemptLog {
  readonly text: string;
  /** Where the text begins, in bytes. */
  readonly from: number;
  /** Where it ends: the next `from`. */
  readonly to: number;
  /** Bytes of the whole log at present. */
  readonly size: number;
}

/** Which part of a log. */
interface LogTimesOptions extends CallOptions {
  readonly from?: number;
  readonly to?: number;
}

/** Loads when the lines of a part of a log were logged; at most 1 MiB at once. */
export function loadLogTimes(
  http: HttpClient,
  attemptId: string,
  { from, to, signal }: LogTimesOptions = {},
): Promise<LogTimes> {
  const given = { params: { attemptId }, query: { from, to } };
  return call<typeof op.getAttemptLogTimes>(http, "GET /v1/attempts/:attemptId/log-times", given, { signal });
}

/** Loads a part of an attempt's log. */
export async function loadLog(http: HttpClient, attemptId: string, options: LogOptions = {}): Promise<AttemptLog> {
  const { signal } = options;
  const request = { path: ["v1", "attempts", attemptId, "full-log"], signal };
  try {
    const headers = { accept: "text/plain", range: `bytes=${toRange(options)}` };
    return await readPart(await http.openStream(request, headers));
  } catch (error) {
    if (error instanceof StackyardApiError && error.problem.status === 416) return toNothing(error, options);
    throw error;
  }
}

function toRange({ from = 0, to, last }: LogOptions): string {
  if (last !== undefined) return `-${last}`;
  return `${from}-${to === undefined ? "" : to - 1}`;
}

async function readPart(response: Response): Promise<AttemptLog> {
  const bytes = new Uint8Array(await response.arrayBuffer());
  const [, first, size] = /^bytes (\d+)-\d+\/(\d+)$/.exec(response.headers.get("content-range") ?? "") ?? [];
  const start = Number(first ?? 0);
  return toAttemptLog(bytes, start, Number(size ?? start + bytes.byteLength));
}

/** Returns an empty part, for a log that does not exist yet or any more. */
function toNothing({ problem }: StackyardApiError, { from = 0, last }: LogOptions): AttemptLog {
  const size = Number(problem.details?.["size"] ?? from);
  const end = last === undefined ? from : size;
  return { text: "", from: end, to: end, size };
}

const decoder = new TextDecoder("utf-8", { ignoreBOM: true });

function toAttemptLog(bytes: Uint8Array, start: number, size: number): AttemptLog {
  const first = start === 0 ? 0 : findFirst(bytes);
  const end = start + bytes.byteLength === size ? bytes.byteLength : findEnd(bytes);
  // Bytes that are not UTF-8 are shown as they are rather than left out.
  const [from, to] = first < end ? [first, end] : [0, bytes.byteLength];
  return { text: decoder.decode(bytes.subarray(from, to)), from: start + from, to: start + to, size };
}

/** Returns the start of the first whole character: a character has at most 3 bytes after its first. */
function findFirst(bytes: Uint8Array): number {
  const first = bytes.subarray(0, 4).findIndex((byte) => (byte & 0xc0) !== 0x80);
  return first === -1 ? 0 : first;
}

/** Returns the end of the last whole character. */
function findEnd(bytes: Uint8Array): number {
  const start = bytes.subarray(-4).findLastIndex((byte) => (byte & 0xc0) !== 0x80);
  if (start === -1) return bytes.byteLength;
  const last = bytes.byteLength - Math.min(4, bytes.byteLength) + start;
  return last + lengthOf(bytes[last] ?? 0) > bytes.byteLength ? last : bytes.byteLength;
}

/** Returns the number of bytes of a character, by its first one (RFC 3629). */
function lengthOf(first: number): number {
  if (first >= 0xf0) return 4;
  if (first >= 0xe0) return 3;
  return first >= 0xc0 ? 2 : 1;
}
