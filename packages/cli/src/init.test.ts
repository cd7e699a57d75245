import { describe, expect, it } from "vitest";
import { toDependency } from "./init.ts";
import { VERSION } from "./version.ts";

describe("toDependency", () => {
  it("is the version of an installed package", () => {
    expect(toDependency("/home/kim/app/node_modules/stackyard")).toBe(VERSION);
    expect(toDependency("C:\\app\\node_modules\\stackyard")).toBe(VERSION);
  });

  it("is the folder of a clone", () => {
    expect(toDependency("/home/kim/stackyard/packages/cli")).toBe("file:/home/kim/stackyard/packages/cli");
  });
});
