type Lock = Readonly<{ packages?: Readonly<Record<string, { peer?: boolean; optional?: boolean }>> }>;

/**
 * Returns the paths of locked packages that only peer dependencies need and that are not installed. Optional ones, such as
 * the builds for other platforms, are left out.
 */
export function findMissingPeers(lock: Lock, isInstalled: (path: string) => boolean): string[] {
  return Object.entries(lock.packages ?? {})
    .filter(([, { peer, optional }]) => peer && !optional)
    .map(([path]) => path)
    .filter((path) => !isInstalled(path));
}
