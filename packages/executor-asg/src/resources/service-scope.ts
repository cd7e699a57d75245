import type { ReleaseConstants } from "../release-constants.ts";

/** On whose behalf resources are asked for. */
export interface ServiceScope {
  readonly project: string;
  readonly config: string;
  readonly service: string;
  readonly constants: Pick<ReleaseConstants, "generation" | "optInTag" | "profileRoot" | "placementRoot" | "wildcard">;
}

/** Whether a service may use a resource. */
export type Authorisation =
  /** `warnings`: what somebody should know nevertheless. */
  | { readonly kind: "authorised"; readonly warnings: readonly string[] }
  | { readonly kind: "refused"; readonly code: string; readonly message: string };

/** The answer to what nothing speaks against. */
export const AUTHORISED: Authorisation = { kind: "authorised", warnings: [] };
