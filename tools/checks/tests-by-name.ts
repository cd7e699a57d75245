const TEST = /^(?<stem>.+?)(?:\.(?:browser|property))?\.test(?:-d)?\.tsx?$/;
const ENDINGS = [".ts", ".tsx", ".js"];

/**
 * Returns what is wrong with the places of tests. `x.test.ts` is next to `x.ts`, so that authors of a change find its
 * tests. A test of a promise, which several files keep together, is `x.promise.test.ts`. Files of tests that are listed may
 * have other names; a listed file that is gone, or has found its source, must leave the list.
 */
export function findUnnamedTests(paths: ReadonlySet<string>, listed: ReadonlySet<string>): readonly string[] {
  const unnamed = new Set([...paths].filter((path) => isUnit(path) && !hasSource(path, paths)));
  return [
    ...[...unnamed]
      .filter((path) => !listed.has(path))
      .map((path) => `${path} has no source of its name next to it: rename it, or call it *.promise.test.ts.`),
    ...[...listed]
      .filter((path) => !unnamed.has(path))
      .map((path) => `${path} is not an exception any longer: remove its line.`),
  ];
}

/** Tests of whole parts (`*.int.test.ts`, e2e) have no single source. */
function isUnit(path: string): boolean {
  return TEST.test(path) && !/\.(?:int|promise)(?:\.browser)?\.test\.tsx?$/.test(path) && !path.includes("/e2e/");
}

function hasSource(path: string, paths: ReadonlySet<string>): boolean {
  const { stem = "" } = TEST.exec(path)?.groups ?? {};
  return ENDINGS.some((ending) => paths.has(`${stem}${ending}`));
}
