import { expect, it } from "vitest";
import { parseCompose, toStartOrder, withAddresses } from "./compose.ts";

it("reads merged services, and variables by their defaults", () => {
  // biome-ignore lint/suspicious/noTemplateCurlyInString: a variable of compose.
  const text = "x-a: &a { read_only: true }\nservices:\n  one: { <<: *a, volumes: ['${DIR:-./here}:/there'] }\n";

  expect(parseCompose(text).services).toEqual({ one: { read_only: true, volumes: ["./here:/there"] } });
});

it("starts a service after those on which it depends", () => {
  const services = {
    web: { depends_on: ["api"] },
    api: { depends_on: { db: { condition: "service_healthy" } } },
    db: {},
  };

  expect(toStartOrder(services)).toEqual(["db", "api", "web"]);
  expect(() => toStartOrder({ a: { depends_on: ["b"] }, b: { depends_on: ["a"] } })).toThrow("a → b → a depend");
});

it("replaces names of services in addresses only", () => {
  const addresses = new Map([["db", "127.1.0.1"]]);

  expect(withAddresses("postgres://db:pw@db:5432/db http://other:80", addresses)).toBe(
    "postgres://db:pw@127.1.0.1:5432/db http://other:80",
  );
});
