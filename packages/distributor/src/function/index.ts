export { type AnnouncerOptions, createAnnouncer } from "../announce/create-announcer.ts";
export type { AnnouncementSource } from "../announce/to-announcement.ts";
export { toInitialSetDefinition } from "../initial-set/initial-set-definition.ts";
export { createSignerCredentials } from "../urls/signer-credentials.ts";
export {
  createUrlSigner,
  type SignedUrl,
  type UrlSigner,
  type UrlSignerOptions,
  type UrlWish,
} from "../urls/url-signer.ts";
export { createDistributor, type Distributor, type InvocationContext } from "./create-distributor.ts";
export type { DistributorConfig } from "./distributor-config.ts";
export type { DistributorOptions } from "./distributor-options.ts";
