import { describe, expect, it } from "vitest";
import { toServiceOrder } from "./service-order.ts";
import { aService } from "./testing/a-release.ts";

function order(dependsOn: Readonly<Record<string, readonly string[]>>): readonly string[] {
  const services = Object.entries(dependsOn).map(
    ([name, depends_on]) => [name, aService({ service_name: name, depends_on })] as const,
  );
  return toServiceOrder({ services: Object.fromEntries(services) }).map(({ service_name }) => service_name);
}

describe("toServiceOrder", () => {
  it("goes by name, whatever the order of the document", () => {
    expect(order({ web: [], api: [], worker: [] })).toEqual(["api", "web", "worker"]);
  });

  it("puts a service after those that it depends on, directly or not", () => {
    expect(order({ api: ["web"], batch: [], db: [], web: ["db"] })).toEqual(["batch", "db", "web", "api"]);
  });

  it("leaves nobody out, even of a circle or of a service that is not there", () => {
    expect(order({ a: ["b"], b: ["a"], c: ["d"] })).toEqual(["c", "a", "b"]);
  });
});
