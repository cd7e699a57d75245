/** What a person may do in a repository, each more than the one before. GitLab's roles have the names of GitHub's. */
export const HOST_PERMISSIONS = ["none", "read", "triage", "write", "maintain", "admin"] as const;

/** What a person may do in a repository. */
export type HostPermission = (typeof HOST_PERMISSIONS)[number];

/** Returns whether a permission is at least the other. A permission that is not known suffices for nothing. */
export function hasPermission(given: HostPermission | undefined, needs: HostPermission): boolean {
  return given !== undefined && HOST_PERMISSIONS.indexOf(given) >= HOST_PERMISSIONS.indexOf(needs);
}
