/** As `isPathPart`, for JSON Schemas: also engines without lookahead know it. */
export const PATH_PART = "^([^.]|\\.[^.]|\\.\\.[\\s\\S])";

/**
 * Returns false for an identifier that addresses of files and of the API resolve as a step: no client can name it in a
 * path.
 */
export function isPathPart(id: string): boolean {
  return id !== "." && id !== "..";
}
