import { isDeletion, isForget, type ResourceChange } from "../plan/plan-document.ts";
import { estimateMonthly, type PriceList } from "../plan/prices.ts";

/** The maximum size of the list, in bytes: the outputs of a task have 64 KiB in all. */
const MAX_BYTES = 16 * 1024;

/** The changes of a resource, losses first. */
const WORDS = ["destroys", "replaces", "forgets", "changes", "adds", "imports", "moves"] as const;
type Word = (typeof WORDS)[number];

/**
 * Lists what a plan does to each resource, one line each: `destroys aws_db_instance.main -49.60`, with the difference in USD a
 * month where the prices of both sides are known. What is lost comes first, so that a list that is cut has it; its last line
 * then says how many resources are missing: `more 12`.
 */
export function listResources(changes: readonly ResourceChange[], prices: PriceList | undefined): string {
  const found = changes.flatMap((change) => {
    const word = toWord(change);
    return word === undefined ? [] : [{ word, change }];
  });
  const sorted = WORDS.flatMap((word) => found.filter((each) => each.word === word));
  const lines: string[] = [];
  let bytes = 0;
  for (const { word, change } of sorted) {
    const line = [word, change.address, formatDifference(change, prices)].filter((part) => part !== "").join(" ");
    bytes += Buffer.byteLength(line) + 1;
    if (bytes > MAX_BYTES) return [...lines, `more ${sorted.length - lines.length}`].join("\n");
    lines.push(line);
  }
  return lines.join("\n");
}

/** Returns undefined for a resource to which nothing happens. */
function toWord(change: ResourceChange): Word | undefined {
  const { actions, isImport, previousAddress } = change;
  if (isDeletion(change)) return actions.includes("create") ? "replaces" : "destroys";
  if (isForget(change)) return "forgets";
  if (actions.includes("create")) return "adds";
  if (actions.includes("update")) return "changes";
  if (isImport) return "imports";
  return previousAddress === undefined ? undefined : "moves";
}

/** A forgotten resource still costs what it did. */
function formatDifference(change: ResourceChange, prices: PriceList | undefined): string {
  if (prices === undefined || isForget(change)) return "";
  const { before, after } = change;
  const sides = [before, after].map((values) => {
    return values === null ? 0 : estimateMonthly(prices, { ...change, after: values });
  });
  const [then, next] = sides;
  return then === undefined || next === undefined ? "" : (next - then).toFixed(2);
}
