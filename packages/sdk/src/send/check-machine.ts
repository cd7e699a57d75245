import { isStackyardError, StackyardError } from "@stackyard/core";
import type { MachinesApi } from "../machines-api.ts";

type Reading<Name extends "get" | "revisions"> = (...args: Parameters<MachinesApi[Name]>) => Promise<unknown>;

/** What tells which machines a yard has, or had. */
export interface KnownMachines {
  readonly yard: { readonly machines: { readonly get: Reading<"get">; readonly revisions: Reading<"revisions"> } };
  readonly signal?: AbortSignal;
}

/**
 * Throws `MACHINE_UNKNOWN` before anything is sent when the event names a machine of which the yard has never had a
 * document: a mistyped one would be parked. Senders that may not read machines are not stopped.
 */
export async function checkMachine(
  { yard: { machines }, signal }: KnownMachines,
  { machine }: { readonly machine?: string | undefined },
): Promise<void> {
  if (machine === undefined) return;
  const unknown =
    (await findUnknown(machines.get(machine, { signal }))) &&
    (await findUnknown(machines.revisions(machine, { limit: 1, signal })));
  if (unknown === undefined) return;
  const hint = "`stackyard machines ls` lists the machines.";
  const message = `${unknown.message} Nothing was sent.`;
  throw new StackyardError("MACHINE_UNKNOWN", message, { details: { hint }, cause: unknown });
}

async function findUnknown(reading: Promise<unknown>): Promise<StackyardError | undefined> {
  try {
    await reading;
    return undefined;
  } catch (error) {
    if (isStackyardError(error, "MACHINE_UNKNOWN")) return error;
    if (isStackyardError(error, "FORBIDDEN") || isStackyardError(error, "MACHINE_INVALID")) return undefined;
    throw error;
  }
}
