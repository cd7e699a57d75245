/** What makes a document another release. */
export interface RedeploymentInput {
  readonly releaseId: string;
  /** Epoch ms. */
  readonly now: number;
}

/** What a deployer may have written into a document that it has worked on. */
const WRITTEN = ["Task", "uuid", "started_at", "success", "healthy", "error", "release_sha256"];

/**
 * The document of an earlier release as a new one: a release id is used once, and an old `created_at` would be refused. `undefined` where
 * it is no document.
 */
export function toRedeployment(
  document: unknown,
  { releaseId, now }: RedeploymentInput,
): Readonly<Record<string, unknown>> | undefined {
  if (typeof document !== "object" || document === null || Array.isArray(document)) return undefined;
  const kept = Object.entries(document).filter(([key]) => !WRITTEN.includes(key));
  return { ...Object.fromEntries(kept), release_id: releaseId, created_at: new Date(now).toISOString() };
}
