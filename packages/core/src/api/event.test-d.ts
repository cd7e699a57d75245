import { expectTypeOf, it } from "vitest";
import type { Outcome as KeptOutcome, StoredHistoryEntry } from "../ports/stack-store.ts";
import type { HistoryEntry, Outcome } from "./event.ts";

it("shows each field of a kept line of the history, and each outcome", () => {
  expectTypeOf<keyof HistoryEntry>().toEqualTypeOf<keyof StoredHistoryEntry>();
  expectTypeOf<Outcome>().toEqualTypeOf<KeptOutcome>();
});
