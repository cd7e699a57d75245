import { Type } from "typebox";
import { expect, it } from "vitest";
import { compileWhenUsed } from "./compile-when-used.ts";

it("checks values and lists faults as a compiled schema does", () => {
  const point = compileWhenUsed(Type.Object({ x: Type.Number() }));

  expect([point.Check({ x: 1 }), point.Check({ x: "1" }), point.Check(null)]).toEqual([true, false, false]);
  expect(point.Errors({ x: "1" }).map(({ instancePath }) => instancePath)).toEqual(["/x"]);
  expect(point.Errors({ x: 1 })).toEqual([]);
});

it("reads the schema when it first checks a value", () => {
  const point = Object.defineProperty(Type.Object({}), "properties", {
    get: () => {
      throw new Error("read");
    },
  });
  const checker = compileWhenUsed(point);

  expect(() => checker.Check({})).toThrow("read");
});
