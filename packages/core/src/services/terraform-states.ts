import { hash } from "node:crypto";
import { type Static, Type } from "typebox";
import { Check } from "typebox/value";
import { listPages, type PageStart } from "../list-pages.ts";
import type { Clock } from "../ports/clock.ts";
import { requireRecords } from "../ports/read-records.ts";
import type { Records } from "../ports/records.ts";
import { toReadableStateKey } from "../ports/state-prefix.ts";

/** The beginning of the keys of the records of Terraform states. */
export const STATE_HEADS = "terraform-state/head/";

/**
 * Returns the unique name of a state in the keys of its records, which have at most 512 characters: readable and sorted
 * up to its cut.
 */
export function toStateName(stateKey: string): string {
  return `${toReadableStateKey(stateKey)}~${hash("sha256", stateKey).slice(0, 32)}`;
}

/** The facts about a Terraform state that the yard stores, for services. */
const KeptState = Type.Object({
  key: Type.String(),
  current: Type.Integer(),
  versions: Type.Array(
    Type.Object({
      version: Type.Integer(),
      /** Missing: it was stored before resources were counted. */
      resources: Type.Optional(Type.Integer()),
    }),
  ),
});
type KeptState = Static<typeof KeptState>;

const PAGE = 100;

/** Yields the keys of Terraform states that contain resources, or of which it is not known. Throws `STORE_CORRUPT`. */
export async function* listFilledStates({
  records,
  clock,
}: {
  readonly records: Records;
  readonly clock: Pick<Clock, "now">;
}): AsyncGenerator<string> {
  const load = (start: PageStart) => records.list(STATE_HEADS, { limit: PAGE, now: clock.now(), ...start });
  for await (const page of listPages(load)) {
    const heads = requireRecords(page, ({ value }) => (Check(KeptState, value) ? value : undefined));
    for (const head of heads) if (isFilled(head)) yield head.key;
  }
}

function isFilled({ current, versions }: KeptState): boolean {
  return versions.some(({ version, resources }) => version === current && resources !== 0);
}
