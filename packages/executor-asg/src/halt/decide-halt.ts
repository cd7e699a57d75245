import type { ReleaseConstants } from "../release-constants.ts";

/** An order to stop. */
export type HaltOrder =
  /** The predecessor's file, addressed to whatever release of the project-config runs; it counts for some minutes. */
  | { readonly kind: "file"; readonly message: string; readonly modifiedAt: number }
  /** Ours, addressed to one release; it counts until it is obeyed. */
  | { readonly kind: "release"; readonly message: string; readonly by?: string; readonly at: number };

/** What decides whether a release goes on. Instants in epoch ms. */
export interface HaltInput {
  /** By the deployer's clock. */
  readonly now: number;
  /** When the release was validated. */
  readonly startedAt: number;
  /** As the document has it: the seed's time-out counts from there. Default: `startedAt`. */
  readonly createdAt?: number;
  readonly timeoutSeconds: number;
  /** All orders that were found. */
  readonly halts: readonly HaltOrder[] | "unreadable";
  /** Default: `odin`. */
  readonly generation?: ReleaseConstants["generation"];
}

/** Whether a release goes on. */
export type HaltDecision =
  /** `unreadable`: nobody knows whether there is an order; to be logged, and looked at again. */
  | { readonly kind: "go-on"; readonly unreadable: boolean }
  | { readonly kind: "halt"; readonly code: "RELEASE_TIMED_OUT" | "RELEASE_HALTED"; readonly message: string };

const FILE_COUNTS_FOR_MS = 5 * 60_000;
const CLOCKS_DIFFER_BY_MS = 2 * 60_000;

/**
 * Whether a release has to stop. Its time-out comes first, then orders to this release, then the predecessor's file,
 * which counts only when it is younger than five minutes and not two minutes or more ahead. Orders that cannot be read
 * halt nothing: storage that fails for a moment must not tear down a release, and the next look is seconds away.
 */
export function decideHalt(input: HaltInput): HaltDecision {
  const isSeed = input.generation === "step-asg-deployer";
  const began = isSeed ? (input.createdAt ?? input.startedAt) : input.startedAt;
  if (input.now > began + input.timeoutSeconds * 1_000) {
    return { kind: "halt", code: "RELEASE_TIMED_OUT", message: "Timeout: Halting Release" };
  }
  if (input.halts === "unreadable") return { kind: "go-on", unreadable: true };
  const order = findOrder(input.halts, input.now);
  if (order === undefined) return { kind: "go-on", unreadable: false };
  return { kind: "halt", code: "RELEASE_HALTED", message: toMessage(order, isSeed) };
}

function findOrder(halts: readonly HaltOrder[], now: number): HaltOrder | undefined {
  const own = halts.filter((order) => order.kind === "release").toSorted((one, other) => one.at - other.at);
  return own[0] ?? halts.find((order) => order.kind === "file" && counts(order.modifiedAt, now));
}

function counts(modifiedAt: number, now: number): boolean {
  return modifiedAt > now - FILE_COUNTS_FOR_MS && modifiedAt < now + CLOCKS_DIFFER_BY_MS;
}

function toMessage(order: HaltOrder, isSeed: boolean): string {
  if (order.kind === "release") return order.message || `Halted by ${order.by || "an operator"}`;
  // The seed writes the word "halt" into it, which says nothing.
  return isSeed || order.message === "" ? "Halt File Found" : order.message;
}
