import type { Store } from "@stackyard/core";
import type { Change, TakeDueInput } from "@stackyard/core/engine";

// Parts of the ports that core gives no name of their own.

/** A run to send. */
export type Dispatch = Change["dispatches"][number];

/** The message of a task. */
export type TaskMessage = Dispatch["message"];

/** A stack's record. */
export type Stack = Extract<Change["write"], { kind: "put" }>["stack"];

/** What a listener is told. */
export type StoreSignal = Parameters<Parameters<Store["watch"]>[0]>[0];

/** What `takeDue` may be asked for. */
export type DueKind = TakeDueInput["kinds"][number];

/** Where the work of a suspended attempt stands. */
export type SuspendInput = Parameters<Store["suspend"]>[1];

/** How an attempt ended. */
export type SettleInput = Parameters<Store["settle"]>[1];

/** How a lease is prolonged. */
export type RenewInput = Parameters<Store["renew"]>[1];

/** The answer to a renewal. */
export type RenewResult = Awaited<ReturnType<Store["renew"]>>;

/** What a record shall become. */
export type PutRecordInput = Parameters<Store["records"]["put"]>[0];

/** Whether it did. */
export type PutRecordResult = Awaited<ReturnType<Store["records"]["put"]>>;

/** Which lines of the history are listed. */
export type HistoryFilter = Parameters<Store["queries"]["listHistory"]>[0];

/** Which part of a list is wanted. */
export type PageInput = Parameters<Store["queries"]["listHistory"]>[1];
