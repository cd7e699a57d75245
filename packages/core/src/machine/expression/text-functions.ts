import { EvaluationError } from "./evaluation-error.ts";
import { EXPRESSION_LIMITS } from "./expression-limits.ts";
import { checkListLength, type Meter, toTextSteps } from "./meter.ts";

// Up to here a search looks at each character once or twice; beyond, hostile texts make it look at each many times.
const SHORT_PART = 250;

/** `text.contains(part)`. The library's own text functions make any amount of text out of a little; these charge a meter. */
export function containsText(meter: Meter, text: string, part: string): boolean {
  chargeSearch(meter, text, part);
  return text.includes(part);
}

/** `text.split(separator, limit)`; a limit below zero is none. An empty separator gives the characters. */
export function splitText(meter: Meter, text: string, separator: string, limit = -1n): string[] {
  chargeSearch(meter, text, separator);
  const parts = toParts(text, separator);
  if (limit < 0n || BigInt(parts.length) <= limit) return parts;
  const kept = Number(limit) - 1;
  return kept < 0 ? [] : [...parts.slice(0, kept), parts.slice(kept).join(separator)];
}

/** `list.join(separator)`, of texts only. */
export function joinTexts(meter: Meter, list: readonly unknown[], separator = ""): string {
  const texts = list.map(toText);
  const characters = texts.reduce((sum, text) => sum + text.length + separator.length, 0);
  meter.charge(toTextSteps(characters) + texts.length);
  return texts.join(separator);
}

/** `text.replace(part, by, limit)`: the first so many, all when the limit is below zero. */
export function replaceText(meter: Meter, text: string, part: string, by: string, limit = -1n): string {
  if (part === "") return insertText(meter, text, by, limit);
  return joinTexts(meter, splitText(meter, text, part, limit < 0n ? -1n : limit + 1n), by);
}

/** `text.lowerAscii()`: other letters than A to Z stay. */
export function lowerAscii(text: string): string {
  return text.replace(/[A-Z]+/g, (letters) => letters.toLowerCase());
}

/** `text.upperAscii()`: other letters than a to z stay. */
export function upperAscii(text: string): string {
  return text.replace(/[a-z]+/g, (letters) => letters.toUpperCase());
}

// An empty part is found before each character and at the end.
function insertText(meter: Meter, text: string, by: string, limit: bigint): string {
  const characters = splitText(meter, text, "");
  const all = characters.length + 1;
  const times = limit < 0n || limit > BigInt(all) ? all : Number(limit);
  const pieces = [...characters, ""].map((character, index) => (index < times ? by : "") + character);
  return joinTexts(meter, pieces);
}

function chargeSearch(meter: Meter, text: string, part: string): void {
  const steps = toTextSteps(text.length);
  meter.charge(part.length > SHORT_PART ? Math.ceil((text.length * part.length) / 512) : steps);
}

function toParts(text: string, separator: string): string[] {
  if (separator === "") checkListLength(text.length);
  const parts = separator === "" ? [...text] : text.split(separator, EXPRESSION_LIMITS.maxList + 1);
  checkListLength(parts.length);
  return parts;
}

function toText(item: unknown): string {
  if (typeof item === "string") return item;
  throw new EvaluationError("join() needs a list of texts; write string(x) for other values");
}
