export { toInitialSetDefinition } from "../initial-set/initial-set-definition.ts";
export { createSignerCredentials } from "../urls/signer-credentials.ts";
export {
  createDistributor,
  type Distributor,
  type DistributorOptions,
  type InvocationContext,
} from "./create-distributor.ts";
export type { DistributorConfig } from "./distributor-config.ts";
