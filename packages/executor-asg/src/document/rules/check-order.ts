import type { RawRelease } from "../raw-release.ts";
import { type Fault, pointTo, quote } from "../release-problem.ts";
import { MAX_SERVICES } from "../schema/release-schema.ts";

/** The rules of `depends_on`: services of the release, and no circles. */
export function* checkOrder({ services = {} }: RawRelease): Generator<Fault> {
  // Too many are refused for that alone.
  if (Object.keys(services).length > MAX_SERVICES) return;
  for (const [name, service] of Object.entries(services)) {
    const pointer = pointTo("/services", name, "depends_on");
    for (const [index, needed] of (service?.depends_on ?? []).entries()) {
      if (needed === null || Object.hasOwn(services, needed)) continue;
      const message = `depends_on names ${quote(needed)}, which is no service of the release.`;
      yield { code: "release-depends-on-unknown", pointer: pointTo(pointer, index), message };
    }
  }
  const circle = findCircle(services);
  if (circle === undefined) return;
  const [first = ""] = circle;
  const message = `Services wait for each other: ${[...circle, first].map(quote).join(" → ")}. Remove one depends_on.`;
  yield { code: "release-depends-on-circle", pointer: pointTo("/services", first, "depends_on"), message };
}

type Services = NonNullable<RawRelease["services"]>;

// Takes away, again and again, what waits for nothing that is left. What stays has a circle: follow it until a name returns.
function findCircle(services: Services): readonly string[] | undefined {
  const left = new Map(Object.entries(services).map(([name, service]) => [name, toNeeded(services, service)]));
  for (let before = -1; before !== left.size; ) {
    before = left.size;
    for (const [name, needed] of left) if (!needed.some((one) => left.has(one))) left.delete(name);
  }
  const path: string[] = [];
  let next = [...left.keys()][0];
  while (next !== undefined && !path.includes(next)) {
    path.push(next);
    next = left.get(next)?.find((one) => left.has(one));
  }
  return next === undefined ? undefined : path.slice(path.indexOf(next));
}

function toNeeded(services: Services, service: Services[string]): readonly string[] {
  return (service?.depends_on ?? []).flatMap((name) => (name !== null && Object.hasOwn(services, name) ? [name] : []));
}
