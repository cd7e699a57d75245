/** As `isPathPart`, for JSON Schemas: also engines without lookahead know it. */
export const PATH_PART = "^([^.]|\\.[^.]|\\.\\.[\\s\\S])";

/**
 * Returns false for an identifier that addresses of files and of the API resolve as a step: no client can name it in a
 * path.
 */
export function isPathPart(id: string): boolean {
  return id !== "." && id !== "..";
}

/** Returns why one of the ids and names of a message is refused. */
export function findNameFault(names: readonly string[]): string | undefined {
  if (!names.every((text) => text.isWellFormed())) return "An id or name contains an unpaired surrogate.";
  const step = names.find((text) => !isPathPart(text));
  return step === undefined ? undefined : `The id or name ${JSON.stringify(step)} cannot be part of an address.`;
}
