import { Type } from "typebox";
import { cutText } from "../machine/cut-text.ts";
import { defined } from "../machine/json.ts";
import { defineRecordKind, type RecordsDeps } from "../ports/record-kind.ts";
import type { YardServicesDeps } from "./service-deps.ts";

/** A service whose ticks fail. */
export interface ServiceFailure {
  /** Failed ticks in a row. */
  readonly count: number;
  /** Epoch milliseconds. */
  readonly firstAt: number;
  readonly lastAt: number;
  /** The error message; at most 1,024 characters. */
  readonly message: string;
}

/** A service as lists show it. */
export interface ServiceState {
  readonly name: string;
  /** Missing when its last tick succeeded, or before the first. */
  readonly failure?: ServiceFailure;
}

const MAX_MESSAGE = 1_024;

const failures = defineRecordKind({
  prefix: "service-failures/",
  value: Type.Unsafe<ServiceFailure>(
    Type.Object({ count: Type.Number(), firstAt: Type.Number(), message: Type.String() }),
  ),
  holds: "failures of services",
  kept: "until a tick succeeds",
  damaged: "missing",
});

const toDeps = ({ store: { records }, clock }: YardServicesDeps): RecordsDeps => ({ records, clock });

/** Returns a service with the failure that the processes of the yard have stored. */
export async function loadServiceState(deps: YardServicesDeps, name: string): Promise<ServiceState> {
  return { name, ...defined({ failure: await failures.find(toDeps(deps), name) }) };
}

/** Stores that a tick has failed. */
export async function noteFailure(deps: YardServicesDeps, name: string, text: string): Promise<void> {
  await failures.change(toDeps(deps), name, (found, now) => {
    const { count, firstAt } = found?.value ?? { count: 0, firstAt: now };
    return { write: { value: { count: count + 1, firstAt, lastAt: now, message: cutText(text, MAX_MESSAGE) } } };
  });
}

/** Removes the failure of a service after a tick that succeeded. */
export async function removeFailure(deps: YardServicesDeps, name: string): Promise<void> {
  await failures.remove(toDeps(deps), name);
}
