/** As `isPathPart`, for JSON Schemas: also engines without lookahead know it. */
export const PATH_PART = "^([^.]|\\.[^.]|\\.\\.[\\s\\S])";

/**
 * Returns false for an identifier that addresses of files and of the API resolve as a step: no client can name it in a
 * path.
 */
export function isPathPart(id: string): boolean {
  return id !== "." && id !== "..";
}

/** Returns why one of the ids and names of a message, by their fields, is refused. */
export function findNameFault(names: Readonly<Record<string, string | undefined>>): string | undefined {
  for (const [field, text = ""] of Object.entries(names)) {
    if (!text.isWellFormed()) return `The "${field}" contains an unpaired surrogate.`;
    if (!isPathPart(text)) return `The "${field}" ${JSON.stringify(text)} cannot be part of an address.`;
  }
  return undefined;
}
