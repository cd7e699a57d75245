import type { StateReferences } from "../document/references.ts";
import type { ExpressionPlace } from "../expression/expression-place.ts";
import type { EventDraft } from "./read-events.ts";
import type { MetadataDraft } from "./read-metadata.ts";

/** What the parts of a state refer to. */
export interface StateScope {
  readonly references: StateReferences;
  /** Undefined when they could not be read. */
  readonly events: ReadonlyMap<string, EventDraft> | undefined;
  readonly metadata: MetadataDraft;
  /** What its conditions may name. */
  readonly place: ExpressionPlace;
}
