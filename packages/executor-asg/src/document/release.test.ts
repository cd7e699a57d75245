import { describe, expect, it } from "vitest";
import { aService } from "../testing/builders.ts";
import { toServiceOrder } from "./release.ts";

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

  it("includes every service, even in a cycle or with an unknown service", () => {
    expect(order({ a: ["b"], b: ["a"], c: ["d"] })).toEqual(["c", "a", "b"]);
  });
});
