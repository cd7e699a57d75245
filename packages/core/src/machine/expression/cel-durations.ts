import { Duration } from "@marcbachmann/cel-js/evaluator";
import { EvaluationError } from "./evaluation-error.ts";

const SECOND = 1_000_000_000n;
const MAX_CHARACTERS = 64;
const UNITS: Readonly<Record<string, bigint>> = {
  h: 3600n * SECOND,
  m: 60n * SECOND,
  s: SECOND,
  ms: 1_000_000n,
  us: 1000n,
  µs: 1000n,
  ns: 1n,
};
const WHOLE = /^[-+]?(?:\d+(?:\.\d+)?(?:h|ms|m|s|us|µs|ns))+$/;
const PART = /(\d+)(?:\.(\d+))?(h|ms|m|s|us|µs|ns)/g;

/** A duration of CEL, such as `1h30m`. The library's own parser takes quadratic time for long digits. */
export function parseCelDuration(text: string): Duration {
  if (text.length > MAX_CHARACTERS || !WHOLE.test(text)) {
    throw new EvaluationError("duration() needs text such as 90m or 1h30m");
  }
  let nanos = 0n;
  for (const [, whole = "0", fraction = "", unit = "s"] of text.matchAll(PART)) nanos += toNanos(whole, fraction, unit);
  return toDuration(text.startsWith("-") ? -nanos : nanos);
}

/** Seconds with a fraction, as CEL writes durations: `5400s`, `-0.5s`. */
export function toDurationText(duration: Duration): string {
  const nanos = duration.seconds * SECOND + BigInt(duration.nanos);
  const size = nanos < 0n ? -nanos : nanos;
  const fraction = (size % SECOND).toString().padStart(9, "0").replace(/0+$/, "");
  return `${nanos < 0n ? "-" : ""}${size / SECOND}${fraction && `.${fraction}`}s`;
}

function toNanos(whole: string, fraction: string, unit: string): bigint {
  const scale = UNITS[unit] ?? 0n;
  return BigInt(whole) * scale + (BigInt(fraction || "0") * scale) / 10n ** BigInt(fraction.length);
}

// The part below a second is kept positive: the library adds durations wrongly otherwise.
function toDuration(nanos: bigint): Duration {
  const rest = ((nanos % SECOND) + SECOND) % SECOND;
  return new Duration((nanos - rest) / SECOND, Number(rest));
}
