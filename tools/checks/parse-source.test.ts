import { describe, expect, it } from "vitest";
import { parseSource } from "./parse-source.ts";

describe("parseSource", () => {
  it("lists what is imported, by name where names are given, and no types", () => {
    const text = `import type { A } from "./a.ts";
import { b, type C, d as e } from "./b.ts";
import * as all from "@stackyard/core";
import whole from "whole";
import "./style.css";
import {
  long,
  type Longer,
} from "./long.ts";
const late = await import("./late.ts");
`;

    expect(parseSource(text).imports).toEqual([
      { specifier: "./b.ts", names: ["b", "d"] },
      { specifier: "@stackyard/core", names: undefined },
      { specifier: "whole", names: undefined },
      { specifier: "./long.ts", names: ["long"] },
      { specifier: "./style.css", names: undefined },
      { specifier: "./late.ts", names: undefined },
    ]);
  });

  it("knows a file that only re-exports, and where each name comes from", () => {
    const text = `// The package.
export { a, b as c, type D } from "./a.ts";
export type { E } from "./e.ts";
`;

    expect([...(parseSource(text).exports ?? [])]).toEqual([
      ["a", { specifier: "./a.ts", name: "a" }],
      ["c", { specifier: "./a.ts", name: "b" }],
    ]);
    expect(parseSource(`${text}register();\n`).exports).toBeUndefined();
  });

  it("lists texts that may be paths, and packages that are named", () => {
    const text = `import { a } from "./a.ts";
const folder = new URL("../fixtures/", import.meta.url);
const config = { use: "@stackyard/hosts", page: "docs/aws.md", event: "OPENED" };
const hint = "It needs the plugin @stackyard/previews.";
`;

    expect(parseSource(text)).toMatchObject({
      isPlaced: true,
      literals: ["../fixtures/", "docs/aws.md"],
      packages: ["@stackyard/hosts"],
    });
    expect(parseSource("export const isProduction = import.meta.env.PROD;").isPlaced).toBe(false);
  });
});
