import { describe, expect, it } from "vitest";
import { withEnvironment } from "./with-environment.ts";

const environment = [{ name: "A", value: "1" }];

describe("withEnvironment", () => {
  it("goes to the only container, or to the named one", () => {
    expect(withEnvironment({}, { container: undefined, environment }, ["app"])).toEqual({
      overrides: { containerOverrides: [{ name: "app", environment }] },
    });
    expect(withEnvironment({}, { container: "b", environment }, ["a", "b"])).toEqual({
      overrides: { containerOverrides: [{ name: "b", environment }] },
    });
  });

  it("wins over overrides of the same name, and keeps the others", () => {
    const overrides = {
      cpu: "512",
      containerOverrides: [
        { name: "x", cpu: 1 },
        {
          name: "app",
          command: ["up"],
          environment: [
            { name: "A", value: "0" },
            { name: "B", value: "2" },
          ],
        },
      ],
    };

    expect(withEnvironment(overrides, { container: "app", environment }, ["app", "x"])).toEqual({
      overrides: {
        cpu: "512",
        containerOverrides: [
          { name: "x", cpu: 1 },
          {
            name: "app",
            command: ["up"],
            environment: [
              { name: "B", value: "2" },
              { name: "A", value: "1" },
            ],
          },
        ],
      },
    });
  });

  it("changes nothing without variables", () => {
    expect(withEnvironment({ cpu: "1" }, { container: undefined, environment: [] }, ["a", "b"])).toEqual({
      overrides: { cpu: "1" },
    });
  });

  it("needs a name where there are several containers", () => {
    expect(withEnvironment({}, { container: undefined, environment }, ["a", "b"])).toEqual({
      problems: [{ path: "/environment", message: 'needs "container": the definition has 2 containers (a, b)' }],
    });
  });

  it("stays within what ECS takes", () => {
    const long = [{ name: "A", value: "x".repeat(8_192) }];

    expect(withEnvironment({}, { container: "app", environment: long }, ["app"])).toHaveProperty("problems");
  });
});
