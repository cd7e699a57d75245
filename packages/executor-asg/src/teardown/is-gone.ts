const GONE_NAMES = /NotFound|NoSuchEntity/;
/** Auto Scaling answers so, as a ValidationError, where a group, template or configuration is not there (any more). */
const GONE_MESSAGES = /not found|does not exist|doesn't exist|non-existing/i;

/** Was something asked to be deleted, or changed, that is not there? Then it need not be. */
export function isGone(error: unknown): boolean {
  if (!(error instanceof Error)) return false;
  return GONE_NAMES.test(error.name) || (error.name === "ValidationError" && GONE_MESSAGES.test(error.message));
}

/** Deletes what may be gone already. */
export async function deleteIfThere(remove: () => Promise<unknown>): Promise<void> {
  try {
    await remove();
  } catch (error) {
    if (!isGone(error)) throw error;
  }
}
