import { expect, it } from "vitest";
import { createArtifactCommands } from "./create-artifact-commands.ts";

it("says in words what an argument asks for, wherever a pattern judges it", () => {
  const judged = createArtifactCommands().flatMap(({ name, args }) =>
    Object.entries(Object("properties" in args ? args.properties : {})).flatMap(([argument, schema]) => {
      const { pattern, expected } = Object(schema);
      return pattern === undefined ? [] : [{ name, argument, expected }];
    }),
  );

  expect(judged.length).toBeGreaterThan(10);
  expect(judged.filter(({ expected }) => typeof expected !== "string")).toEqual([]);
});
