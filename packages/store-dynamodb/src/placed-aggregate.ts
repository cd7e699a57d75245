import type { Aggregate } from "./aggregate.ts";
import type { ShadowRow } from "./shadow-row.ts";

/** Where the next write of an aggregate goes, and what it is conditional on. */
export type Place =
  | { readonly kind: "live"; readonly version: number }
  /** As the predecessor wrote it: without a version. */
  | { readonly kind: "taken-over" }
  | { readonly kind: "shadow"; readonly row: ShadowRow | undefined }
  /** Its stack has ended; the item must go before anything else is written. */
  | { readonly kind: "removed"; readonly live: Aggregate }
  /** Written by somebody who had slept over a whole life: never was a stack. */
  | { readonly kind: "zombie"; readonly version: number };

/** An aggregate as it is loaded. */
export interface PlacedAggregate extends Aggregate {
  readonly place: Place;
}
