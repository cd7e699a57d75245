import { readFileSync } from "node:fs";

/** The text of a release document of this package's fixtures, such as `odin/one-service`. */
export function releaseFixture(name: string): string {
  return readFileSync(new URL(`../../fixtures/${name}.json`, import.meta.url), "utf8");
}
