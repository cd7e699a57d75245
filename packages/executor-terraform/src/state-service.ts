import { defineService, type ProvidedService, provideService, type ServiceKey } from "@stackyard/core";

/** The yard's state backend, as one attempt reaches it. */
export interface TerraformState {
  /** The base address of the `http` backend. */
  readonly url: string;
  /** What the attempt signs in there with, for as long as its lease lives; the user is the attempt's id. A secret. */
  password(): Promise<string>;
}

/** The service by which runners give tasks without a backend of their own a place for their state. */
export const TERRAFORM_STATE: ServiceKey<TerraformState> = defineService<TerraformState>("terraform-state");

/** Returns the service for a worker; `url` is the `stateBackendUrl` of the yard's server. */
export function provideTerraformState(url: string): ProvidedService {
  return provideService(TERRAFORM_STATE, ({ password }) => ({ url, password }));
}
