export type {
  AttemptView,
  ClaimInput,
  ClaimResult,
  Grant,
  RenewResult,
  SettleInput,
  SuspendInput,
} from "../ports/attempt-store.ts";
export type { Revision } from "../ports/locator.ts";
export type { Page, PageInput, PutRecordInput, PutRecordResult, StoredRecord } from "../ports/records.ts";
export type { Retention, StackFilter, StoredStack, StoreStats } from "../ports/stack-queries.ts";
export type {
  Change,
  CommitResult,
  HistoryEntry,
  LoadedStack,
  ParkedEvent,
  QueuedEvent,
  SetAsideEvent,
  StoredHistoryEntry,
} from "../ports/stack-store.ts";
export type { DueItem, TakeDueInput } from "../ports/work-queue.ts";
