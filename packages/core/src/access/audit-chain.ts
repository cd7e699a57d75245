import { sha256 } from "@noble/hashes/sha2.js";
import { bytesToHex, utf8ToBytes } from "@noble/hashes/utils.js";
import { isMap, parseJson } from "../machine/json.ts";
import type { StoredRecord } from "../ports/records.ts";
import { AUDIT_RETENTION_DAYS, type AuditEntry, type AuditLine } from "./audit-entry.ts";

/** Where the chain of the audit log begins and ends. */
export interface AuditHead {
  /** The number of the newest line; 0 before the first. */
  readonly seq: number;
  /** SHA-256 of the newest line's text, in lower-case hex; `""` before the first. */
  readonly hash: string;
  /** The oldest stored line: earlier ones were pruned. `prev` is that line's hash of the one before it. */
  readonly first: { readonly seq: number; readonly prev: string };
  /** The record of the head is missing although the log had lines: this is what is known from elsewhere in the store. */
  readonly lost?: true;
}

const DAY_MS = 86_400_000;

/** The head before the first line. */
export const EMPTY_HEAD: AuditHead = { seq: 0, hash: "", first: { seq: 1, prev: "" } };

/** The record of the head. */
export const HEAD_KEY = "audit/head";
/** Everything under this key is a sealed line. */
export const LOG_PREFIX = "audit/log/";

/** The end of the log as it was within the last hour, outside of the log. */
export const WITNESS_KEY = "yard/audit-end";

/** A noted end of the log. */
interface Witness extends Pick<AuditHead, "seq" | "hash"> {
  /** Epoch milliseconds. */
  readonly at: number | undefined;
  readonly signed: string | undefined;
  readonly key: string | undefined;
}

/** Returns what a record of the end says, or undefined. */
export function parseWitness(record: StoredRecord | undefined): Witness | undefined {
  if (!isMap(record?.value)) return undefined;
  const { seq, hash, at, signed, key } = record.value;
  if (typeof seq !== "number" || typeof hash !== "string") return undefined;
  const textOf = (value: unknown) => (typeof value === "string" ? value : undefined);
  return { seq, hash, at: typeof at === "number" ? at : undefined, signed: textOf(signed), key: textOf(key) };
}

/** The action of lines about pruned lines. */
export const PRUNE_ACTION = "pruneAudit";
/** Who prunes. */
export const PRUNER = { kind: "host", id: "stackyard", name: "stackyard", groups: [] } as const;

/** Returns the key of a line: in order of numbers. */
export function toLineKey(seq: number): string {
  return `${LOG_PREFIX}${String(seq).padStart(16, "0")}`;
}

/** Returns the hash of a line, which is `prev` in the next line: the SHA-256 of its text. */
export function hashLine(text: string): string {
  return bytesToHex(sha256(utf8ToBytes(text)));
}

/** Returns the text of an entry as the line after that end of the chain. */
export function toLineText(entry: AuditEntry, { seq, hash }: Pick<AuditHead, "seq" | "hash">): string {
  const line: AuditLine = { seq: seq + 1, prev: hash, ...entry };
  return JSON.stringify(line);
}

/** Returns the line of a text; undefined when it is not one. */
export function parseLine(text: unknown): AuditLine | undefined {
  const value = typeof text === "string" ? parseJson(text) : undefined;
  return isLine(value) ? value : undefined;
}

/** Checks what filters of lines read; the rest is shown unchanged. */
function isLine(value: unknown): value is AuditLine {
  if (!isMap(value) || !isMap(value["who"]) || !isMap(value["on"])) return false;
  const { seq, prev, id, at, action, outcome, via } = value;
  const texts = [prev, id, action, outcome, via];
  return Number.isSafeInteger(seq) && typeof at === "number" && texts.every((each) => typeof each === "string");
}

/**
 * The fault of a chain: a line was changed or removed, or does not belong there. `end`: no line has the hash of the
 * stored head, so lines after this one are missing, or it was changed. `beginning`: lines before this one are missing,
 * and no line shows that exactly these were pruned. `head`: there are lines, but no head.
 */
export interface ChainFault {
  readonly kind: "changed" | "removed" | "foreign" | "end" | "beginning" | "head";
  readonly seq: number;
}

/** The result of checking a chain. */
export type ChainReport =
  | {
      readonly kind: "whole";
      readonly lines: number;
      readonly first: number;
      readonly last: Pick<AuditHead, "seq" | "hash">;
    }
  | { readonly kind: "broken"; readonly fault: ChainFault };

/** A head from another source: the one in the log, or only a hash that was noted before. */
export type KnownHead = AuditHead | Pick<AuditHead, "hash">;

/** Checks the lines of an export, one after the other. */
export interface ChainCheck {
  /** Takes the text of the next line, without its end. Returns the first fault once there is one. */
  add(text: string): ChainFault | undefined;
  end(): ChainReport;
}

/**
 * Begins a check. A line that was changed is known by the `prev` of the line after it, the newest one by the head
 * alone. Lines after the head are checked too. `now`: no line explains by a later date of its own what is missing.
 */
export function checkChain(head: KnownHead | undefined, now: number): ChainCheck {
  const log = head !== undefined && "seq" in head ? head : undefined;
  const links: Link[] = [];
  let lines = 0;
  let first: Pick<AuditLine, "seq" | "at"> = { seq: 0, at: 0 };
  let prunings: readonly Pruning[] = [];
  let isHeadSeen = head === undefined || head.hash === "";
  let fault: ChainFault | undefined;

  function addLine(text: string): ChainFault | undefined {
    const before = links.at(-1);
    const expected = before === undefined ? log?.first.seq : before.seq + 1;
    const line = parseLine(text);
    const misplaced = findMisplaced(line?.seq, expected);
    if (line === undefined || misplaced !== undefined) return findUnfit(links, lines) ?? misplaced;
    const link = toLink(line, text, before?.hash ?? log?.first.prev);
    links.splice(0, links.length - 1);
    links.push(link);
    if (lines === 0) first = line;
    lines += 1;
    // Nor by one that is later than the lines after it.
    const explained = prunings.map((each) => ({ ...each, at: Math.min(each.at, line.at) }));
    prunings = [...explained, ...findPruning(line)];
    isHeadSeen ||= link.hash === head?.hash;
    return findChanged(before, link, lines) ?? findOtherEnd(log, link);
  }

  function findEnd(): ChainFault | undefined {
    const last = links.at(-1);
    const next = last === undefined ? (log?.first.seq ?? 1) : last.seq + 1;
    const unfit = findUnfit(links, lines);
    if (unfit !== undefined || (log?.seq ?? 0) >= next) return unfit ?? { kind: "removed", seq: next };
    return isHeadSeen ? findOddBeginning() : { kind: "end", seq: next - 1 };
  }

  function findOddBeginning(): ChainFault | undefined {
    if (lines === 0) return undefined;
    const dated = prunings.map((each) => ({ ...each, at: Math.min(each.at, now) }));
    if (!explains(dated, first)) return { kind: "beginning", seq: first.seq };
    return log?.seq === 0 || log?.lost ? { kind: "head", seq: 1 } : undefined;
  }

  return {
    add(text) {
      fault ??= addLine(text);
      return fault;
    },
    end() {
      fault ??= findEnd();
      if (fault !== undefined) return { kind: "broken", fault };
      const { seq = 0, hash = "" } = links.at(-1) ?? {};
      return { kind: "whole", lines, first: first.seq, last: { seq, hash } };
    },
  };
}

/** The pruning that one line records: these lines, all of them older than the least retention. */
interface Pruning {
  readonly from: number;
  readonly to: number;
  readonly at: number;
}

const PRUNED = /^(\d+)-(\d+)$/;

/** Returns what a line says was pruned; empty for other lines. */
function findPruning({ at, action, who, via, on }: AuditLine): readonly Pruning[] {
  if (action !== PRUNE_ACTION || who.kind !== PRUNER.kind || who.id !== PRUNER.id || via !== PRUNER.kind) return [];
  const [, from, to] = PRUNED.exec(on.key ?? "") ?? [];
  return to === undefined ? [] : [{ from: Number(from), to: Number(to), at }];
}

/**
 * Returns true when the lines before the first one were pruned: each pruning continues the one before, the last ends
 * there, and the first line, which a pruning leaves as its proof, was itself old enough then.
 */
function explains(prunings: readonly Pruning[], first: Pick<AuditLine, "seq" | "at">): boolean {
  const last = prunings.at(-1);
  if (last === undefined) return first.seq === 1;
  const isContinued = prunings.every(
    ({ from, to }, nth) => from <= to && from === (prunings[nth - 1]?.to ?? from - 1) + 1,
  );
  return isContinued && last.to + 1 === first.seq && first.at < last.at - AUDIT_RETENTION_DAYS.least * DAY_MS;
}

/** A line that was read. */
interface Link {
  readonly seq: number;
  readonly hash: string;
  /** Its `prev` is the hash of the line before it. */
  readonly isFitting: boolean;
}

/** Links a line to the chain. `known`: the hash of the line before it, if that is known. */
function toLink({ seq, prev }: AuditLine, text: string, known: string | undefined): Link {
  const expected = known ?? (seq === 1 ? "" : prev);
  return { seq, hash: hashLine(text), isFitting: prev === expected };
}

function findMisplaced(seq: number | undefined, expected: number | undefined): ChainFault | undefined {
  if (seq === undefined) return { kind: "changed", seq: expected ?? 1 };
  if (expected === undefined || seq === expected) return undefined;
  return seq > expected ? { kind: "removed", seq: expected } : { kind: "foreign", seq };
}

/** Returns the fault of a line that does not fit, once it is known whether the next one fits it. */
function findChanged(before: Link | undefined, link: Link, lines: number): ChainFault | undefined {
  if (before?.isFitting !== false) return undefined;
  return { kind: "changed", seq: link.isFitting && lines > 2 ? before.seq - 1 : before.seq };
}

/** Returns a fault when the newest line in the log's head is another one. */
function findOtherEnd(log: AuditHead | undefined, { seq, hash }: Link): ChainFault | undefined {
  return log !== undefined && seq === log.seq && hash !== log.hash ? { kind: "changed", seq } : undefined;
}

/** Returns a fault when the newest line does not fit, and no later line shows which of the two was changed. */
function findUnfit(links: readonly Link[], lines: number): ChainFault | undefined {
  const last = links.at(-1);
  if (last?.isFitting !== false) return undefined;
  return { kind: "changed", seq: lines > 1 ? last.seq - 1 : last.seq };
}
