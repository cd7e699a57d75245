/** The permissions of a person in a repository, in increasing order. GitLab's roles use the names of GitHub's. */
export const HOST_PERMISSIONS = ["none", "read", "triage", "write", "maintain", "admin"] as const;

/** A person's permission in a repository. */
export type HostPermission = (typeof HOST_PERMISSIONS)[number];

/** Returns true if a permission is at least the other. An unknown permission is never sufficient. */
export function hasPermission(given: HostPermission | undefined, needs: HostPermission): boolean {
  return given !== undefined && HOST_PERMISSIONS.indexOf(given) >= HOST_PERMISSIONS.indexOf(needs);
}
