export type { DistributorConfig, DistributorOptions } from "../context.ts";
export { createDistributor, type Distributor } from "../distributor.ts";
export { toInitialSetDefinition } from "../initial-set/index.ts";
export { createOrganization, type Membership, type Organization } from "../organization.ts";
export { createSignerCredentials } from "../url-signer.ts";
