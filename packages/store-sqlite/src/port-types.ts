import type { Store } from "@stackyard/core";
import type { Change, DueItem, TakeDueInput } from "@stackyard/core/engine";

// Parts of the ports that core gives no name of their own.

/** A run to send. */
export type Dispatch = Change["dispatches"][number];

/** A cancel to carry out. */
export type CancelAttempt = Change["cancels"][number];

/** The message of a task. */
export type TaskMessage = Dispatch["message"];

/** A stack's record. */
export type Stack = Extract<Change["write"], { kind: "put" }>["stack"];

/** What a listener is told. */
export type StoreSignal = Parameters<Parameters<Store["watch"]>[0]>[0];

/** What `takeDue` may be asked for. */
export type DueKind = TakeDueInput["kinds"][number];

/** A due item of one kind. */
export type DueItemOf<Kind extends DueKind> = Extract<DueItem, { readonly kind: Kind }>;

/** A machine's source as it is kept. */
export type Revision = Parameters<Store["revisions"]["put"]>[0];

/** What a record shall become. */
export type PutRecordInput = Parameters<Store["records"]["put"]>[0];

/** Whether it did. */
export type PutRecordResult = Awaited<ReturnType<Store["records"]["put"]>>;
