import { type By, defined } from "@stackyard/core";
import type { TerraformState } from "@stackyard/sdk";

/** Returns all who have written, locked and unlocked a state. */
export function listPeople({ versions, lock, forcedUnlocks = [] }: TerraformState): readonly By[] {
  const broken = forcedUnlocks.flatMap((each) => [each, toHolder(each)]);
  return [...versions, ...broken, ...(lock === undefined ? [] : [toHolder(lock)])];
}

/** Returns the holder of a lock. */
export function toHolder({ holder, holderId }: { readonly holder: string; readonly holderId?: string }): By {
  return { by: holder, ...defined({ byId: holderId }) };
}
