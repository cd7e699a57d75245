import { releaseFixture } from "./release-fixture.ts";

/** Members by JSON pointer; `undefined` takes one away. Pointers hold no escapes. */
export type Changes = Readonly<Record<string, unknown>>;

/** A document of one service `web` that is refused for nothing, as changed. */
export function aDocument(changes: Changes = {}, fixture = "odin/one-service"): Record<string, unknown> {
  const document = JSON.parse(releaseFixture(fixture));
  for (const [pointer, value] of Object.entries(changes)) {
    const keys = pointer.split("/").slice(1);
    const last = keys.pop() ?? "";
    let place = document;
    for (const key of keys) {
      if (!Object.hasOwn(place, key)) place[key] = {};
      place = place[key];
    }
    if (value === undefined) delete place[last];
    else place[last] = value;
  }
  return document;
}

/** A document of the first generation, as changed. */
export function aSeedDocument(changes: Changes = {}): Record<string, unknown> {
  return aDocument(changes, "step-asg-deployer/one-service");
}
