export { type AnnouncementSource, type AnnouncerOptions, createAnnouncer } from "../announce.ts";
export type { DistributorConfig, DistributorOptions } from "../context.ts";
export { createDistributor, type Distributor } from "../distributor.ts";
export { toInitialSetDefinition } from "../initial-set/index.ts";
export { createOrganization, type Membership, type Organization } from "../organization.ts";
export {
  createSignerCredentials,
  createUrlSigner,
  type SignedUrl,
  type UrlSigner,
  type UrlSignerOptions,
  type UrlWish,
} from "../url-signer.ts";
