export {
  allowReleases,
  type ReleaseClientRights,
  type ReleaseRights,
  releaseIntoAccount,
} from "../policies/release-permissions.ts";
export { type ReleaseNames, Releases, type ReleasesProps, toReleaseNames } from "./releases.ts";
export { ReleasesAccount, type ReleasesAccountProps } from "./releases-account.ts";
