import type { ReleaseError } from "../release-error.ts";
import type { ReleaseState, StateError } from "../release-state.ts";

const MAX_LATER = 20;

/** The first error stays the release's; later ones stand beside it. */
export function rememberError(state: ReleaseState, error: ReleaseError): ReleaseState {
  const told: StateError = { Error: error.errorClass, Cause: error.message };
  if (state.error === undefined) return { ...state, error: told };
  return { ...state, later_errors: [...(state.later_errors ?? []), told].slice(-MAX_LATER) };
}
