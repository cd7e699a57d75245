import { createHash } from "node:crypto";
import type { Release, Service } from "../document/release.ts";
import { serviceId } from "../names/service-id.ts";
import type { ReleaseConstants } from "../release-constants.ts";
import type { ReleaseState } from "../release-state.ts";

const LETTERS = 7;
const ALPHABET = 26;

/**
 * Name of the group of a service: of the document alone, or, in the first generation, of the time and of letters. Those are of this
 * execution, so that a state which is repeated means the same group.
 */
export function toGroupName(
  release: Release,
  service: Service,
  {
    state,
    constants,
  }: { readonly state: Pick<ReleaseState, "uuid" | "started_at">; readonly constants: ReleaseConstants },
): string {
  if (constants.generation === "odin") return serviceId(release, service);
  return serviceId(release, service, { at: Date.parse(state.started_at), letters: toLetters(state.uuid) });
}

function toLetters(uuid: string): string {
  const bytes = createHash("sha256").update(uuid).digest().subarray(0, LETTERS);
  return [...bytes].map((byte) => String.fromCharCode(97 + (byte % ALPHABET))).join("");
}
