const NEEDED = [22, 18] as const;

/** Returns the problem with this version of Node; undefined when it is new enough. */
export function findNodeProblem(version: string): string | undefined {
  const [major = 0, minor = 0] = version.split(".").map(Number);
  const isNew = major > NEEDED[0] || (major === NEEDED[0] && minor >= NEEDED[1]);
  return isNew ? undefined : `Stackyard needs Node ${NEEDED.join(".")} or newer; this is ${version}.`;
}
