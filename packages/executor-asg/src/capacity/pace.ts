import type { Strategy } from "../document/release.ts";

/** How a strategy brings up its instances. */
export type Pace =
  | { readonly kind: "all" }
  | { readonly kind: "canary" }
  /** In so many parts. */
  | { readonly kind: "parts"; readonly parts: number }
  /** So many instances at a time. */
  | { readonly kind: "increment"; readonly size: number }
  /** The next step when this one has been healthy for a while. */
  | { readonly kind: "gated" };

/** The pace of each strategy. */
export const PACES: Readonly<Record<Strategy, Pace>> = {
  AllAtOnce: { kind: "all" },
  OneThenAllWithCanary: { kind: "canary" },
  "25PercentStepRolloutNoCanary": { kind: "parts", parts: 4 },
  "10PercentStepRolloutNoCanary": { kind: "parts", parts: 10 },
  "10AtATimeNoCanary": { kind: "increment", size: 10 },
  "20AtATimeNoCanary": { kind: "increment", size: 20 },
  GatedCanary: { kind: "gated" },
  GatedSteps: { kind: "gated" },
};

/**
 * The capacity after one more part of `base`, when `launched` instances are there: at least one more, at most `base`,
 * never less than one. `parts` may be a fraction, or 0 where there is nothing to launch.
 */
export function toNextPart(launched: number, base: number, parts: number): number {
  const part = parts === 0 ? 1 : Math.max(1, Math.trunc(base / parts));
  return Math.max(1, Math.min(launched + part, base));
}

/** Into how many parts the target is divided; of increments that is seldom a whole number. */
export function toParts(pace: Extract<Pace, { kind: "parts" | "increment" }>, targetLaunched: number): number {
  return pace.kind === "parts" ? pace.parts : targetLaunched / pace.size;
}
