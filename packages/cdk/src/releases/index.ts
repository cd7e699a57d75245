export { allowReleases, type ReleaseClientRights } from "../policies/release-client-permissions.ts";
export { type ReleaseRights, releaseIntoAccount } from "../policies/release-permissions.ts";
export { type ReleaseNames, toReleaseNames } from "./release-names.ts";
export { Releases, type ReleasesProps } from "./releases.ts";
export { ReleasesAccount, type ReleasesAccountProps } from "./releases-account.ts";
