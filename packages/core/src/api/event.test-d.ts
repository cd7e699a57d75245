import { expectTypeOf, it } from "vitest";
import type { Outcome as KeptOutcome, StoredHistoryEntry } from "../ports/stack-store.ts";
import type { HistoryEntry, Outcome } from "./event.ts";

it("shows each field of a kept line of the history but the mark of its event, and each outcome", () => {
  expectTypeOf<keyof HistoryEntry>().toEqualTypeOf<Exclude<keyof StoredHistoryEntry, "mark">>();
  expectTypeOf<Outcome>().toEqualTypeOf<KeptOutcome>();
});
